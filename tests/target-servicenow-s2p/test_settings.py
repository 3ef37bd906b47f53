"""Settings, switches of the instance, and input that is wrong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from s2p_singer import InputError, SettingError
from s2p_staging.errors import ColumnsUnresolved, DefinitionError
from target_servicenow_s2p.errors import StreamUnknown

from .conftest import EVERYTHING, REFERENCE, SOURCE, QuickTarget, record, schema, state, stream

if TYPE_CHECKING:
    from .conftest import Feed


@pytest.mark.parametrize(
    "switches",
    [
        {"column_style": "plain"},
        {"duplicate_supplier_label": False},
        {"order_line_columns": False, "supplier_entity_columns": False},
        {"second_map_on": ["sn_fcms_intg_gl_account_stage"]},
        {"unstable_order": True},
        {"transform_maps_readable": False, "duplicate_supplier_label": False},
    ],
)
def test_every_kind_of_instance_is_filled(feed: Feed, switches: dict[str, Any]) -> None:
    feed.instance.switch(**switches)
    assert feed.run(EVERYTHING) == [{"bookmarks": 1}]
    (supplier,) = feed.instance.rows("sn_fin_supplier")
    assert supplier["erp_supplier_code"] == "9001"
    assert len(feed.instance.rows("sn_shop_purchase_order_line")) == 1
    assert len(feed.instance.rows("sn_shop_invoice_line")) == 1


def test_labels_are_used_where_the_dictionary_cannot_be_read(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    feed.instance.switch(dictionary_readable=False)
    accounts = [
        message for message in REFERENCE if message["stream"] in {"divisions", "gl_accounts"}
    ]
    with caplog.at_level(logging.WARNING):
        assert feed.run([*accounts, state(done=1)]) == [{"done": 1}]
    assert len(feed.instance.rows("sn_fin_gl_account")) == 2
    assert caplog.text.count("sys_dictionary cannot be read") == 1
    with pytest.raises(ColumnsUnresolved, match="let the integration user read sys_dictionary"):
        feed.run(EVERYTHING)


def test_an_ambiguous_label_names_table_label_and_remedy(feed: Feed) -> None:
    feed.instance.switch(transform_maps_readable=False)
    with pytest.raises(ColumnsUnresolved) as caught:
        feed.run(EVERYTHING)
    for word in ("sn_fcms_intg_imp_supplier", "ERP supplier code", "tables.accounts.fields"):
        assert word in str(caught.value)
    columns = {
        "ERP supplier code": {"column": "u_erp_company_code_1"},
        "ERP company code": {"column": "u_erp_company_code"},
    }
    feed.run(EVERYTHING, tables={"accounts": {"fields": columns}})
    assert [row["erp_supplier_code"] for row in feed.instance.rows("sn_fin_supplier")] == ["9001"]


def test_a_label_in_another_case_is_sent_as_the_instance_spells_it(feed: Feed) -> None:
    table = "sn_fcms_intg_gl_account_stage"
    renamed = [
        {"name": table, "element": "u_gl_account", "column_label": "GL account"},
        {"name": table, "element": "u_account_name", "column_label": "Account Name "},
    ]
    feed.instance.control(
        "rows", {"table": "sys_dictionary", "rows": renamed, "key": ["name", "element"]}
    )
    assert feed.run(EVERYTHING) == [{"bookmarks": 1}]
    names = {row["u_gl_account"]: row["u_account_name"] for row in feed.instance.rows(table)}
    assert names == {"4000": "Office costs", "4100": "Travel"}


def test_a_single_company_code_that_feeds_the_suppliers_code_is_the_suppliers_code(
    feed: Feed,
) -> None:
    renamed = {
        "name": "sn_fcms_intg_imp_supplier",
        "element": "u_erp_company_code",
        "column_label": "Company of the group",
    }
    feed.instance.control(
        "rows", {"table": "sys_dictionary", "rows": [renamed], "key": ["name", "element"]}
    )
    assert feed.run(EVERYTHING) == [{"bookmarks": 1}]
    assert [row["erp_supplier_code"] for row in feed.instance.rows("sn_fin_supplier")] == ["9001"]


def test_a_map_that_does_not_coalesce_is_told(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    feed.instance.switch(coalesce_off_on=["sn_fcms_intg_gl_account_stage"])
    with caplog.at_level(logging.WARNING):
        feed.run(EVERYTHING)
    assert "sn_fcms_intg_gl_account_stage coalesces" in caplog.text


def test_erp_sources_and_tables_are_the_users(feed: Feed) -> None:
    feed.instance.control("rows", {"table": "sn_fin_erp_source", "rows": [{"name": "SAP-NL"}]})
    feed.run(
        EVERYTHING,
        erp_sources={"100": "SAP-NL"},
        tables={"cost_centers": {"enabled": False}, "gl_accounts": {"fields": {"Number": "ID"}}},
    )
    assert feed.instance.rows("cmn_cost_center") == []
    numbers = {row["u_number"] for row in feed.instance.rows("sn_fcms_intg_gl_account_stage")}
    assert numbers == {"g1", "g2"}
    sources = {row["u_erp_source"] for row in feed.instance.rows("sn_fcms_intg_gl_account_stage")}
    assert sources == {"SAP-NL"}


def test_a_stream_that_is_switched_off_fills_none_of_its_tables(feed: Feed) -> None:
    off = {"accounts": {"enabled": False}}
    assert feed.run([*REFERENCE, state(off=True)], tables=off) == [{"off": True}]
    for table in ("sn_fcms_intg_imp_supplier", "sn_fcms_intg_supplier_legal_entity_inbound"):
        assert feed.instance.rows(table) == []
    assert feed.instance.rows("sn_fin_gl_account") != []


def test_a_stream_of_ones_own_fills_a_staging_table(feed: Feed) -> None:
    feed.run(REFERENCE[:2])
    tables = {
        "public-ledger": {
            "staging_table": "sn_fcms_intg_gl_account_stage",
            "key": ["GL Account", "ERP source"],
            "fields": {
                "GL Account": "number",
                "ERP source": f"'{SOURCE}'",
                "Account name": "title",
            },
        }
    }
    feed.run(
        [*stream("public-ledger", {"number": 7000, "title": "Theirs"}), state(a=1)], tables=tables
    )
    (account,) = feed.instance.rows("sn_fin_gl_account")
    assert (account["gl_account"], account["display_name"]) == ("7000", "Theirs")


CENTERS: dict[str, Any] = {
    "cost_centers": {
        "staging_table": "cmn_cost_center",
        "load_method": "table",
        "key": ["Code"],
        "fields": dict.fromkeys(("Account number", "ERP source", "Legal entity", "Valid from"), ""),
    }
}


def center(name: str) -> list[dict[str, Any]]:
    return [
        *stream("cost_centers", {"ID": "c1", "Code": "CC1", "Description": name}),
        state(name=name),
    ]


def test_load_method_table_writes_straight_to_a_table(feed: Feed) -> None:
    feed.instance.fault("drop_after", "POST .*table/cmn_cost_center")
    feed.run(center("Sales"), tables=CENTERS, auth_method="basic", **_admin())
    feed.run(center("Marketing"), tables=CENTERS, auth_method="basic", **_admin())
    (stored,) = feed.instance.rows("cmn_cost_center")
    assert stored["name"] == "Marketing"


@pytest.mark.parametrize("code", [400, 403, 413])
def test_a_record_that_a_firewall_stops_is_refused_and_stops_no_run(feed: Feed, code: int) -> None:
    feed.instance.fault("firewall", "cmn_cost_center", times=None, word="<script>", code=code)
    admin = {"tables": CENTERS, "auth_method": "basic", **_admin()}
    for name, stored in (("<script>", []), ("Sales", ["Sales"]), ("<script>2", ["Sales"])):
        assert feed.run(center(name), **admin) == [{"name": name}]
        assert [row["name"] for row in feed.instance.rows("cmn_cost_center")] == stored
        with feed.store() as store:
            known = store.ledger.get_many("cmn_cost_center", ["CC1"])["CC1"]
        assert known.state == ("done" if name == "Sales" else "failed")
        assert (f"status {code}" in str(known.message)) is (name != "Sales")


def test_a_column_that_servicenow_silently_protects_is_told(feed: Feed) -> None:
    feed.run(center("Sales"), tables=CENTERS, auth_method="basic", **_admin())
    feed.instance.switch(silent_fields=["cmn_cost_center.name"])
    feed.run(center("Marketing"), tables=CENTERS, auth_method="basic", **_admin())
    with feed.store() as store:
        known = store.ledger.get_many("cmn_cost_center", ["CC1"])["CC1"]
    assert (known.state, known.message) == (
        "failed",
        "ServiceNow left name as it was: an ACL protects it",
    )


def test_another_record_is_never_taken_for_the_one_that_was_sought(feed: Feed) -> None:
    ghost = {"name": "cmn_cost_center", "element": "u_ghost", "column_label": "Ghost"}
    feed.instance.control("rows", {"table": "sys_dictionary", "rows": [ghost]})
    other = {"code": "OTHER", "name": "Theirs"}
    feed.instance.control("rows", {"table": "cmn_cost_center", "rows": [other]})
    fields = {**CENTERS["cost_centers"]["fields"], "Ghost": "code(Code)"}
    tables = {"cost_centers": {**CENTERS["cost_centers"], "key": ["Ghost"], "fields": fields}}
    feed.run(center("Sales"), tables=tables, auth_method="basic", **_admin())
    (stored,) = feed.instance.rows("cmn_cost_center")
    assert (stored["code"], stored["name"]) == ("OTHER", "Theirs")
    with feed.store() as store:
        (refused,) = store.ledger.failed()
    assert "does not show u_ghost" in str(refused.message)


def test_a_table_of_ones_own_needs_its_columns(feed: Feed) -> None:
    feed.instance.switch(dictionary_readable=False)
    with pytest.raises(ColumnsUnresolved, match="read sys_dictionary"):
        feed.run(center("Sales"), tables=CENTERS)


def _admin() -> dict[str, str]:
    from s2p_sandbox import servicenow  # noqa: PLC0415 - the fixture's passwords

    return {"username": "admin", "password": servicenow.TEST_ACCESS.passwords["admin"]}


def test_a_dry_run_writes_nothing_and_reports(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert feed.run(EVERYTHING, dry_run=True) == []
    assert feed.instance.rows("sys_import_set") == []
    assert "Dry run, nothing was written" in caplog.text
    assert "2 new" in caplog.text
    feed.run(EVERYTHING)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        feed.run(EVERYTHING, dry_run=True)
    assert "2 unchanged" in caplog.text


@pytest.mark.parametrize("name", ["items", "gl_accounts"])
def test_a_stream_that_is_not_written_holds_no_state_back_though_it_comes_first(
    feed: Feed, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    off = {"gl_accounts": {"enabled": False}}
    first = stream(name, {"ID": "i1", "Code": "1"})
    center = stream("cost_centers", {"ID": "c1", "Code": "CC1", "Description": "Sales"})
    with caplog.at_level(logging.INFO):
        states = feed.run([*first, state(early=1), *center, state(done=1)], tables=off)
    assert states[-1] == {"done": 1}
    assert "1 read, 1 not written" in caplog.text
    assert [row["name"] for row in feed.instance.rows("cmn_cost_center")] == ["Sales"]


def test_an_unknown_stream_ends_the_run_and_loses_nothing(feed: Feed) -> None:
    center = stream("cost_centers", {"ID": "c1", "Code": "CC1", "Description": "Sales"})
    stranger = stream("cost_centres", {"ID": "c2", "Code": "CC2"})
    with pytest.raises(StreamUnknown, match=r"tables\.cost_centres\.enabled"):
        feed.run([*center, state(done=1), *stranger, state(done=2)])
    # No state has left, so the next run brings everything again.
    feed.run([*center, state(done=1)])
    assert [row["name"] for row in feed.instance.rows("cmn_cost_center")] == ["Sales"]


def test_an_unknown_stream_may_be_switched_off(feed: Feed) -> None:
    stranger = stream("strangers", {"ID": "c2"})
    off = {"strangers": {"enabled": False}}
    assert feed.run([*stranger, state(done=1)], tables=off) == [{"done": 1}]


def test_streams_without_a_table_are_counted_and_told_once(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [
        schema("bank_entries"),
        record("bank_entries", EntryID="b1"),
        schema("bank_entries"),
    ]
    with caplog.at_level(logging.INFO):
        assert feed.run([*messages, state(b=1)]) == [{"b": 1}]
    assert caplog.text.count("has no table in ServiceNow") == 1
    with feed.store() as store:
        report = store.runs.latest()
        assert report is not None
        assert report.counter("bank_entries", "not_written") == 1


def test_meltanos_connection_test_is_recognised(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        feed.run([schema("meltano_test_stream"), record("meltano_test_stream", id="x")])
    assert "The connection to ServiceNow works" in caplog.text
    assert "error" not in caplog.text.lower()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([b"{not json\n"], "not valid JSON"),
        ([b'{"type": "RECORD", "stream": "gl_accounts", "record": {}}\n'], "before its SCHEMA"),
        ([b'{"type": "SCHEMA", "stream": "gl_accounts", "schema": {}}\n'], "lacks properties"),
        ([b'{"type": "SCHEMA", "stream": "gl_accounts", "schema": 7}\n'], "no JSON schema"),
        ([b'{"type": "STATE"}\n'], "lacks value"),
        ([b'{"type": "BATCH", "stream": "x"}\n'], "BATCH"),
        ([b'{"type": "NEWS"}\n'], "unknown type"),
        (
            [
                b'{"type":"SCHEMA","stream":"items","schema":{"properties":{}},"key_properties":["a"]}\n',
                b'{"type":"RECORD","stream":"items","record":{"b":1}}\n',
            ],
            "lacks its key property",
        ),
    ],
)
def test_wrong_input_is_one_sentence(feed: Feed, lines: list[bytes], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        feed.lines(lines)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"fail_on": "never"}, "fail_on"),
        ({"nonsense": 1}, "nonsense"),
        ({"erp_sources": []}, "erp_sources"),
    ],
)
def test_wrong_settings_are_named(feed: Feed, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        QuickTarget(config=feed.config(**settings))


def test_a_wrong_table_setting_is_told_at_start(feed: Feed) -> None:
    with pytest.raises(DefinitionError, match="which is not one of"):
        QuickTarget(config=feed.config(tables={"nonsense": {}}))
