"""Settings of the plugins as the operators' command sees them. Pure.

One value is looked for in the file given with `--config`, then in the environment, then in `.env`.
The file is the configuration file of one plugin as it stands, or an object with one object per
plugin (`{"tap-exactonline": {...}, "target-servicenow-s2p": {...}, "store_url": ...}`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from s2p_console.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DEFAULT_STORE_URL",
    "MAPPER",
    "PREFIXES",
    "SHARED",
    "TAP",
    "TARGET",
    "WAY_BACK",
    "Settings",
    "by_plugin",
]

TAP: Final = "tap-exactonline"
MAPPER: Final = "mapper-glcostcenter"
TARGET: Final = "target-servicenow-s2p"
WAY_BACK: Final = "target-exactonline"
SHARED: Final = "s2p"

PREFIXES: Final[Mapping[str, str]] = {
    SHARED: "S2P_",
    TAP: "TAP_EXACTONLINE_",
    MAPPER: "MAPPER_GLCOSTCENTER_",
    TARGET: "TARGET_SERVICENOW_S2P_",
    WAY_BACK: "TARGET_EXACTONLINE_",
}
DEFAULT_STORE_URL: Final = "sqlite:///.s2p/store.db"

_MARKS: Final = (
    ("servicenow_instance_url", MAPPER),
    ("instance_url", TARGET),
    ("ownership", WAY_BACK),
    ("create", WAY_BACK),
)
"""A setting that only one plugin has, by which its configuration file is known."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was configured, by plugin; an empty text counts as not set."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def find(self, plugin: str, name: str) -> str | None:
        """Give the setting as text, None if it is not set.

        Raises:
            SettingError: the file gives a list, an object or a boolean where text belongs.
        """
        value = self.file.get(plugin, {}).get(name)
        if value in (None, ""):
            return self.environment.get(f"{PREFIXES[plugin]}{name.upper()}") or None
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise SettingError(
                f"The setting '{name}' of {plugin} in the configuration file must be text."
            )
        return str(value)

    def need(self, plugin: str, *names: str) -> list[str]:
        """Give settings that a command cannot do without, in the order asked for.

        Raises:
            SettingError: names all that are missing, with their environment names.
        """
        found = {name: self.find(plugin, name) for name in names}
        missing = [name for name, value in found.items() if value is None]
        if missing:
            settings = ", ".join(f"'{name}'" for name in missing)
            variables = ", ".join(f"{PREFIXES[plugin]}{name.upper()}" for name in missing)
            one = len(missing) == 1
            raise SettingError(
                f"The setting{'' if one else 's'} {settings} of {plugin} "
                f"{'is' if one else 'are'} missing: set {variables} in the environment or in "
                ".env, or name a configuration file with --config."
            )
        return [value for value in found.values() if value is not None]

    def seconds(self, plugin: str, name: str, default: float) -> float:
        """Give a duration in seconds, more than zero.

        Raises:
            SettingError: it is no such number.
        """
        text = self.find(plugin, name)
        if text is None:
            return default
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            raise SettingError(f"The setting '{name}' of {plugin} must be a number of seconds.")
        return seconds

    def whole_numbers(self, plugin: str, name: str) -> tuple[int, ...]:
        """Give a list of whole numbers, empty if it is not set.

        Raises:
            SettingError: it is no such list.
        """
        given: Any = self.file.get(plugin, {}).get(name)
        if given in (None, ""):
            given = self.environment.get(f"{PREFIXES[plugin]}{name.upper()}") or "[]"
        try:
            numbers = json.loads(given) if isinstance(given, str) else given
        except ValueError:
            numbers = None
        if not isinstance(numbers, list) or not all(type(one) is int for one in numbers):
            raise SettingError(
                f"The setting '{name}' of {plugin} must be a list of whole numbers, for instance "
                "[1234567]."
            )
        return tuple(numbers)

    def flag(self, plugin: str, name: str) -> bool:
        """Give whether a setting is on; it is off if it is not set."""
        value: Any = self.file.get(plugin, {}).get(name)
        if value in (None, ""):
            value = self.environment.get(f"{PREFIXES[plugin]}{name.upper()}")
        return str(value).strip().lower() in {"true", "1", "yes", "on"}

    def mapping(self, plugin: str, name: str) -> dict[str, Any]:
        """Give an object, empty if it is not set.

        Raises:
            SettingError: it is no such object.
        """
        given: Any = self.file.get(plugin, {}).get(name)
        if given in (None, ""):
            given = self.environment.get(f"{PREFIXES[plugin]}{name.upper()}") or "{}"
        try:
            found = json.loads(given) if isinstance(given, str) else given
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SettingError(f"The setting '{name}' of {plugin} must be a JSON object.")
        return found

    @property
    def store_url(self) -> str:
        """Where the store is."""
        return self._of_store("store_url") or DEFAULT_STORE_URL

    @property
    def store_key(self) -> str | None:
        """The key of the store, None without one."""
        return self._of_store("store_key")

    def _of_store(self, name: str) -> str | None:
        """The shared name wins; a plugin's own stands in, for whoever sets it only there."""
        return next((value for plugin in PREFIXES if (value := self.find(plugin, name))), None)


def by_plugin(document: object) -> dict[str, dict[str, Any]]:
    """Sort the content of a configuration file by plugin.

    Raises:
        SettingError: it is no JSON object, or what stands for a plugin is none.
    """
    if not isinstance(document, dict):
        raise SettingError("The configuration file must hold one JSON object.")
    sections: dict[str, dict[str, Any]] = {}
    loose: dict[str, Any] = {}
    for name, value in document.items():
        if name not in PREFIXES:
            loose[name] = value
        elif isinstance(value, dict):
            sections[name] = dict(value)
        else:
            raise SettingError(f"'{name}' in the configuration file must be an object of settings.")
    if loose:
        # A client id and secret must never be taken for those of the other system.
        owner = next((plugin for mark, plugin in _MARKS if mark in loose), TAP)
        sections[owner] = {**loose, **sections.get(owner, {})}
    return sections
