"""A dry run tells each record that would change, and changes nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .conftest import EVERYTHING, REFERENCE, SOURCE, state, stream

if TYPE_CHECKING:
    import pytest

    from .conftest import Feed


def told(feed: Feed, caplog: pytest.LogCaptureFixture, messages: list[dict]) -> list[str]:
    caplog.clear()
    caplog.set_level(logging.INFO)
    assert feed.run(messages, dry_run=True) == []
    return [record.getMessage() for record in caplog.records]


def test_before_the_first_load_everything_is_new(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    lines = told(feed, caplog, EVERYTHING)
    assert f"gl_accounts 4000|{SOURCE}: new" in lines
    assert "Staging it would take about" in " ".join(lines)
    assert feed.instance.rows("sys_import_set") == []


def test_a_change_is_told_column_by_column(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    feed.run(EVERYTHING)
    sets = len(feed.instance.rows("sys_import_set"))
    change = [
        *stream(
            "gl_accounts",
            {"ID": "g1", "Code": "4000", "Description": "Supplies", "BalanceType": "W",
             "IsBlocked": True},
        ),
        *stream(
            "accounts",
            {"ID": "a1", "Code": "9001", "Name": "Mevrouw Jansen", "IsSupplier": True,
             "Country": "NL", "GLAccountPurchase": "g1", "PaymentConditionPurchase": "60"},
        ),
        state(done=True),
    ]  # fmt: skip
    lines = told(feed, caplog, change)
    (account,) = [line for line in lines if line.startswith("gl_accounts 4000")]
    assert "Inactive: false → true" in account
    assert "Account name" in account
    assert "Supplies" not in account, "a text is not shown: it may name somebody"
    (supplier,) = [line for line in lines if line.startswith("accounts 9001")]
    assert "Payment term: 30 → 60" in supplier
    assert "Legal name" in supplier
    assert "Jansen" not in " ".join(lines)
    assert len(feed.instance.rows("sys_import_set")) == sets
    assert "Office costs" in {a["display_name"] for a in feed.instance.rows("sn_fin_gl_account")}


def test_what_servicenow_could_not_take_is_told(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    nameless = [*REFERENCE, *stream("gl_accounts", {"ID": "g9", "Code": ""}), state(done=True)]
    lines = told(feed, caplog, nameless)
    assert any("GL Account is empty" in line and "would be refused" in line for line in lines)


def test_what_has_not_changed_is_counted_only(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    feed.run(EVERYTHING)
    lines = told(feed, caplog, EVERYTHING)
    assert not [line for line in lines if line.endswith(": new") or ": changed" in line]
    assert "Staging it would take about 0 calls." in lines


def test_what_would_wait_is_told_by_reason(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    held = {"s2p_mapping_status": "held", "s2p_hold_reasons": ["GL_ACCOUNT_MISSING"]}
    line = {"ID": "pl9", "PurchaseOrderID": "p1", "LineNumber": 9, **held}
    lines = told(feed, caplog, [*EVERYTHING, *stream("purchase_order_lines", line), state(x=1)])
    assert "purchase_order_lines: 1 would wait: GL_ACCOUNT_MISSING" in lines
