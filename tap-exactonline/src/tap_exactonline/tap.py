"""The tap: settings, streams in order, one session for a run, an orderly end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

import click
from singer_sdk import Stream, Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from typing_extensions import override

from exactonline_client import ExactError, utc_now
from s2p_singer import (
    BufferedMessageWriter,
    PluginMixin,
    SettingError,
    Terminated,
    UserError,
    require,
    tap_from,
)
from tap_exactonline.definitions import STREAMS, StreamDefinition
from tap_exactonline.forecast import forecast
from tap_exactonline.given_state import fault_of
from tap_exactonline.plan import as_json, as_table
from tap_exactonline.session import Session
from tap_exactonline.settings import NEEDED_TO_READ, SETTINGS, check_settings
from tap_exactonline.side_by_side import Turns
from tap_exactonline.streams import ExactStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput

__all__ = ["IncompleteRun", "TapExactOnline"]

_STATE_EVERY = 1000
_INBOX = "inbox"
"""Part of the state beside the bookmarks: division, topic, number."""


class IncompleteRun(UserError):  # noqa: N818 - the name says what the run was
    """Something was not read and a person has to act; everything else was."""


class TapExactOnline(PluginMixin, Tap):
    """Singer tap for Exact Online's purchasing and ledger data."""

    name = "tap-exactonline"
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
        self._rows_since_state = 0
        self.turns = Turns(self.termination)

    # What streams ask for

    @property
    def session(self) -> Session:
        """The run's connection, opened when first asked for: discovery needs none.

        Raises:
            SettingError, StoreError: a setting that reading needs is missing or cannot work.
        """
        if self._session is None:
            require(self.config, NEEDED_TO_READ, self._env_var_prefix)
            check_settings(self.config)
            self._session = Session(self.config, self.name, self.logger, self.turns)
        return self._session

    @property
    def writer(self) -> BufferedMessageWriter:
        """The writer that takes a record without a message object around it."""
        return cast("BufferedMessageWriter", self.message_writer)

    def definition_of(self, stream: str) -> StreamDefinition:
        """Give the definition of a stream by its name."""
        return self._stream(stream).definition

    def selected_stream(self, name: str | None) -> ExactStream | None:
        """Give a stream if there is one of this name and it is selected."""
        stream = self.streams.get(name) if name else None
        return stream if isinstance(stream, ExactStream) and stream.selected else None

    def commit(self, rows: int) -> None:
        """Emit the state if, with these, a thousand rows have gone out since the last one."""
        self._rows_since_state += rows
        if self._rows_since_state >= _STATE_EVERY:
            self.emit_state()

    def covered(self, division: int) -> Mapping[str, Any]:
        """Give, by topic, the number up to which the given state covers announced records."""
        inbox = self._whole_state.get(_INBOX)
        own = inbox.get(str(division)) if isinstance(inbox, dict) else None
        return own if isinstance(own, dict) else {}

    @property
    def _whole_state(self) -> dict[str, Any]:
        """The state with what the SDK does not know of."""
        return cast("dict[str, Any]", self.state)

    def _settle_announced(self) -> None:
        """Note in the state which announced records have gone out."""
        selected = [name for name in self.streams if self.selected_stream(name)]
        for division, announced in self.session.announced.items():
            numbers = announced.settled(selected)
            if numbers:
                inbox = self._whole_state.setdefault(_INBOX, {})
                inbox[str(division)] = {**self.covered(division), **numbers}

    def emit_state(self) -> None:
        """Emit the state unless it is the one emitted last; hand over all records before it."""
        self._rows_since_state = 0
        if self.state:
            self.state_writer.write_state(self.state)
        self.writer.flush()

    # What the SDK asks for

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        if fault := fault_of(state, utc_now()):
            raise SettingError(
                f"The state is not one that this tap wrote: {fault}. Correct it, or run without "
                "it to read everything again."
            )
        # The SDK takes bookmarks only.
        super().load_state(state)
        if isinstance(inbox := state.get(_INBOX), dict):
            self._whole_state[_INBOX] = inbox

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        # The SDK sorts by name; the order of definitions is a promise: reference data first,
        # headers before their lines.
        if self._streams is None:
            by_name = super().streams
            self._streams = {each.name: by_name[each.name] for each in STREAMS}
        return self._streams

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [ExactStream(self, definition) for definition in STREAMS]

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
        plan: str | None = None,
    ) -> None:
        # The SDK's form makes a tap and calls sync_all(); ours also ends the run.
        super(Tap, cls).invoke(about=about, about_format=about_format)
        tap = tap_from(cls, config, state, catalog)
        if plan:
            click.echo(tap.plan(plan))
        else:
            tap.run()

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        command.params.append(
            click.Option(
                ["--plan"],
                is_flag=False,
                flag_value="table",
                type=click.Choice(["table", "json"]),
                help="Show what a run would read, from where, with how many calls; call nobody.",
            )
        )
        return command

    def plan(self, form: str) -> str:
        """Give what a run would read, from settings, state and what earlier runs left behind.

        Args:
            form: "table" or "json".

        Raises:
            SettingError, StoreError: as for ``session``.
        """
        require(self.config, NEEDED_TO_READ, self._env_var_prefix)
        check_settings(self.config)
        selected = [each for each in STREAMS if self.selected_stream(each.name)]

        def state(stream: str, division: int) -> Mapping[str, Any]:
            return self._stream(stream).state_of(division) or {}

        steps = forecast(self.config, selected, state)
        return as_json(steps) if form == "json" else as_table(steps)

    def _stream(self, name: str) -> ExactStream:
        return cast("ExactStream", self.streams[name])

    def run(self) -> None:
        """Read all selected streams, and end in order whatever happens.

        Raises:
            SettingError, StoreError: as for ``session``.
            IncompleteRun: something was left out that a person has to see to.
            Terminated: by a signal, after the state was written.
        """
        # Before the first message: whoever reads is not to see the beginning of nothing.
        session = self.session
        ok = False
        try:
            self.sync_all()
            self._settle_announced()
            self.emit_state()
            ok = not session.problems
        except (Terminated, ExactError):
            # What was written is whole, and the state says no more than that.
            self.emit_state()
            raise
        finally:
            session.close(ok=ok)
        if not ok:
            raise IncompleteRun(" ".join(session.problems))
