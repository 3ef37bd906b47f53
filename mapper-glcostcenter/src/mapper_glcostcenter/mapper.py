"""The plugin: its settings, its start, and the conversation it holds."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime, timezone
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper_base import InlineMapper
from singer_sdk.singerlib import (
    ActivateVersionMessage,
    RecordMessage,
    SchemaMessage,
    StateMessage,
)
from typing_extensions import override

from mapper_glcostcenter.checks import Checks, read_tolerances
from mapper_glcostcenter.connection import load_reference
from mapper_glcostcenter.mapping import Requirements
from mapper_glcostcenter.reader import LineReader
from mapper_glcostcenter.rule_version import note_rules
from mapper_glcostcenter.session import Session
from mapper_glcostcenter.splice import read_record
from s2p_mapping.resolve import Resolver
from s2p_mapping.rule_file import read_rules
from s2p_mapping.rules import RuleSet
from s2p_singer import (
    STORE_SETTINGS,
    BufferedMessageWriter,
    PluginMixin,
    SettingError,
    encode_line,
    require,
    run_id,
    servicenow_settings,
    strict,
)
from s2p_singer.errors import PipeClosedError
from s2p_store import Store, StoreError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.singerlib import Message

__all__ = ["MapperGLCostCenter"]

DEFAULT_RULES_FILE = "mapping/rules.csv"

SETTINGS = (
    *servicenow_settings("servicenow_"),
    th.Property(
        "erp_sources",
        th.ObjectType(additional_properties=th.StringType),
        default={},
        title="ERP sources",
        description="Division code to ERP source; a division without one is EXACT-<division>.",
    ),
    th.Property(
        "rules_file",
        th.StringType,
        title="Rules file",
        description=f"Explicit mapping rules; by default {DEFAULT_RULES_FILE} if it exists.",
    ),
    th.Property(
        "match_by_name",
        th.BooleanType,
        default=True,
        title="Match by name",
        description="Allow a unique normalised-name match after the code match failed.",
    ),
    th.Property(
        "require_gl_account",
        th.BooleanType,
        default=True,
        title="Require a GL account",
        description="Hold a line for which no GL account can be found in Exact.",
    ),
    th.Property(
        "require_cost_center",
        th.BooleanType,
        default=False,
        title="Require a cost center",
        description="Hold a line without a cost center, whatever its GL account asks for.",
    ),
    th.Property(
        "unused_cost_center",
        th.StringType,
        default="keep",
        allowed_values=["keep", "drop", "hold"],
        title="Unused cost center",
        description="What becomes of a line's cost center if its GL account takes none in Exact.",
    ),
    th.Property(
        "require_supplier",
        th.BooleanType,
        default=True,
        title="Require a staged supplier",
        description="Hold a line whose supplier was never handed on to ServiceNow.",
    ),
    th.Property(
        "require_purchase_order",
        th.BooleanType,
        default=True,
        title="Require a staged purchase order",
        description="Hold an invoice line that bills an order line which was never read.",
    ),
    th.Property(
        "hold_duplicates",
        th.BooleanType,
        default=True,
        title="Hold duplicate invoices",
        description="Hold the lines of an invoice whose number its supplier has used before.",
    ),
    th.Property(
        "require_matching_amounts",
        th.BooleanType,
        default=True,
        title="Require matching amounts",
        description="Hold the lines of an invoice that do not add up to the amount in its header.",
    ),
    th.Property(
        "amount_tolerance",
        th.NumberType,
        default=0.01,
        title="Tolerance of amounts",
        description="By how much the amount of each line of an invoice may be off (rounded VAT).",
    ),
    th.Property(
        "match_tolerances",
        th.ObjectType(additional_properties=th.ObjectType(additional_properties=th.NumberType)),
        default={},
        title="Tolerances of the match",
        description=(
            "Division, or * for all others, to quantity_absolute, quantity_percent, "
            "price_absolute and price_percent: by how much an invoice line may exceed its order."
        ),
    ),
    th.Property(
        "hold_mode",
        th.StringType,
        default="staging",
        allowed_values=["staging", "local"],
        title="Hold mode",
        description=(
            "staging: a held line is kept in the store and also handed on, marked as held; "
            "local: it is kept in the store only."
        ),
    ),
    th.Property(
        "hold_scope",
        th.StringType,
        default="line",
        allowed_values=["line", "document"],
        title="Hold scope",
        description=(
            "line: a held line waits by itself; document: its header and its other lines do, too."
        ),
    ),
    th.Property(
        "reference_max_age",
        th.NumberType,
        default=0,
        title="Age of reference data",
        description="Reuse the stored ServiceNow snapshot if it is younger; seconds.",
    ),
    *STORE_SETTINGS,
)


class MapperGLCostCenter(PluginMixin, InlineMapper):
    """Gives every payable a GL account and cost center that are open in ServiceNow, or holds it."""

    name = "mapper-glcostcenter"
    config_jsonschema: ClassVar[dict[str, Any]] = strict(*SETTINGS)
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    message_reader_class = LineReader
    message_writer_class = BufferedMessageWriter

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as the SDK's own
        super().__init__(**settings)
        self._direct = ExitStack()
        self._session: Session | None = None
        if isinstance(self.message_reader, LineReader):
            self.message_reader.converse = self._converse

    def _converse(self, file_input: IO[bytes] | None) -> Counter[str]:
        """The usual way: whole lines in, whole lines out."""
        at_work: list[Session] = []

        def pause() -> None:
            for session in at_work:
                session.pause()

        lines = LineReader.lines(file_input, self.termination, pause)
        # Its first line may name the run, so it is waited for before anything is noted.
        first = next(lines, b"")
        with self._running(run_id(first)) as session:
            at_work.append(session)
            for line in chain((first,) if first else (), lines):
                session.take(line)
            return session.messages

    @contextmanager
    def _running(self, run: str, *, at_once: bool = False) -> Iterator[Session]:
        """A session that has ServiceNow's reference data; afterwards all of it is in the store.

        Args:
            run: its id.
            at_once: whether each message is answered before the next one is taken.

        Raises:
            UserError, StoreError, ServiceNowError: it cannot begin, or not go on.
        """
        config = self.config
        # Whatever writer the SDK was given: messages leave as whole lines.
        given = self.message_writer
        writer = given if isinstance(given, BufferedMessageWriter) else BufferedMessageWriter()
        path, rules = self._rules()
        erp_sources = _erp_sources(config["erp_sources"])
        checks = Checks(
            config["require_supplier"],
            config["require_purchase_order"],
            config["hold_duplicates"],
            config["require_matching_amounts"] and not at_once,
            read_tolerances(config["match_tolerances"]),
            Decimal(str(config["amount_tolerance"])),
        )
        require(config, ["store_key"], self._env_var_prefix)
        with Store.open(config["store_url"], config["store_key"]) as store:
            store.runs.start(run, self.name)
            well = False
            try:
                # A signal ends the wait for ServiceNow at once, except where a refresh token is
                # used: it must not be lost between its renewal and the vault.
                shared = config["servicenow_auth_method"] == "authorization_code"
                with nullcontext() if shared else self.termination.interruptible():
                    reference = load_reference(config, self._env_var_prefix, store, run, _now)
                note_rules(store, rules, path.name, run, _now())
                session = Session(
                    store,
                    Resolver(reference, rules, erp_sources, config["match_by_name"]),
                    Requirements(
                        config["require_gl_account"],
                        config["require_cost_center"],
                        config["unused_cost_center"],
                    ),
                    write=writer.write_line,
                    flush=writer.flush,
                    run_id=run,
                    clock=_now,
                    stage_held=config["hold_mode"] == "staging",
                    checks=checks,
                    whole_documents=config["hold_scope"] == "document" and not at_once,
                )
                try:
                    yield session
                except BaseException:
                    # What was taken so far is whole: it is handed on and kept as far as that goes,
                    # and the error at hand is the one to tell.
                    with suppress(StoreError, PipeClosedError):
                        session.save()
                    raise
                session.finish()
                well = True
            finally:
                with suppress(StoreError):
                    store.runs.finish(run, self.name, well)

    def _rules(self) -> tuple[Path, RuleSet]:
        """The rules of this run, read once: a change of the file shows in the next."""
        given = self.config.get("rules_file")
        path = Path(given or DEFAULT_RULES_FILE)
        if not given and not path.exists():
            return path, RuleSet()
        rules = read_rules(path)
        self.logger.info("Rules: %d from %s, version %.12s.", len(rules), path, rules.digest)
        return path, rules

    # The SDK's own hooks, for whoever drives this plugin message by message: what depends on
    # messages that are still to come (amounts, whole documents) is not looked at.

    @override
    def map_schema_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """The SCHEMA with the added properties, then held lines that have become valid."""
        return self._mapped(message_dict)

    @override
    def map_record_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """The RECORD with the added properties; none if it is held in the store only."""
        return self._mapped(message_dict)

    @override
    def map_state_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """The STATE as it came, after all it covers is in the store."""
        return self._mapped(message_dict)

    @override
    def map_activate_version_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """The ACTIVATE_VERSION as it came."""
        return self._mapped(message_dict)

    @override
    def process_endofpipe(self) -> None:
        self._direct.close()
        self._session = None
        super().process_endofpipe()

    def _mapped(self, message: Mapping[str, Any]) -> Iterator[Message]:
        if self._session is None:
            self._session = self._direct.enter_context(self._running(run_id(), at_once=True))
        lines: list[bytes] = []
        self._session.write = lines.append
        self._session.take(encode_line(message))
        for line in lines:
            mapped = read_record(line)
            yield _MESSAGES[mapped["type"]].from_dict(mapped)


_MESSAGES: Mapping[str, type[Message]] = {
    "SCHEMA": SchemaMessage,
    "RECORD": RecordMessage,
    "STATE": StateMessage,
    "ACTIVATE_VERSION": ActivateVersionMessage,
}


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _erp_sources(setting: Mapping[str, str]) -> dict[int, str]:
    """The setting with divisions as numbers.

    Raises:
        SettingError: a key is no division.
    """
    for division in setting:
        if not division.isdecimal():
            raise SettingError(
                "Setting 'erp_sources' must name divisions by their number, as in "
                '{"123456": "EXACT-NL"}.'
            )
    return {int(division): source for division, source in setting.items()}
