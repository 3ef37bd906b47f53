"""What every plugin of this project does differently from the SDK's defaults.

* Its settings are exactly those declared, and a wrong one is told in one sentence.
* The store settings fall back to S2P_STORE_URL and S2P_STORE_KEY.
* Signals take effect at safe points and give exit code 128 + signal (`Termination`).
* Secrets among the settings are masked in every log line.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import PluginBase
from typing_extensions import override

from s2p_singer import redaction
from s2p_singer.settings import (
    explain,
    from_environment,
    parse_texts,
    secrets_of,
    with_store_environment,
)
from s2p_singer.termination import Termination

__all__ = ["PluginMixin"]


class PluginMixin(PluginBase):
    """Stands before an SDK plugin class: `class TapX(PluginMixin, Tap)`."""

    termination: Termination
    """When a signal may take effect; made with the plugin."""

    @override
    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add nothing: the SDK's stream maps, flattening and the like are not offered."""

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - the SDK's own form for this hook
        # The SDK's reader stops with a traceback at a malformed number or list.
        return dict(from_environment(cls.config_jsonschema, cls._env_var_prefix))

    @override
    def _setup_signal_handlers(self) -> None:
        self.termination = Termination()
        self.termination.install()

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Complete the settings, mask their secrets, and refuse what is wrong.

        Raises:
            SettingError: with one sentence, if `raise_errors`.
        """
        schema = self.config_jsonschema
        # An empty text is how Meltano and shells pass on a setting that is not set.
        given = {name: value for name, value in self._config.items() if value not in (None, "")}
        given = with_store_environment(parse_texts(schema, given), schema)
        redaction.register(secrets_of(schema, given))
        errors = list(Draft202012Validator(schema).iter_errors(given))
        for name, property_ in schema["properties"].items():
            if "default" in property_:
                given.setdefault(name, property_["default"])
        self._config.clear()
        self._config.update(given)
        if errors and raise_errors:
            raise explain(errors, self._env_var_prefix)
        return [error.message for error in errors] if raise_errors else []
