"""The tap: settings, streams in order, one session for a run, an orderly end."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream, Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from typing_extensions import override

from s2p_singer import (
    BufferedMessageWriter,
    PluginMixin,
    SettingError,
    Terminated,
    UserError,
    encode_line,
    tap_from,
)
from servicenow_client import ServiceNowError
from tap_servicenow_s2p.definitions import streams
from tap_servicenow_s2p.session import Session
from tap_servicenow_s2p.settings import SETTINGS
from tap_servicenow_s2p.stream import ServiceNowStream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput

__all__ = ["IncompleteRun", "TapServiceNowS2P"]


class IncompleteRun(UserError):  # noqa: N818 - the name says what the run was
    """Something was not read and a person has to act; everything else was."""


class TapServiceNowS2P(PluginMixin, Tap):
    """Singer tap for ServiceNow's Source-to-Pay."""

    name = "tap-servicenow-s2p"
    message_writer_class = BufferedMessageWriter
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        """Make the tap; connects to nothing."""
        super().__init__(*args, **kwargs)
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """The run's connection, opened when first asked for: discovery needs none."""
        if self._session is None:
            self._session = Session(self.config, self.name, self.logger)
        return self._session

    @property
    def writer(self) -> BufferedMessageWriter:
        """The writer that takes a record without a message object around it."""
        return cast("BufferedMessageWriter", self.message_writer)

    @property
    def start(self) -> str:
        """Where a first run begins, as ServiceNow writes moments; empty: at the beginning.

        Raises:
            SettingError: the setting is no moment.
        """
        given = self.config.get("start_date")
        if not given:
            return ""
        try:
            moment = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
        except ValueError:
            raise SettingError(
                "Setting 'start_date' must be an ISO 8601 date or date-time, for instance "
                "2026-01-01T00:00:00Z."
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")

    def emit_state(self) -> None:
        """Emit the state; hand over all records before it."""
        if self.state:
            self.state_writer.write_state(self.state)
        self.writer.flush()

    def activate(self, stream: str, version: int) -> None:
        """Say that all records of a stream that lack this version are gone."""
        message = {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}
        self.writer.write_line(encode_line(message))
        self.emit_state()

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        # The SDK sorts by name; the order of definitions is a promise.
        if self._streams is None:
            by_name = super().streams
            self._streams = {each.name: by_name[each.name] for each in streams()}
        return self._streams

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [ServiceNowStream(self, definition) for definition in streams()]

    @override
    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        # The SDK's form makes a tap and calls sync_all(); ours also ends the run.
        super(Tap, cls).invoke(about=about, about_format=about_format)
        tap_from(cls, config, state, catalog).run()

    def run(self) -> None:
        """Read all selected streams, and end in order whatever happens.

        Raises:
            SettingsError, StoreError: a setting cannot work.
            IncompleteRun: a stream was left out that a person has to see to.
            Terminated: by a signal, after the state was written.
        """
        self.start  # noqa: B018 - a wrong setting is told before the first message
        session = self.session
        ok = False
        try:
            self.sync_all()
            self.emit_state()
            ok = not session.problems
        except (Terminated, ServiceNowError):
            self.emit_state()
            raise
        finally:
            session.close(ok=ok)
        if not ok:
            raise IncompleteRun(" ".join(session.problems))
