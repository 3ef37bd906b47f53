"""What Exact Online deleted is ended in ServiceNow, where it was staged from here."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ORDERS, REFERENCE, record, schema, state, stream

if TYPE_CHECKING:
    from .conftest import Feed, Instance

EARLIER, LATER = "2026-03-01T10:00:00.000Z", "2026-03-09T10:00:00.000Z"
ACCOUNTS, CENTERS = "sn_fin_gl_account", "cmn_cost_center"


def account(id_: str = "g1", code: str = "4000", **more: object) -> dict[str, object]:
    return {"ID": id_, "Code": code, "Description": "Office costs", "Modified": EARLIER, **more}


def center(id_: str = "c1", code: str = "CC1", **more: object) -> dict[str, object]:
    known = {"ID": id_, "Code": code, "Description": "Sales", "Active": True, "Modified": EARLIER}
    return {**known, "Created": EARLIER, **more}


def gone(entity: str, key: str, at: str = LATER, **more: object) -> dict[str, Any]:
    told = {"ID": f"deletion of {key}", "EntityName": entity, "EntityKey": key, "DeletedDate": at}
    return record("deletions", **{**told, "s2p_source_modified": at, **more})


def deleted(*records: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema("deletions", "Division", "ID"), *records, state(upto="deletions")]


def accounts(*rows: dict[str, object]) -> list[dict[str, Any]]:
    return stream("gl_accounts", *rows)


def centers(*rows: dict[str, object]) -> list[dict[str, Any]]:
    return stream("cost_centers", *rows)


def inactive(instance: Instance) -> dict[str, str]:
    return {row["gl_account"]: row["inactive"] for row in instance.rows(ACCOUNTS)}


def ends(instance: Instance) -> dict[str, str]:
    return {row["account_number"]: row["valid_to"] for row in instance.rows(CENTERS)}


def counted(feed: Feed) -> dict[str, int]:
    """Counters of the stream in all runs so far, in which every record has its place."""
    with feed.store() as store:
        report = store.runs.latest()
        assert report is not None
    found = report.counts["deletions"]["target-servicenow-s2p"]
    assert found["read"] == sum(
        number for name, number in found.items() if name not in {"read", "staged"}
    )
    return found


def test_a_deleted_account_becomes_inactive_and_a_cost_center_ends(
    feed: Feed, instance: Instance
) -> None:
    feed.run([*accounts(account(), account("g2", "4100")), *centers(center(), center("c2", "CC2"))])
    assert set(inactive(instance).values()) == {"false"}
    told = deleted(gone("GLAccounts", "g1"), gone("Costcenters", "c1"))
    states = feed.run([*accounts(account("g2", "4100")), *centers(center("c2", "CC2")), *told])
    assert states == [{"upto": "deletions"}]
    assert inactive(instance) == {"4000": "true", "4100": "false"}
    assert ends(instance) == {"CC1": "2026-03-09 10:00:00", "CC2": ""}
    assert {row["name"] for row in instance.rows(CENTERS)} == {"Sales"}
    with feed.store() as store:
        last = store.audit.events(natural_key="4000|EXACT-100", newest_first=True, limit=1)
        (event,) = last
        assert (event.stream, event.source_id, event.kind) == ("deletions", "g1", "staged")


def test_what_was_never_staged_from_here_needs_nothing(feed: Feed, instance: Instance) -> None:
    told = deleted(
        gone("GLAccounts", "unknown"),
        gone("Costcenters", "unknown"),
        gone("TransactionLines", "g1"),
        gone("Items", "i1", EntityKey=None),
        record("deletions", ID="d9"),
    )
    assert feed.run([*accounts(account()), *told]) == [{"upto": "deletions"}]
    assert counted(feed) == {"read": 5, "not_written": 5}
    assert inactive(instance) == {"4000": "false"}
    assert instance.rows(CENTERS) == []


@pytest.mark.parametrize("late", [False, True])
def test_told_twice_it_is_staged_once(feed: Feed, instance: Instance, *, late: bool) -> None:
    feed.run([*accounts(account()), *centers(center())])
    told = [gone("GLAccounts", "g1"), gone("Costcenters", "c1")]
    again = [gone("GLAccounts", "g1"), gone("Costcenters", "c1", "2026-03-12T10:00:00.000Z")]
    if late:
        feed.run(deleted(*told))
        feed.run(deleted(*again))
    else:
        feed.run(deleted(*told, *again))
    assert inactive(instance) == {"4000": "true"}
    staged = instance.rows("sn_fcms_intg_imp_cost_center")
    assert len(staged) == 2
    assert counted(feed)["updated"] == 2


def test_a_deletion_comes_late_for_a_record_that_was_restored(
    feed: Feed, instance: Instance
) -> None:
    feed.run([*accounts(account()), *centers(center())])
    told = deleted(gone("GLAccounts", "g1"), gone("Costcenters", "c1"))
    for _ in range(2):
        feed.run([*accounts(account()), *centers(center()), *told])
    assert inactive(instance) == {"4000": "false"}
    assert ends(instance) == {"CC1": ""}
    assert len(instance.rows("sn_fcms_intg_gl_account_stage")) == 1


def test_another_record_that_bears_the_code_now_is_not_closed(
    feed: Feed, instance: Instance
) -> None:
    feed.run([*accounts(account()), *centers(center())])
    feed.run([*accounts(account("g9")), *centers(center("c9"))])
    # In a run that reads no accounts, long after.
    feed.run(deleted(gone("GLAccounts", "g1"), gone("Costcenters", "c1")))
    assert inactive(instance) == {"4000": "false"}
    assert ends(instance) == {"CC1": ""}


def test_a_record_that_was_changed_after_its_deletion_is_not_closed(
    feed: Feed, instance: Instance
) -> None:
    feed.run(accounts(account(Modified=LATER)))
    feed.run(deleted(gone("GLAccounts", "g1", EARLIER)))
    assert inactive(instance) == {"4000": "false"}


def test_what_comes_back_the_same_is_opened_again(feed: Feed, instance: Instance) -> None:
    rows = [*accounts(account()), *centers(center())]
    feed.run(rows)
    feed.run(deleted(gone("GLAccounts", "g1"), gone("Costcenters", "c1")))
    assert inactive(instance) == {"4000": "true"}
    feed.run(rows)
    assert inactive(instance) == {"4000": "false"}
    assert ends(instance) == {"CC1": "9999-12-31 00:00:00"}
    calls = instance.calls()
    feed.run(rows)
    staged = len(instance.rows("sn_fcms_intg_imp_cost_center"))
    assert staged == 3
    assert instance.calls() - calls < 10
    # And goes once more.
    feed.run(deleted(gone("Costcenters", "c1", "2026-03-20T10:00:00.000Z")))
    assert ends(instance) == {"CC1": "2026-03-20 10:00:00"}


def test_a_record_that_comes_after_its_deletion_in_one_run_stays_open(
    feed: Feed, instance: Instance
) -> None:
    rows = [*accounts(account()), *centers(center())]
    feed.run(rows)
    told = deleted(gone("GLAccounts", "g1"), gone("Costcenters", "c1"))
    feed.run([*told[:-1], *accounts(account()), *centers(center()), told[-1]])
    assert inactive(instance) == {"4000": "false"}
    assert ends(instance)["CC1"] in {"", "9999-12-31 00:00:00"}


def test_a_cost_center_that_has_no_end_any_more_is_opened(feed: Feed, instance: Instance) -> None:
    feed.run(centers(center(EndDate="2026-03-01")))
    feed.run(centers(center()))
    assert ends(instance) == {"CC1": "9999-12-31 00:00:00"}


def test_suppliers_and_orders_are_ended_too(feed: Feed, instance: Instance) -> None:
    feed.run([*REFERENCE, *ORDERS])
    feed.run(
        deleted(
            gone("Accounts", "a1"),
            gone("Accounts", "a2"),
            gone("PurchaseOrders", "p1"),
            gone("PurchaseOrders", "pl1"),
        )
    )
    (supplier,) = instance.rows("sn_fin_supplier")
    assert (supplier["status"], supplier["posting_block"]) == ("Inactive", "true")
    assert supplier["name"] == "Paper Ltd"
    (order,) = instance.rows("sn_shop_purchase_order")
    assert order["erp_status"] == "Canceled"


def test_deletions_follow_the_table_they_close(feed: Feed, instance: Instance) -> None:
    feed.run(accounts(account()))
    off = {"gl_accounts": {"enabled": False}}
    feed.run(deleted(gone("GLAccounts", "g1")), tables=off)
    assert inactive(instance) == {"4000": "false"}
    kept = {"gl_accounts": {"fields": {"Inactive": ""}}}
    feed.run(deleted(gone("GLAccounts", "g1")), tables=kept)
    assert inactive(instance) == {"4000": "false"}


def test_a_dry_run_tells_and_writes_nothing(
    feed: Feed, instance: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    feed.run(accounts(account()))
    caplog.set_level(logging.INFO)
    feed.run(deleted(gone("GLAccounts", "g1")), dry_run=True)
    assert "deleted_gl_accounts 4000|EXACT-100: changed: Inactive: false → true" in caplog.text
    assert inactive(instance) == {"4000": "false"}
    feed.run(deleted(gone("GLAccounts", "g1")))
    assert inactive(instance) == {"4000": "true"}
