"""Suppliers that were in ServiceNow before are adopted by name, once, or wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import REFERENCE, SOURCE, state, stream

if TYPE_CHECKING:
    from .conftest import Feed

SUPPLIER = {"ID": "a9", "Code": "9009", "Name": "Café Zürich B.V.", "IsSupplier": True}
MESSAGES = [*REFERENCE, *stream("accounts", SUPPLIER), state(done=True)]


@pytest.fixture
def matching(feed: Feed) -> Feed:
    feed.settings["match_suppliers_by_name"] = True
    feed.instance.switch(extra_roles=["sn_fin.procurement_primary_data_admin"])
    return feed


def add(feed: Feed, *names: str, **more: Any) -> None:  # noqa: ANN401 - column values
    rows = [{"legal_name": name, **more} for name in names]
    feed.instance.control("rows", {"table": "sn_fin_supplier", "rows": rows})


def suppliers(feed: Feed) -> list[dict[str, Any]]:
    return feed.instance.rows("sn_fin_supplier", "legal_nameLIKEZ")


def test_the_only_one_of_the_name_is_adopted(matching: Feed) -> None:
    add(matching, "CAFE ZURICH BV", "Cafe Zurich Holding")
    matching.run(MESSAGES)
    found = {row["erp_supplier_code"]: row["legal_name"] for row in suppliers(matching)}
    # "B.V." is two words and "BV" is one: names that differ decide nothing.
    assert len(suppliers(matching)) == 3
    assert found["9009"] == "Café Zürich B.V."


def test_spelling_aside_it_is_the_same_supplier(matching: Feed) -> None:
    add(matching, "CAFE ZURICH B.V.")
    matching.run(MESSAGES)
    (only,) = suppliers(matching)
    assert (only["erp_supplier_code"], only["legal_name"]) == ("9009", "Café Zürich B.V.")
    with matching.store() as store:
        kinds = [event.kind for event in store.audit.events(natural_key=f"9009|{SOURCE}")]
    assert kinds[:2] == ["adopted", "staged"]
    matching.run(MESSAGES)
    assert len(suppliers(matching)) == 1


def test_of_two_it_waits_until_somebody_decides(matching: Feed) -> None:
    add(matching, "Cafe Zurich B.V.", "Café Zürich B.V.")
    assert matching.run(MESSAGES) == [{"done": True}]
    assert len(suppliers(matching)) == 2
    (parked,) = matching.instance.rows("sn_fcms_intg_imp_supplier", "sys_import_state=pending")
    assert "SUPPLIER_NAME_AMBIGUOUS" in parked["sys_import_state_comment"]
    quiet = [*stream("gl_accounts"), state(done=True)]
    matching.run(quiet)
    assert not [row for row in suppliers(matching) if row["erp_supplier_code"]]
    sources = {row["name"]: row["sys_id"] for row in matching.instance.rows("sn_fin_erp_source")}
    first = suppliers(matching)[0]
    decided = {"sys_id": first["sys_id"], "erp_supplier_code": "9009",
               "erp_source": sources[SOURCE]}  # fmt: skip
    body = {"table": "sn_fin_supplier", "rows": [decided], "key": ["sys_id"]}
    matching.instance.control("rows", body)
    matching.run(quiet)
    assert len(suppliers(matching)) == 2
    (parked,) = matching.instance.rows("sn_fcms_intg_imp_supplier", f"sys_id={parked['sys_id']}")
    assert parked["sys_import_state"] == "skipped"
    with matching.store() as store:
        (entry,) = store.ledger.get_many("sn_fcms_intg_imp_supplier", [f"9009|{SOURCE}"]).values()
    assert entry.state == "done"


def test_without_the_right_to_write_it_waits(matching: Feed) -> None:
    matching.instance.switch(extra_roles=[])
    add(matching, "Cafe Zurich B.V.")
    matching.run(MESSAGES)
    assert [row["erp_supplier_code"] for row in suppliers(matching)] == [""]
    matching.instance.switch(extra_roles=["sn_fin.procurement_primary_data_admin"])
    matching.run([*stream("gl_accounts"), state(done=True)])
    assert [row["erp_supplier_code"] for row in suppliers(matching)] == ["9009"]


def test_without_the_setting_names_decide_nothing(feed: Feed) -> None:
    add(feed, "Cafe Zurich B.V.")
    feed.run(MESSAGES)
    assert len(suppliers(feed)) == 2
