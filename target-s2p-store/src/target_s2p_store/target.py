"""The Singer target: messages in, what is news into the store, STATE out when it is there."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from singer_sdk import Target
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from typing_extensions import override

from s2p_singer import (
    STORE_SETTINGS,
    InputError,
    MessageReader,
    PluginMixin,
    run_id,
    strict,
    write_state,
)
from s2p_store import Store
from target_s2p_store.notebook import OUTCOMES, Notebook
from target_s2p_store.sightings import TOLD

__all__ = ["TargetS2PStore"]

_PORTION: Final = 500
_WANTED: Final = frozenset({OUTCOMES, *TOLD})


class TargetS2PStore(PluginMixin, Target):
    """Notes what became of staged rows, purchase orders and invoices."""

    name = "target-s2p-store"
    message_reader_class = MessageReader
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    config_jsonschema: ClassVar[dict[str, Any]] = strict(*STORE_SETTINGS)

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own parameters
        """Make the target; the store is opened with the first message."""
        super().__init__(**kwargs)
        self._store: Store | None = None
        self._notebook: Notebook | None = None
        self._told: set[str] = set()

    @override
    def process_endofpipe(self) -> None:
        self.termination.check()
        self._pages.write()
        self._end(ok=True)

    @override
    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"stream", "schema"})
        stream = str(message_dict["stream"])
        if stream not in _WANTED and stream not in self._told:
            self._told.add(stream)
            self.logger.info("Stream '%s' tells nothing of documents: its records pass.", stream)

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"stream", "record"})
        record, stream = message_dict["record"], str(message_dict["stream"])
        if not isinstance(record, dict):
            raise InputError(f"A RECORD message of stream '{stream}' holds no object.")
        if stream in _WANTED:
            self._pages.take(stream, record)
            if self._pages.waiting >= _PORTION:
                self._pages.write()
                self.termination.check()

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"value"})
        self._pages.write()
        write_state(message_dict["value"])
        self.termination.check()

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Accept and ignore: nothing is forgotten."""

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise InputError(
            f"Stream '{message_dict.get('stream')}' sends BATCH messages, which this target does "
            "not read: switch batching off in the plugin before it."
        )

    @property
    def _pages(self) -> Notebook:
        if self._notebook is None:
            self._run_id = run_id()
            self._store = Store.open(str(self.config["store_url"]), self.config.get("store_key"))
            self._store.runs.start(self._run_id, self.name)
            self._notebook = Notebook(self._store, self._run_id)
        return self._notebook

    def _end(self, *, ok: bool) -> None:
        if self._store is None or self._notebook is None:
            return
        for stream, counters in self._notebook.counts.items():
            self._store.runs.count(self._run_id, self.name, stream, **counters)
        self._store.runs.finish(self._run_id, self.name, ok)
        self._store.close()
