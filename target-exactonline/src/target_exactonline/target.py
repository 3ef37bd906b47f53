"""The Singer target: records into the store, STATE out when they are there, then the way back.

A STATE says that its records are kept, not that they are written to Exact: what is kept is compared
as a whole at the end of every run, so nothing is lost by ending in between.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final, cast

from singer_sdk import Target
from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from typing_extensions import override

from s2p_reference.entities import ENTITIES
from s2p_singer import (
    InputError,
    MessageReader,
    PluginMixin,
    Termination,
    UserError,
    keys_of_schema,
    require,
    run_id,
    write_state,
)
from target_exactonline.session import Session
from target_exactonline.settings import NEEDED, SETTINGS, read_wishes

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

__all__ = ["IncompleteRun", "KeyMissingError", "RecordBeforeSchemaError", "TargetExactOnline"]


_TOLD: Final = 10
"""Sentences a run ends with at most."""


class IncompleteRun(UserError):  # noqa: N818 - the name says what the run was
    """Something was not written and a person has to act; everything else was."""


class RecordBeforeSchemaError(InputError, RecordsWithoutSchemaException):
    """A RECORD came before the SCHEMA of its stream."""


class KeyMissingError(InputError, MissingKeyPropertiesError):
    """A RECORD lacks its key."""


class GuardedReader(MessageReader):
    """Reads messages so that a signal takes effect while the target only waits for input."""

    target: TargetExactOnline

    @override
    def process_lines(
        self,
        file_input: IO[bytes] | None,
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        lines = _lines(file_input or self.default_input, self.target.termination)
        with self.target.guard():
            return super().process_lines(cast("IO[bytes]", lines), callbacks)


def _lines(file: IO[bytes], termination: Termination) -> Iterator[bytes]:
    """Read line by line; the first may name the run."""
    first = True
    while True:
        with termination.interruptible():
            line = file.readline()
        if not line:
            return
        if first:
            run_id(line)
            first = False
        yield line


class TargetExactOnline(PluginMixin, Target):
    """Writes GL accounts and cost centers that ServiceNow owns back to Exact Online."""

    name = "target-exactonline"
    message_reader_class = GuardedReader
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own parameters
        """Read the settings; the store is opened with the first message."""
        super().__init__(**kwargs)
        # A wrong owner or template is told at start, not at the first record.
        self._wishes = read_wishes(self.config)
        if isinstance(self.message_reader, GuardedReader):
            self.message_reader.target = self
        self._session: Session | None = None
        self._keys: dict[str, set[str]] = {}

    @property
    def session(self) -> Session:
        """The run's connection, opened when first asked for.

        Raises:
            SettingError, StoreError: a setting is missing or cannot work.
        """
        if self._session is None:
            require(self.config, NEEDED, self._env_var_prefix)
            self._session = Session(
                self.config, self._wishes, self.name, self.logger, self.termination
            )
        return self._session

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let go of everything when an error or a signal ends the run."""
        try:
            yield
        except BaseException:
            self._end(ok=False)
            raise

    @override
    def process_endofpipe(self) -> None:
        session = self.session
        with self.guard():
            session.carry_over()
            self.termination.check()
        self._end(ok=not session.problems)
        if session.problems:
            more = len(session.problems) - _TOLD
            rest = [f"And {more} more."] if more > 0 else []
            raise IncompleteRun(" ".join([*session.problems[:_TOLD], *rest]))

    @override
    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"stream", "schema"})
        stream = str(message_dict["stream"])
        if stream not in ENTITIES and stream not in self._keys:
            self.logger.info("Stream '%s' is not written to Exact Online: it passes.", stream)
        own = {"sys_id"} if stream in ENTITIES else set()
        self._keys[stream] = own.union(keys_of_schema(message_dict))

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"stream", "record"})
        stream, record = str(message_dict["stream"]), message_dict["record"]
        if not isinstance(record, dict):
            raise InputError(f"A RECORD message of stream '{stream}' holds no object.")
        if stream not in self._keys:
            raise RecordBeforeSchemaError(
                f"A record of stream '{stream}' came before its SCHEMA message. The plugin before "
                "this one in the pipe must write it first."
            )
        if missing := [key for key in sorted(self._keys[stream]) if record.get(key) is None]:
            raise KeyMissingError(
                f"A record of stream '{stream}' lacks its key property '{missing[0]}'. The plugin "
                "before this one in the pipe wrote it."
            )
        if stream in ENTITIES:
            self.session.take(stream, record, message_dict.get("version"))

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"value"})
        self.session.intake.save()
        write_state(message_dict["value"])

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Take note of what ServiceNow has no more; nothing is deleted in Exact."""
        stream, version = message_dict.get("stream"), message_dict.get("version")
        if stream in ENTITIES and isinstance(version, int):
            self.session.activate(str(stream), version)

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise InputError(
            f"Stream '{message_dict.get('stream')}' sends BATCH messages, which this target does "
            "not read: switch batching off in the plugin before it."
        )

    def _end(self, *, ok: bool) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.close(ok=ok)
