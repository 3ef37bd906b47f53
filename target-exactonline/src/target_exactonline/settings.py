"""The settings: those of a login at Exact Online, and what may be written there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from singer_sdk import typing as th

from exactonline_client import HOSTS
from s2p_reference.creation import Templates, read_templates
from s2p_reference.entities import ENTITIES
from s2p_reference.ownership import Ownership, read_ownership
from s2p_reference.places import Places, read_places
from s2p_singer import STORE_SETTINGS, SettingError, strict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NEEDED", "SETTINGS", "Wishes", "read_wishes"]

NEEDED: Final = ("client_id", "client_secret", "store_key")

_anything: Final = th.ObjectType(additional_properties=True)

SETTINGS: Final[dict[str, Any]] = strict(
    th.Property(
        "region",
        th.StringType,
        default="nl",
        allowed_values=list(HOSTS),
        title="Region",
        description="Country of the Exact Online environment; chooses the host.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        title="API root URL",
        description="Root URL that overrides the region's host (a proxy, the sandbox).",
    ),
    th.Property(
        "client_id",
        th.StringType,
        title="Client id",
        description="Client id of the app registration.",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        secret=True,
        title="Client secret",
        description="Client secret of the app registration.",
    ),
    th.Property(
        "redirect_uri",
        th.StringType,
        title="Redirect URI",
        description="The app's registered redirect URI.",
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="First refresh token",
        description=(
            "Only fills a vault that holds no token for this client; afterwards the vault is "
            "the truth."
        ),
    ),
    th.Property(
        "divisions",
        th.ArrayType(th.IntegerType),
        title="Divisions",
        description="The only divisions to write to. Default: each whose ERP source comes.",
    ),
    th.Property(
        "erp_sources",
        th.ObjectType(additional_properties=th.StringType),
        default={},
        title="ERP sources",
        description="Division → ERP source in ServiceNow; one without is EXACT-<division>.",
    ),
    th.Property(
        "ownership",
        _anything,
        default={},
        title="Ownership",
        description=(
            "Field → exactonline or servicenow; cost_centers.FIELD for one kind, an object under "
            "a division's code for one division. Default: Exact Online owns what it has."
        ),
    ),
    th.Property(
        "create",
        th.BooleanType,
        default=False,
        title="Create",
        description="Create in Exact Online what only ServiceNow has; otherwise it is proposed.",
    ),
    th.Property(
        "templates",
        _anything,
        default={},
        title="Templates",
        description=(
            "What a new record needs and nobody may guess: stream → ServiceNow's type (* for all) "
            "→ properties of Exact; also under a division's code."
        ),
    ),
    th.Property(
        "code_lengths",
        th.ObjectType(additional_properties=th.IntegerType),
        default={},
        title="Code lengths",
        description=(
            "Characters Exact Online takes for a code, per stream. It publishes no number; without "
            "one it is asked, and its refusal is on record."
        ),
    ),
    th.Property(
        "whole_read_hours",
        th.NumberType,
        default=24,
        title="Hours between whole reads",
        description=(
            "Exact Online is read whole after so many hours, in between what was changed; only a "
            "whole read shows deletions. 0: in each run."
        ),
    ),
    *STORE_SETTINGS,
    th.Property(
        "reserve_daily_calls",
        th.IntegerType,
        default=250,
        title="Reserved daily calls",
        description="Calls of a division's daily quota left to others.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType,
        default=120,
        title="Request timeout",
        description="Seconds without a byte before an answer counts as missing.",
    ),
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings say, read once.

    Attributes:
        places: which division an ERP source is.
        whole_read_hours: after which Exact is read whole again; 0: always.
    """

    ownership: Ownership
    templates: Templates
    create: bool
    code_lengths: Mapping[str, int]
    places: Places
    whole_read_hours: float


def read_wishes(config: Mapping[str, Any]) -> Wishes:
    """Check what the JSON schema lets through.

    Raises:
        SettingError, ReferenceSettingError: naming the setting.
    """
    for stream, longest in config["code_lengths"].items():
        if stream not in ENTITIES or longest < 1:
            raise SettingError(
                f"Setting 'code_lengths' takes numbers for {' and '.join(ENTITIES)}; '{stream}' is "
                "none of them or its number is not positive."
            )
    if config["reserve_daily_calls"] < 0:
        raise SettingError("Setting 'reserve_daily_calls' must not be negative.")
    if config["whole_read_hours"] < 0:
        raise SettingError("Setting 'whole_read_hours' must not be negative.")
    if config["request_timeout"] <= 0:
        raise SettingError("Setting 'request_timeout' must be more than 0 seconds.")
    return Wishes(
        read_ownership(config["ownership"]),
        read_templates(config["templates"]),
        config["create"],
        config["code_lengths"],
        read_places(config["erp_sources"], config.get("divisions") or ()),
        float(config["whole_read_hours"]),
    )
