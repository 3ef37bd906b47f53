"""Settings that several plugins share, and how strictly all of them are read.

A plugin's settings are exactly those it declares: an unknown one is an error, as a misspelt setting
that is silently ignored costs a finance team more than a run that does not start.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from dotenv import find_dotenv, load_dotenv
from singer_sdk import typing as th

from s2p_singer.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jsonschema import ValidationError

__all__ = [
    "STORE_SETTINGS",
    "explain",
    "from_environment",
    "parse_texts",
    "require",
    "secrets_of",
    "servicenow_settings",
    "strict",
    "with_store_environment",
]

DEFAULT_STORE_URL = "sqlite:///.s2p/store.db"

STORE_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property(
        "store_url",
        th.StringType,
        default=DEFAULT_STORE_URL,
        title="Store URL",
        description=(
            "Where vault, audit trail and holds live: sqlite:///path (relative to the working "
            "directory) or postgresql://… . Falls back to S2P_STORE_URL."
        ),
    ),
    th.Property(
        "store_key",
        th.StringType,
        secret=True,
        title="Store key",
        description=(
            "Key that encrypts the vault and held records; `s2p key` makes one. "
            "Falls back to S2P_STORE_KEY."
        ),
    ),
)


def servicenow_settings(prefix: str = "") -> tuple[th.Property[Any], ...]:
    """How to reach and sign in to ServiceNow, each name preceded by `prefix`."""
    return (
        th.Property(
            f"{prefix}instance_url",
            th.StringType,
            required=True,
            title="ServiceNow instance URL",
            description="Root URL of the instance: https://acme.service-now.com",
        ),
        th.Property(
            f"{prefix}auth_method",
            th.StringType,
            default="client_credentials",
            allowed_values=["client_credentials", "authorization_code", "basic"],
            title="ServiceNow sign-in method",
            description="How to sign in: OAuth client credentials, authorization code, or Basic.",
        ),
        th.Property(
            f"{prefix}client_id",
            th.StringType,
            title="ServiceNow OAuth client id",
            description="Client id of the OAuth application registry entry.",
        ),
        th.Property(
            f"{prefix}client_secret",
            th.StringType,
            secret=True,
            title="ServiceNow OAuth client secret",
            description="Client secret of the OAuth application registry entry.",
        ),
        th.Property(
            f"{prefix}username",
            th.StringType,
            title="ServiceNow user",
            description="User of the integration, for Basic authentication.",
        ),
        th.Property(
            f"{prefix}password",
            th.StringType,
            secret=True,
            title="ServiceNow password",
            description="Password of that user, for Basic authentication.",
        ),
        th.Property(
            f"{prefix}refresh_token",
            th.StringType,
            secret=True,
            title="ServiceNow refresh token",
            description="First refresh token, for the authorization-code method.",
        ),
    )


def strict(*properties: th.Property[Any]) -> dict[str, Any]:
    """The JSON schema of a plugin's settings; anything else is refused."""
    return th.PropertiesList(*properties, additional_properties=False).to_dict()


def with_store_environment(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Add what S2P_STORE_URL and S2P_STORE_KEY say where the plugin's own setting is not set."""
    completed = dict(config)
    for name in _STORE:
        value = os.environ.get(f"S2P_{name.upper()}")
        if value and name in schema["properties"] and not completed.get(name):
            completed[name] = value
    return completed


def from_environment(schema: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Settings the environment (or a `.env` file above the working directory) names, as text.

    Args:
        schema: JSON schema of the plugin's settings.
        prefix: what precedes each setting's upper-cased name, e.g. `TAP_EXACTONLINE_`.
    """
    load_dotenv(find_dotenv(usecwd=True))
    names = {f"{prefix}{name.upper()}": name for name in schema["properties"]}
    return {
        name: os.environ[variable] for variable, name in names.items() if variable in os.environ
    }


def parse_texts(schema: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Turn settings that arrived as text into what the schema asks for.

    What cannot be read that way stays as it is, for validation to name it.
    """
    return {
        name: _parse(value, schema["properties"].get(name, {}).get("type", ()))
        if isinstance(value, str)
        else value
        for name, value in config.items()
    }


def _parse(text: str, kinds: Sequence[str]) -> object:
    if "string" in kinds or not kinds:
        return text
    if "boolean" in kinds:
        return _BOOLEANS.get(text.strip().lower(), text)
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def explain(errors: Iterable[ValidationError], env_prefix: str) -> SettingError:
    """One sentence for all that is wrong with the settings; no value of a setting is quoted."""
    return SettingError(
        " ".join(dict.fromkeys(_explain_one(error, env_prefix) for error in errors))
    )


def _explain_one(error: ValidationError, env_prefix: str) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    # The rule that was broken: a list for `required`, `enum` and `type`, a number for bounds.
    rule: Any = error.validator_value
    given: Any = error.instance
    if error.validator == "required":
        return _missing([name for name in rule if name not in given], env_prefix)
    if error.validator == "additionalProperties":
        schema: Any = error.schema
        unknown = sorted(set(given) - set(schema.get("properties", {})))
        inside = f" in '{where}'" if where else ""
        return (
            f"Unknown setting{'s' if len(unknown) > 1 else ''}{inside}: {', '.join(unknown)}. "
            "Remove or correct; --about lists the settings there are."
        )
    if error.validator == "enum":
        choices = ", ".join(str(choice) for choice in rule if choice is not None)
        return f"Setting '{where}' must be one of: {choices}."
    if error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else [kind for kind in rule if kind != "null"]
        article = "an" if kinds[0][0] in "aeio" else "a"
        return f"Setting '{where}' must be {article} {' or '.join(kinds)}."
    return f"Setting '{where}' is not valid ({error.validator}: {rule}); --about describes it."


def _missing(names: list[str], env_prefix: str) -> str:
    quoted = ", ".join(f"'{name}'" for name in names)
    # The store is one for all plugins, so its settings have a name that all of them read.
    env_names = ", ".join(
        f"{'S2P_' if name in _STORE else env_prefix}{name.upper()}" for name in names
    )
    verb = "is" if len(names) == 1 else "are"
    key = " `s2p key` makes a store key." if "store_key" in names else ""
    return f"Setting{'s' if len(names) > 1 else ''} {quoted} {verb} missing; set {env_names}.{key}"


_STORE = ("store_url", "store_key")


def require(config: Mapping[str, Any], names: Iterable[str], env_prefix: str) -> None:
    """Insist on settings that are needed only for some ways of working.

    Raises:
        SettingError: one of them is missing or empty.
    """
    missing = [name for name in names if config.get(name) in (None, "")]
    if missing:
        raise SettingError(_missing(missing, env_prefix))


def secrets_of(schema: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Values of the settings that the schema marks as secret."""
    return [
        config[name]
        for name, property_ in schema["properties"].items()
        if property_.get("secret") and isinstance(config.get(name), str)
    ]
