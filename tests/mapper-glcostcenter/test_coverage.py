"""What a run tells and keeps about its coverage, its rules and ServiceNow's duplicates."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from mapper_glcostcenter.rule_version import note_rules
from mapper_glcostcenter.tally import CODES, COVERAGE, PLUGIN
from s2p_mapping.coverage import Coverage
from s2p_mapping.errors import RulesFileError
from s2p_mapping.rule_file import COLUMNS
from s2p_mapping.rules import Rule, RuleSet
from servicenow_client import ServiceNowError

if TYPE_CHECKING:
    from conftest import Mapper, ServiceNow

HEADER = ",".join(COLUMNS) + "\n"
LINES: dict[str, Any] = {
    "type": "SCHEMA",
    "stream": "purchase_entry_lines",
    "schema": {"type": "object", "properties": {}},
    "key_properties": ["Division", "ID"],
}


def line(id_: str, code: str | None, amount: str = "10.00", **more: object) -> bytes:
    values = {"Division": 101, "ID": id_, "GLAccountCode": code, "Currency": "EUR", **more}
    message = {"type": "RECORD", "stream": "purchase_entry_lines", "record": values}
    text = json.dumps(message).replace('"Division"', f'"AmountFC": {amount}, "Division"')
    return text.encode() + b"\n"


def rules(mapper: Mapper, *rows: str) -> None:
    (mapper.folder / "mapping").mkdir(exist_ok=True)
    (mapper.folder / "mapping" / "rules.csv").write_text(HEADER + "".join(f"{r}\n" for r in rows))


def kept(mapper: Mapper) -> Coverage:
    with mapper.store() as store:
        return Coverage.from_rows(store.reference.load(PLUGIN, "101", COVERAGE))


def test_coverage_by_code_line_and_amount(mapper: Mapper, caplog: pytest.LogCaptureFixture) -> None:
    rules(mapper, "101,gl_account,8*,,,,,,7000,", "101,gl_account,6*,,,,,,7000,never used")
    caplog.set_level(logging.INFO)
    mapper.feed(
        LINES,
        line("L1", "7000", "100.10"),
        line("L2", "8000", "-50.05", CostCenter="CC1"),
        line("L3", "9999", "0.10", CostCenter="CC9"),
        line("L4", None, "1"),
    )
    totals = kept(mapper).totals()
    gl, cc = totals["gl_account"], totals["cost_center"]
    assert (gl.mapped_codes, gl.codes, gl.mapped_lines, gl.lines) == (2, 3, 2, 4)
    assert gl.amounts == {"EUR": (Decimal("151.25"), Decimal("150.15"))}
    assert (cc.mapped_codes, cc.codes, cc.mapped_lines, cc.lines) == (1, 2, 1, 2)
    told = caplog.text
    assert "gl account in division 101: 2 of 3 codes, 2 of 4 lines mapped" in told
    assert "amount 150.15 of 151.25 EUR" in told
    assert "Rules not used in division 101: 1 of 2." in told
    assert "First seen in division 101: cost_center CC1, cost_center CC9" in told


def test_only_a_new_code_is_first_seen_and_a_run_without_lines_changes_nothing(
    mapper: Mapper,
) -> None:
    mapper.feed(LINES, line("L1", "7000"))
    assert kept(mapper).first_seen == {("gl_account", "7000")}
    mapper.feed(LINES, line("L1", "7000"), line("L2", "7100"))
    assert kept(mapper).first_seen == {("gl_account", "7100")}
    # L2 waits, so the next run decides about it again: coverage stays what people see held.
    mapper.feed(LINES)
    assert kept(mapper).codes.keys() == {("gl_account", "7100")}
    mapper.feed({**LINES, "stream": "purchase_order_lines"})
    assert kept(mapper).codes.keys() == {("gl_account", "7100")}
    with mapper.store() as store:
        assert len(store.reference.load(PLUGIN, "101", CODES)) == 2


def changes(mapper: Mapper) -> list[tuple[str, int, int, int]]:
    with mapper.store() as store:
        return [
            (event.run_id, event.detail["rules"], event.detail["added"], event.detail["removed"])
            for event in store.audit.events()
            if event.kind == "rules_changed"
        ]


def test_a_run_with_other_rules_than_before_is_an_event(mapper: Mapper) -> None:
    mapper.feed(LINES)
    assert changes(mapper) == []
    rules(mapper, "101,gl_account,8*,,,,,,7000,", "*,cost_center,1,,,,,,2,")
    mapper.feed(LINES)
    # Another order, another note: the same rules.
    rules(mapper, "*,cost_center,1,,,,,,2,why", "101,gl_account,8*,,,,,,7000,")
    mapper.feed(LINES)
    rules(mapper, "101,gl_account,8*,,,,,,7001,", "*,cost_center,1,,,,,,2,")
    mapper.feed(LINES)
    (mapper.folder / "mapping" / "rules.csv").unlink()
    mapper.feed(LINES)
    assert changes(mapper) == [("run-2", 2, 2, 0), ("run-4", 2, 1, 1), ("run-5", 0, 0, 2)]


def test_the_event_names_what_came_and_went(mapper: Mapper) -> None:
    rules(mapper, "101,gl_account,8*,S1,,,2026-01-01,,7000,")
    mapper.feed(LINES)
    with mapper.store() as store:
        [event] = [e for e in store.audit.events() if e.kind == "rules_changed"]
        assert not store.audit.verify()
    assert event.detail["added_rules"] == [
        "gl_account rule 101 8* (supplier S1, from 2026-01-01) → 7000"
    ]
    assert event.detail["file"] == "rules.csv"


def test_rules_that_change_during_a_run_count_from_the_next(mapper: Mapper) -> None:
    rules(mapper, "101,gl_account,8*,,,,,,7000,")
    process = mapper.start()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(mapper.encode(LINES))
    process.stdin.flush()
    assert b'"SCHEMA"' in process.stdout.readline()
    rules(mapper, "101,gl_account,8*,,,,,,gone,")
    process.stdin.write(line("L1", "8000"))
    stdout, _ = process.communicate(timeout=60)
    assert b'"s2p_gl_account":"7000"' in stdout.replace(b": ", b":")
    outcome = mapper.feed(LINES, line("L2", "8000"))
    assert outcome.records("purchase_entry_lines")[-1]["s2p_mapping_status"] == "held"


def test_a_broken_rules_file_names_every_bad_row_and_nothing_starts(mapper: Mapper) -> None:
    rules(mapper, "x,gl_account,1,,,,,,2,", "*,gl_account,1,,,,,,2,", "*,account,1,,,,,,2,")
    with pytest.raises(RulesFileError) as caught:
        mapper.feed(LINES, line("L1", "7000"))
    assert "line 2, column division" in str(caught.value)
    assert "line 4, column dimension" in str(caught.value)
    assert mapper.written == b""
    outcome = mapper.run(LINES)
    assert (outcome.code, outcome.stdout, len(outcome.errors)) == (1, b"", 1)
    assert "Traceback" not in outcome.stderr


def test_duplicates_in_servicenow_are_named(
    mapper: Mapper, servicenow: ServiceNow, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        servicenow.add(
            "sn_fin_gl_account",
            f"twice{number}",
            gl_account="7500",
            display_name=f"Energy {number}",
            inactive="false",
            erp_source="erp1",
        )
    mapper.feed(LINES)
    assert (
        "ServiceNow has the code of gl account '7500' under ERP source EXACT-101 more than once: "
        "twice0, twice1." in caplog.text
    )


def test_without_servicenow_only_a_snapshot_young_enough_lets_a_run_begin(
    mapper: Mapper, servicenow: ServiceNow
) -> None:
    mapper.feed(LINES)
    servicenow.hidden.add("sn_fin_gl_account")
    with pytest.raises(ServiceNowError):
        mapper.feed(LINES, line("L1", "7000"))
    assert mapper.written == b""
    mapper.config["reference_max_age"] = 3600
    outcome = mapper.feed(LINES, line("L1", "7000"))
    assert outcome.records("purchase_entry_lines")[0]["s2p_mapping_status"] == "mapped"


def test_noting_the_same_rules_twice_is_noting_them_once(mapper: Mapper) -> None:
    now = datetime(2026, 6, 15, tzinfo=timezone.utc)
    mine = RuleSet([Rule("gl_account", "1", "2")])
    with mapper.store() as store:
        assert note_rules(store, mine, "rules.csv", "run-1", now)
        assert not note_rules(store, mine, "rules.csv", "run-2", now)
        assert sum(1 for _ in store.audit.events()) == 1
