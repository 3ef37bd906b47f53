"""The mapper as a process: what goes in on one side and comes out on the other."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from s2p_mapping.errors import RulesFileError
from s2p_singer import InputError, UserError
from s2p_store import StoreError
from servicenow_client import ServiceNowError

if TYPE_CHECKING:
    from conftest import Mapper, ServiceNow

ITEM, GROUP, ACCOUNT, SUPPLIER, ORDER = "i1", "g1", "a7000", "s1", "o1"


def schema(stream: str, key: str = "ID", **more: object) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": {key: {"type": "string"}}},
        "key_properties": ["Division", key],
        **more,
    }


def record(stream: str, values: dict[str, Any], **more: object) -> dict[str, Any]:
    values = {"Division": 101, **values}
    return {"type": "RECORD", "stream": stream, "record": values, **more}


def state(number: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {"n": number}}}


def account(code: str, id_: str = "", **more: object) -> dict[str, Any]:
    values = {"ID": id_ or f"a{code}", "Code": code, "Description": f"Account {code}", **more}
    return record("gl_accounts", values)


def entry_line(id_: str, code: str = "7000", **more: object) -> dict[str, Any]:
    values = {"ID": id_, "EntryID": "e1", "GLAccountCode": code, "AmountFC": 12.50, **more}
    return record("purchase_entry_lines", values)


REFERENCE = [
    schema("gl_accounts"),
    account("7000"),
    account("7100", UseCostcenter=1),
    schema("cost_centers"),
    record("cost_centers", {"ID": "cc1", "Code": "CC1", "Description": "Logistiek"}),
    schema("item_groups"),
    record("item_groups", {"ID": GROUP, "Code": "G", "GLCosts": "a7000"}),
    schema("items"),
    record("items", {"ID": ITEM, "Code": "I", "ItemGroup": GROUP, "GLCosts": None}),
    schema("accounts"),
    record(
        "accounts",
        {"ID": SUPPLIER, "Code": "S", "Name": "Jansen", "GLAccountPurchase": "A7000"},
    ),
]
HEADER = [
    schema("purchase_entries", "EntryID"),
    record(
        "purchase_entries",
        {
            "EntryID": "e1",
            "Supplier": SUPPLIER,
            "EntryDate": "2026-06-15",
            "EntryNumber": 26700001,
            "Currency": "EUR",
            "Modified": "2026-06-16T08:00:00Z",
        },
    ),
]
LINES = schema("purchase_entry_lines")


def test_everything_passes_in_order_with_its_provenance(mapper: Mapper) -> None:
    unknown = b'{"type": "RECORD","stream":"odd", "record": {"x": 1.10,  "x": 2e400}}\n'
    odd = b'{"stream":"odd","type":"SCHEMA","schema":{},  "key_properties":[]}\n'
    outcome = mapper.run(
        odd,
        unknown,
        state(1),
        *REFERENCE,
        state(2),
        *HEADER,
        schema("purchase_entry_lines", bookmark_properties=["Modified"]),
        record(
            "purchase_entry_lines",
            {
                "ID": "L1",
                "EntryID": "e1",
                "GLAccount": "A7000",
                "CostCenter": "CC1",
                "AmountFC": 12.5,
            },
            time_extracted="2026-11-23T05:00:00Z",
            version=7,
        ),
        {"type": "ACTIVATE_VERSION", "stream": "purchase_entry_lines", "version": 7},
        state(3),
    )
    assert outcome.code == 0, outcome.stderr
    lines = outcome.stdout.splitlines(keepends=True)
    assert lines[:2] == [odd, unknown]
    kinds = [(m["type"], m.get("stream")) for m in outcome.messages]
    expected = [("SCHEMA", "odd"), ("RECORD", "odd"), ("STATE", None)]
    expected += [(m["type"], m["stream"]) for m in REFERENCE]
    expected += [("STATE", None), ("SCHEMA", "purchase_entries"), ("RECORD", "purchase_entries")]
    expected += [
        ("SCHEMA", "purchase_entry_lines"),
        ("RECORD", "purchase_entry_lines"),
        ("ACTIVATE_VERSION", "purchase_entry_lines"),
        ("STATE", None),
    ]
    assert kinds == expected
    mapped = next(m for m in outcome.messages if m.get("version") == 7 and m["type"] == "RECORD")
    assert mapped["time_extracted"] == "2026-11-23T05:00:00Z"
    assert mapped["record"] == {
        "Division": 101,
        "ID": "L1",
        "EntryID": "e1",
        "GLAccount": "A7000",
        "CostCenter": "CC1",
        "AmountFC": 12.5,
        "s2p_gl_account": "7000",
        "s2p_gl_account_sys_id": "g7000",
        "s2p_cost_center": "CC1",
        "s2p_cost_center_sys_id": "c1",
        "s2p_mapping_status": "mapped",
        "s2p_hold_reasons": [],
        "s2p_mapping_rule": "gl: line account 7000 → same code; cc: CC1 → same code",
        "s2p_source_id": "L1",
        "s2p_source_modified": "2026-06-16T08:00:00Z",
        "s2p_source_user": None,
        "s2p_run_id": "run-1",
    }
    announced = next(
        m
        for m in outcome.messages
        if m["type"] == "SCHEMA" and m["stream"] == "purchase_entry_lines"
    )
    assert announced["key_properties"] == ["Division", "ID"]
    assert announced["bookmark_properties"] == ["Modified"]
    assert set(mapped["record"]) - set(announced["schema"]["properties"]) == {
        *("Division", "EntryID", "GLAccount", "CostCenter", "AmountFC"),
    }


def test_divisions_and_deletions_have_provenance_of_their_own(mapper: Mapper) -> None:
    outcome = mapper.feed(
        schema("divisions", "Code"),
        {"type": "RECORD", "stream": "divisions", "record": {"Code": 101}},
        {"type": "RECORD", "stream": "divisions", "record": {"Code": {"no": "code"}}},
        schema("deletions"),
        record("deletions", {"ID": "d", "DeletedDate": "2026-01-02T03:04:05Z", "DeletedBy": "u"}),
    )
    assert [each["s2p_source_id"] for each in outcome.records("divisions")] == ["101", None]
    deletion = outcome.records("deletions")[0]
    assert deletion["s2p_source_modified"] == "2026-01-02T03:04:05Z"
    assert deletion["s2p_source_user"] == "u"


@pytest.mark.parametrize(
    ("modified", "expected"),
    [
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
        ("yesterday", None),
        (5, None),
        (None, None),
    ],
)
def test_the_time_of_change_is_in_utc(
    mapper: Mapper, modified: object, expected: str | None
) -> None:
    outcome = mapper.feed(schema("items"), record("items", {"ID": "i", "Modified": modified}))
    assert outcome.records("items")[0]["s2p_source_modified"] == expected


def test_digits_are_kept(mapper: Mapper) -> None:
    line = (
        b'{"type":"RECORD","stream":"purchase_entry_lines","record":{"Division":101,"ID":"L",'
        b'"GLAccountCode":"7000","AmountFC":1234567890123456.70,"Quantity":1E+2}}'
    )
    outcome = mapper.feed(LINES, line)
    assert b'"AmountFC":1234567890123456.70,"Quantity":1E+2,' in outcome.stdout


def test_an_order_line_gets_its_account_from_item_group_or_supplier(mapper: Mapper) -> None:
    outcome = mapper.feed(
        *REFERENCE,
        schema("purchase_orders", "PurchaseOrderID"),
        record("purchase_orders", {"PurchaseOrderID": ORDER, "Supplier": SUPPLIER}),
        schema("purchase_order_lines"),
        record("purchase_order_lines", {"ID": "1", "PurchaseOrderID": ORDER, "Item": ITEM}),
        record("purchase_order_lines", {"ID": "2", "PurchaseOrderID": ORDER}),
        record("purchase_order_lines", {"ID": "3", "Supplier": SUPPLIER}),
        record("purchase_order_lines", {"ID": "4"}),
        schema("purchase_invoice_lines"),
        record("purchase_invoice_lines", {"ID": "5", "PurchaseOrderLine": "1"}),
    )
    found = {
        line["ID"]: (line["s2p_gl_account"], line["s2p_mapping_rule"].split(" → ")[0])
        for stream in ("purchase_order_lines", "purchase_invoice_lines")
        for line in outcome.records(stream)
    }
    assert found == {
        "1": ("7000", "gl: item group GLCosts 7000"),
        "2": ("7000", "gl: supplier GLAccountPurchase 7000"),
        "3": ("7000", "gl: supplier GLAccountPurchase 7000"),
        "4": (None, "gl: neither item nor supplier; cc: none"),
        "5": ("7000", "gl: item group GLCosts 7000"),
    }


def test_the_next_run_knows_what_was_not_sent_again(mapper: Mapper) -> None:
    first = mapper.feed(
        *REFERENCE,
        schema("purchase_orders", "PurchaseOrderID"),
        record("purchase_orders", {"PurchaseOrderID": ORDER, "Supplier": SUPPLIER}),
        schema("purchase_order_lines"),
        record("purchase_order_lines", {"ID": "1", "PurchaseOrderID": ORDER, "Item": ITEM}),
        *HEADER,
    )
    assert first.code == 0
    second = mapper.feed(
        schema("purchase_order_lines"),
        record("purchase_order_lines", {"ID": "1", "Item": ITEM}),
        record("purchase_order_lines", {"ID": "2", "PurchaseOrderID": ORDER}),
        schema("purchase_invoice_lines"),
        record("purchase_invoice_lines", {"ID": "5", "PurchaseOrderLine": "1"}),
        LINES,
        entry_line("L1", "7100"),
    )
    assert [
        line["s2p_gl_account"]
        for stream in ("purchase_order_lines", "purchase_invoice_lines")
        for line in second.records(stream)
    ] == ["7000", "7000", "7000"]
    (held,) = second.records("purchase_entry_lines")
    # UseCostcenter of 7100 and the day of the header are known from the run before.
    assert held["s2p_hold_reasons"] == ["GL_ACCOUNT_MISSING", "COST_CENTER_REQUIRED"]
    assert held["s2p_source_modified"] == "2026-06-16T08:00:00Z"


def test_a_whole_stream_replaces_what_was_kept_only_when_complete(mapper: Mapper) -> None:
    mapper.feed(*REFERENCE)
    with mapper.store() as store:
        assert {r["Code"] for r in store.reference.load("exactonline", "101", "gl_accounts")} == {
            "7000",
            "7100",
        }
    mapper.feed(schema("gl_accounts"), account("7200"))
    with mapper.store() as store:
        codes = {r["Code"] for r in store.reference.load("exactonline", "101", "gl_accounts")}
    assert codes == {"7000", "7100", "7200"}
    mapper.feed(schema("gl_accounts"), account("7200"), schema("cost_centers"))
    with mapper.store() as store:
        codes = {r["Code"] for r in store.reference.load("exactonline", "101", "gl_accounts")}
        kept = store.reference.load("exactonline", "101", "accounts")
    assert codes == {"7200"}
    assert "Jansen" not in json.dumps(kept)


def test_a_held_line_is_in_the_store_before_its_state_leaves(mapper: Mapper) -> None:
    process = mapper.start()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(mapper.encode(*HEADER, LINES, entry_line("L1", "9999"), state(1)))
    process.stdin.flush()
    for line in process.stdout:
        if b'"STATE"' in line:
            break
    process.kill()
    process.communicate()
    with mapper.store() as store:
        (hold,) = store.holds.open()
    assert hold.key == ("purchase_entry_lines", 101, "L1")
    assert hold.reasons == ("GL_ACCOUNT_MISSING",)
    assert hold.waiting_for == (("gl_account", "9999"),)
    assert (str(hold.amount), hold.currency, hold.document) == ("12.5", "EUR", "26700001")
    assert hold.source_modified is not None
    assert not any(name.startswith("s2p_") for name in hold.record)


def test_a_held_line_is_released_when_its_account_exists(
    mapper: Mapper, servicenow: ServiceNow
) -> None:
    held = mapper.feed(*HEADER, LINES, entry_line("L1", "9999"), entry_line("L2", "8888"), state(1))
    assert [r["s2p_mapping_status"] for r in held.records("purchase_entry_lines")] == ["held"] * 2
    again = mapper.feed(LINES, state(2))
    assert again.records("purchase_entry_lines") == []
    servicenow.add(
        "sn_fin_gl_account", "g9", gl_account="9999", inactive="false", erp_source="erp1"
    )
    released = mapper.feed(LINES, state(3))
    (line,) = released.records("purchase_entry_lines")
    assert (line["ID"], line["s2p_gl_account_sys_id"]) == ("L1", "g9")
    assert line["s2p_run_id"] == "run-3"
    assert line["AmountFC"] == 12.5
    assert [m["type"] for m in released.messages] == ["SCHEMA", "RECORD", "STATE"]
    with mapper.store() as store:
        assert [hold.source_id for hold in store.holds.open()] == ["L2"]
        assert [hold.source_id for hold in store.holds.released()] == ["L1"]
        kinds = [event.kind for event in store.audit.events(source_id="L1")]
        assert kinds == ["held", "released"]
        assert store.audit.verify() == []
        counts = store.runs.report("run-3").counts["purchase_entry_lines"]["mapper-glcostcenter"]
        assert counts == {"released": 1}


def test_a_line_handed_on_without_an_outcome_is_handed_on_again(
    mapper: Mapper, servicenow: ServiceNow
) -> None:
    mapper.feed(LINES, entry_line("L1", "9999"), state(1))
    gl = {"gl_account": "9999", "inactive": "false", "erp_source": "erp1"}
    servicenow.add("sn_fin_gl_account", "g9", **gl)
    assert len(mapper.feed(LINES).records("purchase_entry_lines")) == 1
    # The target of that run may have died; and of the next one it has.
    assert len(mapper.feed(LINES).records("purchase_entry_lines")) == 1
    with mapper.store() as store:
        store.runs.start("run-3", "target-servicenow-s2p")
    assert len(mapper.feed(LINES).records("purchase_entry_lines")) == 1
    with mapper.store() as store:
        store.runs.start("run-4", "target-servicenow-s2p")
        store.runs.finish("run-4", "target-servicenow-s2p", ok=True)
    assert mapper.feed(LINES).records("purchase_entry_lines") == []
    servicenow.tables["sn_fin_gl_account"].pop("g9")
    mapper.feed(LINES, entry_line("L1", "9999"))
    with mapper.store() as store:
        assert len(list(store.holds.open())) == 1


def test_a_thousand_held_lines_are_released_once_each(mapper: Mapper) -> None:
    ids = [f"L{number:04}" for number in range(1100)]
    mapper.feed(LINES, *(entry_line(id_, "9999") for id_ in ids), state(1))
    mapper.config["match_by_name"] = False
    (mapper.folder / "mapping").mkdir()
    rules = mapper.folder / "mapping" / "rules.csv"
    rules.write_text("division,dimension,source,target\n*,gl_account,9999,7000\n")
    released = mapper.feed(LINES).records("purchase_entry_lines")
    assert [line["ID"] for line in released] == ids
    rules.unlink()
    assert mapper.feed(LINES).records("purchase_entry_lines") == []
    with mapper.store() as store:
        assert store.holds.count() == 1100
        assert store.audit.verify() == []


def test_a_released_line_that_no_longer_fits_waits_again(
    mapper: Mapper, servicenow: ServiceNow
) -> None:
    mapper.feed(LINES, entry_line("L1", "9999"), state(1))
    gl = {"gl_account": "9999", "inactive": "false", "erp_source": "erp1"}
    servicenow.add("sn_fin_gl_account", "g9", **gl)
    mapper.feed(LINES)
    servicenow.add("sn_fin_gl_account", "g9", **{**gl, "inactive": "true"})
    assert mapper.feed(LINES).records("purchase_entry_lines") == []
    with mapper.store() as store:
        (hold,) = store.holds.open()
        assert hold.reasons == ("GL_ACCOUNT_INACTIVE",)


def test_a_newer_version_follows_and_settles_the_older(
    mapper: Mapper, servicenow: ServiceNow
) -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    mapper.feed(LINES, entry_line("L1", "9999", Modified=old), entry_line("L2", "9999"))
    outcome = mapper.feed(
        LINES,
        entry_line("L1", "7000", Modified=new),
        entry_line("L2", "8888"),
    )
    assert [
        (r["ID"], r["s2p_mapping_status"]) for r in outcome.records("purchase_entry_lines")
    ] == [("L1", "mapped"), ("L2", "held")]
    with mapper.store() as store:
        (hold,) = store.holds.open()
    assert (hold.source_id, hold.waiting_for) == ("L2", (("gl_account", "8888"),))
    # A hold that becomes valid comes before the newer version of the same run.
    gl = {"gl_account": "8888", "inactive": "false", "erp_source": "erp1"}
    servicenow.add("sn_fin_gl_account", "g8", **gl)
    both = mapper.feed(LINES, entry_line("L2", "7000")).records("purchase_entry_lines")
    assert [r["s2p_gl_account"] for r in both] == ["8888", "7000"]


def test_of_several_versions_in_one_run_the_last_counts(
    mapper: Mapper, servicenow: ServiceNow
) -> None:
    mapper.feed(
        LINES,
        entry_line("L1", "9999"),
        entry_line("L1", "7000"),
        entry_line("L1", "8888"),
        entry_line("L2", "9999"),
        entry_line("L2", "7000"),
    )
    with mapper.store() as store:
        (hold,) = store.holds.open()
    assert (hold.source_id, hold.waiting_for) == ("L1", (("gl_account", "8888"),))
    gl = {"gl_account": "8888", "inactive": "false", "erp_source": "erp1"}
    servicenow.add("sn_fin_gl_account", "g8", **gl)
    # Released, and in the same run a newer version has to wait again.
    mapper.feed(LINES, entry_line("L1", "9999"))
    with mapper.store() as store:
        (hold,) = store.holds.open()
        assert list(store.holds.released()) == []
    assert hold.waiting_for == (("gl_account", "9999"),)


def test_hold_mode_local_keeps_held_lines_to_itself(mapper: Mapper) -> None:
    mapper.config["hold_mode"] = "local"
    outcome = mapper.feed(LINES, entry_line("L1", "9999"), entry_line("L2"), state(1))
    assert [r["ID"] for r in outcome.records("purchase_entry_lines")] == ["L2"]
    with mapper.store() as store:
        assert [hold.source_id for hold in store.holds.open()] == ["L1"]


def test_counters_and_calls_are_kept(mapper: Mapper) -> None:
    mapper.feed(*REFERENCE, LINES, entry_line("L1", "9999"), entry_line("L2"))
    with mapper.store() as store:
        report = store.runs.report("run-1")
    assert report.counts["purchase_entry_lines"]["mapper-glcostcenter"] == {
        "read": 2,
        "mapped": 1,
        "held": 1,
        "GL_ACCOUNT_MISSING": 1,
    }
    assert report.counts["gl_accounts"]["mapper-glcostcenter"] == {"read": 2}
    assert report.calls["servicenow"] > 0
    assert [(plugin.plugin, plugin.ok) for plugin in report.plugins] == [
        ("mapper-glcostcenter", True)
    ]


def test_a_young_snapshot_is_used_instead_of_asking(mapper: Mapper, servicenow: ServiceNow) -> None:
    mapper.feed(LINES)
    asked = len(servicenow.requests)
    mapper.config["reference_max_age"] = 3600
    outcome = mapper.feed(LINES, entry_line("L1", CostCenter="CC1"))
    assert outcome.records("purchase_entry_lines")[0]["s2p_cost_center_sys_id"] == "c1"
    assert len(servicenow.requests) == asked


def test_rules_of_the_default_file_apply(mapper: Mapper) -> None:
    (mapper.folder / "mapping").mkdir()
    rules = mapper.folder / "mapping" / "rules.csv"
    rules.write_text("division,dimension,source,target\n101,gl_account,99*,7000\n")
    (line,) = mapper.feed(LINES, entry_line("L1", "9999")).records("purchase_entry_lines")
    assert line["s2p_mapping_rule"] == "gl: line account 9999 → rule 101 99* → 7000; cc: none"
    rules.write_text("division,dimension,source,target\n101,gl_account,99*,\n")
    with pytest.raises(RulesFileError, match="line 2, column target"):
        mapper.feed(LINES, entry_line("L1", "9999"))
    assert mapper.written == b""


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([b'{"type": "RECORD", "stre\n'], "Line 1 of the input is not valid JSON."),
        ([LINES, b'{"type":"STATE","value":{'], "It ends in the middle of the message."),
        ([b"[1]\n"], "Line 1 of the input is not a Singer message"),
        ([b"{}\n"], "Line 1 of the input is not a Singer message"),
        ([{"type": "GREETING"}], "unknown message type 'GREETING'"),
        ([{"type": "RECORD", "record": {"a": "Jansen"}}], "without stream or record"),
        ([entry_line("Jansen")], "no SCHEMA announced"),
        ([{"type": "SCHEMA", "stream": "items"}], "without stream or schema"),
        ([LINES, record("purchase_entry_lines", {"Name": "Jansen"})], "without its key ID"),
        (
            [LINES, record("purchase_entry_lines", {"ID": "1", "CostCenter": ["Jansen"]})],
            "value of the wrong type",
        ),
        ([LINES, {"type": "BATCH", "stream": "purchase_entry_lines"}], "batch_config"),
    ],
)
def test_malformed_input_ends_in_one_line(
    mapper: Mapper, messages: list[Any], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        mapper.feed(*messages)
    assert sentence in str(caught.value)
    assert "Jansen" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_was_taken_before_an_error_is_kept(mapper: Mapper) -> None:
    outcome = mapper.run(LINES, entry_line("L1", "9999"), b"nonsense\n")
    assert outcome.code == 1
    assert len(outcome.errors) == 1
    assert "Traceback" not in outcome.stderr
    assert len(outcome.records("purchase_entry_lines")) == 1
    with mapper.store() as store:
        assert len(list(store.holds.open())) == 1
        (plugin,) = store.runs.report("run-1").plugins
    assert plugin.ok is False


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"servicenow_password": "wrong-password"}, "does not accept these credentials"),
        ({"servicenow_instance_url": "http://127.0.0.1:9"}, "127.0.0.1:9"),
        ({"servicenow_instance_url": None}, "'servicenow_instance_url' is missing"),
        ({"servicenow_username": None}, "'servicenow_username' is missing"),
        ({"store_key": None}, "'store_key' is missing"),
        ({"store_key": "short"}, "store_key"),
        ({"store_url": "sqlite:////proc/nowhere/store.db"}, "store_url"),
        ({"erp_sources": {"nl": "EXACT"}}, "'erp_sources'"),
        ({"hold_mode": "maybe"}, "'hold_mode' must be one of: staging, local"),
        ({"match_by_nam": True}, "match_by_nam"),
        ({"rules_file": "absent.csv"}, "absent.csv"),
    ],
)
def test_wrong_settings_end_in_one_line(
    mapper: Mapper, change: dict[str, Any], sentence: str
) -> None:
    for name, value in change.items():
        if value is None:
            del mapper.config[name]
        else:
            mapper.config[name] = value
    with pytest.raises((UserError, RulesFileError, StoreError, ServiceNowError)) as caught:
        mapper.feed(LINES, entry_line("L1"))
    assert sentence in str(caught.value)
    assert mapper.written == b""
    assert "wrong-password" not in str(caught.value)


def test_wrong_credentials_end_the_process_in_one_line(mapper: Mapper) -> None:
    mapper.config["servicenow_password"] = "wrong-password"
    outcome = mapper.run(LINES, entry_line("L1"))
    assert outcome.code == 1
    assert len(outcome.errors) == 1
    assert "does not accept these credentials" in outcome.errors[0]
    assert outcome.stdout == b""
    assert "Traceback" not in outcome.stderr
    assert "wrong-password" not in outcome.stderr


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_mapper_in_order(mapper: Mapper, signum: signal.Signals) -> None:
    process = mapper.start()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(mapper.encode(LINES, entry_line("L1", "9999"), entry_line("L2")))
    process.stdin.flush()
    seen = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signum)
    rest, stderr = process.communicate(timeout=30)
    assert process.returncode == 128 + signum, stderr
    assert [json.loads(line)["type"] for line in seen] == ["SCHEMA", "RECORD", "RECORD"]
    assert rest == b""
    with mapper.store() as store:
        assert [hold.source_id for hold in store.holds.open()] == ["L1"]


def test_a_signal_ends_the_wait_for_servicenow(mapper: Mapper, servicenow: ServiceNow) -> None:
    servicenow.silent.clear()
    process = mapper.start()
    assert process.stdin is not None
    process.stdin.write(mapper.encode(LINES))
    process.stdin.flush()
    assert servicenow.asked.wait(30)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=30)
    servicenow.silent.set()
    assert process.returncode == 128 + signal.SIGTERM, stderr
    assert stdout == b""
    assert b"Traceback" not in stderr
