"""The settings of the tap: what may be set, and what the JSON schema cannot check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from singer_sdk import typing as th

from exactonline_client import HOSTS
from s2p_singer import STORE_SETTINGS, SettingError, strict
from tap_exactonline.bookmarks import parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NEEDED_TO_READ", "SETTINGS", "check_settings"]

NEEDED_TO_READ: Final = ("client_id", "client_secret", "store_key")
"""Settings without which nothing can be read; discovery needs none."""

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
        description="Client id of the app registration. Needed to read.",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        secret=True,
        title="Client secret",
        description="Client secret of the app registration. Needed to read.",
    ),
    th.Property(
        "redirect_uri",
        th.StringType,
        title="Redirect URI",
        description="The app's registered redirect URI; used by `s2p login`.",
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="First refresh token",
        description=(
            "Only fills a vault that holds no token for this client; afterwards the vault is "
            "the truth, as Exact replaces the token with every use."
        ),
    ),
    th.Property(
        "divisions",
        th.ArrayType(th.IntegerType),
        title="Divisions",
        description="Codes of the divisions to read. Default: the user's current one.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Oldest Modified to read on a first run (ISO 8601; UTC without a zone).",
    ),
    *STORE_SETTINGS,
    th.Property(
        "reserve_daily_calls",
        th.IntegerType,
        default=250,
        title="Reserved daily calls",
        description=(
            "Calls of a division's daily quota left to others: the tap stops cleanly, with "
            "state, before it goes below."
        ),
    ),
    th.Property(
        "overlap_seconds",
        th.IntegerType,
        default=120,
        title="Overlap",
        description="How far, in seconds, an incremental read on Modified reaches back.",
    ),
    th.Property(
        "sweep_days",
        th.IntegerType,
        default=7,
        title="Sweep days",
        description=(
            "Every so many days all keys of invoices and entries are read to find what was "
            "deleted, as Exact does not tell; one call for 60 of them. 0: never."
        ),
    ),
    th.Property(
        "drain_webhooks",
        th.BooleanType,
        default=True,
        title="Drain webhooks",
        description="First read the entities named in the webhook inbox.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType,
        default=120,
        title="Request timeout",
        description="Seconds without a byte before an answer counts as missing.",
    ),
)


def check_settings(config: Mapping[str, Any]) -> None:
    """Refuse values that the JSON schema lets through.

    Raises:
        SettingError: naming the setting.
    """
    if start := config.get("start_date"):
        try:
            parse_instant(start)
        except ValueError:
            raise SettingError(
                "Setting 'start_date' must be an ISO 8601 date or date-time, for instance "
                "2026-01-01T00:00:00Z."
            ) from None
    for name in ("reserve_daily_calls", "overlap_seconds", "sweep_days"):
        if config[name] < 0:
            raise SettingError(f"Setting '{name}' must not be negative.")
    if any(division <= 0 for division in config.get("divisions") or ()):
        raise SettingError("Setting 'divisions' must hold codes of divisions, which are positive.")
    if config["request_timeout"] <= 0:
        raise SettingError("Setting 'request_timeout' must be more than 0 seconds.")
