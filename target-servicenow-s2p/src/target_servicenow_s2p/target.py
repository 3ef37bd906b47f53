"""The Singer target: settings, messages, signals. What it does with them is in `engine`.

Where it departs from the SDK and why: the SDK writes STATE every five minutes or at the end, loses
the batch in flight on a signal and exits 0, and validates every record with jsonschema, which
costs three quarters of the time. Here STATE follows outcomes, signals wait for what is on its way,
and records are not validated: every value passes a function that takes whatever JSON gave.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from typing_extensions import override

from s2p_reference.ownership import read_ownership
from s2p_singer import (
    STORE_SETTINGS,
    InputError,
    MessageReader,
    PluginMixin,
    Terminated,
    keys_of_schema,
    run_id,
    servicenow_settings,
    strict,
    write_state,
)
from s2p_staging.definitions import load_definitions
from s2p_staging.held_tables import LOADING_SET, WAYS, check_held_tables
from target_servicenow_s2p.engine import Engine
from target_servicenow_s2p.waiting import lines_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

__all__ = ["KeyMissingError", "RecordBeforeSchemaError", "TargetServiceNowS2P"]


class RecordBeforeSchemaError(InputError, RecordsWithoutSchemaException):
    """A RECORD came before the SCHEMA of its stream."""


class KeyMissingError(InputError, MissingKeyPropertiesError):
    """A RECORD lacks one of its stream's key properties."""


class GuardedReader(MessageReader):
    """Reads messages so that whatever ends the reading finds the target in order.

    The SDK's `listen` is final, so this is the seam around it.
    """

    target: TargetServiceNowS2P

    @override
    def process_lines(
        self,
        file_input: IO[bytes] | None,
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        lines = lines_of(
            file_input or self.default_input, self.target.termination, self.target.idle
        )
        # Its first line may name the run, so it is waited for before anything is noted.
        first = next(lines, b"")
        self.target.run_id = run_id(first)
        whole: Any = chain((first,) if first else (), lines)
        with self.target.guard():
            return super().process_lines(whole, callbacks)


class TargetServiceNowS2P(PluginMixin, Target):
    """Stages Exact Online's records in ServiceNow's Source-to-Pay staging tables."""

    name = "target-servicenow-s2p"
    sleep: ClassVar[Callable[[float], object]] = time.sleep
    """Waits so many seconds; tests put a shorter one here."""
    message_reader_class = GuardedReader
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    config_jsonschema: ClassVar[dict[str, Any]] = strict(
        *servicenow_settings(),
        th.Property(
            "erp_sources",
            th.ObjectType(additional_properties=th.StringType),
            default={},
            title="ERP sources",
            description="Division → ERP source in ServiceNow; one without is EXACT-<division>.",
        ),
        th.Property(
            "tables",
            th.ObjectType(additional_properties=th.ObjectType(additional_properties=True)),
            title="Tables",
            description=(
                "Per stream: staging_table, load_method (import_set, table), fields (label → "
                "expression, or value and column), enabled, held_table. Default: the documented "
                "tables."
            ),
        ),
        th.Property(
            "ownership",
            th.ObjectType(additional_properties=True),
            default={},
            title="Ownership",
            description=(
                "Field → exactonline or servicenow; cost_centers.FIELD for one kind, an object "
                "under a division's code for one division. What ServiceNow owns is staged with a "
                "new record only. The same as that of target-exactonline."
            ),
        ),
        th.Property(
            "provenance",
            th.ObjectType(additional_properties=th.StringType),
            title="Provenance",
            description=(
                "Where a row comes from (source_id, source_modified, source_user, division, run) → "
                "label of the staging column that tells it; empty leaves it out."
            ),
        ),
        th.Property(
            "match_suppliers_by_name",
            th.BooleanType,
            default=False,
            title="Match suppliers by name",
            description=(
                "Give the one supplier of the same name that has no ERP supplier code in "
                "ServiceNow this one, instead of making a second; several of one name wait."
            ),
        ),
        th.Property(
            "park_held",
            th.StringType,
            default=LOADING_SET,
            allowed_values=list(WAYS),
            title="Park held lines in",
            description=(
                "How a held line is shown in ServiceNow without being transformed: in an import "
                "set that stays loading, or in tables of your own (tables.<stream>.held_table)."
            ),
        ),
        th.Property(
            "batch_size",
            th.IntegerType(minimum=1, maximum=5000),
            default=500,
            title="Batch size",
            description="Rows per staging request.",
        ),
        th.Property(
            "outcome_timeout",
            th.NumberType(minimum=0),
            default=900,
            title="Outcome timeout",
            description="Seconds to wait for asynchronous transforms.",
        ),
        th.Property(
            "dry_run",
            th.BooleanType,
            default=False,
            title="Dry run",
            description="Everything but the writes, and a report of what would change.",
        ),
        th.Property(
            "fail_on",
            th.StringType,
            default="none",
            allowed_values=["none", "failed", "held"],
            title="Fail on",
            description="Which records make the run end with exit code 1 although recorded.",
        ),
        *STORE_SETTINGS,
    )

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own parameters
        super().__init__(**kwargs)
        # A wrong table, expression or owner is told at start, not at the first record.
        read_ownership(self.config.get("ownership"))
        definitions = load_definitions(
            self.config.get("tables"),
            self.config.get("erp_sources"),
            "",
            self.config.get("provenance"),
        )
        check_held_tables(
            (output for each in definitions.values() for output in each.outputs),
            str(self.config.get("park_held") or LOADING_SET),
        )
        if isinstance(self.message_reader, GuardedReader):
            self.message_reader.target = self
        self.run_id = ""
        self._engine: Engine | None = None
        self._keys: dict[str, tuple[str, ...]] = {}

    @override
    def process_endofpipe(self) -> None:
        engine = self._running
        with self.guard():
            self.termination.check()
            engine.finish()
            # One that came while outcomes were waited for: all is settled, and it is told.
            self.termination.check()
        engine.close()
        self._engine = None

    def idle(self) -> bool:
        """Take what has come back while no input comes; whether more is to be expected."""
        return self._engine is not None and self._engine.idle()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """End in order when a signal or an error comes: settle what is on its way, keep states."""
        engine = self._running
        try:
            yield
        except Terminated:
            _end(engine, engine.stop)
            raise
        except Exception:
            if not engine.ended:
                _end(engine, engine.abort)
            engine.close()
            raise

    @override
    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"stream", "schema"})
        stream = message_dict["stream"]
        self._keys[stream] = keys_of_schema(message_dict)
        self._running.expect(stream)

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        stream, record = message_dict.get("stream"), message_dict.get("record")
        keys = self._keys.get(stream) if isinstance(stream, str) else None
        if keys is None or not isinstance(record, dict):
            self.message_reader.assert_line_requires(message_dict, {"stream", "record"})
            if not isinstance(record, dict):
                raise InputError(f"A RECORD message of stream '{stream}' holds no object.")
            raise RecordBeforeSchemaError(
                f"A record of stream '{stream}' came before its SCHEMA message. The plugin before "
                "this one in the pipe must write it first."
            )
        for key in keys:
            if key not in record:
                raise KeyMissingError(
                    f"A record of stream '{stream}' lacks its key property '{key}'. The plugin "
                    "before this one in the pipe wrote it."
                )
        self._running.record(str(stream), record)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        self.message_reader.assert_line_requires(message_dict, {"value"})
        self._running.state(message_dict["value"])

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Accept and ignore: nothing is deleted in ServiceNow."""

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise InputError(
            f"Stream '{message_dict.get('stream')}' sends BATCH messages, which this target does "
            "not read: switch batching off in the plugin before it."
        )

    @property
    def _running(self) -> Engine:
        if self._engine is None:
            self._engine = Engine(
                self.config,
                self.run_id or run_id(),
                self.logger,
                write_state,
                stopping=lambda: self.termination.signum is not None,
                end=self.termination.check,
                sleep=type(self).sleep,
            )
        return self._engine


def _end(engine: Engine, how: Callable[[], None]) -> None:
    try:
        how()
    finally:
        engine.close()
