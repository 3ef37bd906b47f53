"""Held lines in tables of the instance's own: shown there, never transformed, refused if unsafe."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from s2p_singer import SettingError
from s2p_staging.errors import DefinitionError, HeldTableUnfit
from target_servicenow_s2p.parking import Parking

from .conftest import REFERENCE, DiedError, die
from .test_held import HEADERS, LINES, MAPPED, held

if TYPE_CHECKING:
    from .conftest import Feed

HELD = "u_held_lines"
TABLES: dict[str, Any] = {"purchase_entry_lines": {"held_table": HELD}}
OWN: dict[str, Any] = {"park_held": "own_table", "tables": TABLES}


@pytest.fixture
def own(feed: Feed) -> Feed:
    """An instance on which somebody made a table for held lines."""
    feed.instance.switch(held_lines_table=True, extra_roles=["u_held_lines_user"])
    feed.settings |= OWN
    return feed


def test_a_held_line_waits_in_the_instances_own_table(own: Feed) -> None:
    assert own.run([*REFERENCE, *HEADERS, *held()])[-1] == {"line": True}
    (row,) = own.instance.rows(HELD)
    assert (row["u_hold_status"], row["u_hold_reasons"]) == ("held", "GL_ACCOUNT_MISSING")
    assert (row["u_line_description"], row["u_subtotal"]) == ("Envelopes", "100")
    assert own.instance.rows(LINES) == []
    assert own.instance.rows("sys_import_set", f"table_name={LINES}") == []
    with own.store() as store:
        (event,) = store.audit.events(source_id="el1")
    assert event.kind == "parked"


def test_a_line_held_again_keeps_its_row_and_a_released_one_is_marked(own: Feed) -> None:
    own.run([*REFERENCE, *HEADERS, *held()])
    own.run(held(Description="Boxes", s2p_hold_reasons=["COST_CENTER_MISSING"]))
    (row,) = own.instance.rows(HELD)
    assert (row["u_line_description"], row["u_hold_reasons"]) == ("Boxes", "COST_CENTER_MISSING")
    own.run(MAPPED)
    (row,) = own.instance.rows(HELD)
    assert row["u_hold_status"] == "released"
    (line,) = own.instance.rows(LINES)
    assert line["sys_import_state"] == "inserted"


def test_a_run_that_dies_while_releasing_leaves_no_row_waiting(
    own: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.run([*REFERENCE, *HEADERS, *held()])

    def dead(*_: object) -> None:
        raise DiedError

    with monkeypatch.context() as patched:
        patched.setattr(Parking, "release", dead)
        die(own, MAPPED)
    own.run(MAPPED)
    assert [row["u_hold_status"] for row in own.instance.rows(HELD)] == ["released"]
    assert len(own.instance.rows("sn_shop_invoice_line")) == 1


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "403_after_commit", "202"])
def test_a_fault_while_parking_makes_no_second_row(own: Feed, kind: str) -> None:
    own.instance.fault(kind, f"POST .*table/{HELD}")
    own.run([*REFERENCE, *HEADERS, *held()])
    own.run(held())
    assert len(own.instance.rows(HELD)) <= 1


@pytest.mark.parametrize(
    ("before", "after", "left"), [({}, OWN, "skipped"), (OWN, {"tables": TABLES}, "released")]
)
def test_a_line_held_anew_moves_when_the_setting_has_changed(
    own: Feed, before: dict[str, Any], after: dict[str, Any], left: str
) -> None:
    own.settings = dict(before)
    own.run([*REFERENCE, *HEADERS, *held()])
    own.settings = dict(after)
    own.run(held(Description="Boxes"))
    states = [row["sys_import_state"] for row in own.instance.rows(LINES)]
    statuses = [row["u_hold_status"] for row in own.instance.rows(HELD)]
    waiting, marked = (statuses, states) if after is OWN else (states, statuses)
    assert (waiting, marked) == (["held" if after is OWN else "pending"], [left])
    own.run(MAPPED)
    assert len(own.instance.rows("sn_shop_invoice_line")) == 1


def test_a_line_without_a_table_stays_in_the_store(
    own: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    tables = {"purchase_order_lines": {"held_table": HELD}}
    with caplog.at_level(logging.INFO):
        own.run([*REFERENCE, *HEADERS, *held()], tables=tables)
    assert "tables.purchase_entry_lines.held_table names no table" in caplog.text
    assert own.instance.rows(LINES) == own.instance.rows(HELD) == []


def test_a_table_that_may_not_be_written_is_told(
    own: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    own.instance.switch(extra_roles=[])
    own.run([*REFERENCE, *HEADERS, *held()])
    assert f"does not let this user keep held lines in {HELD}" in caplog.text
    assert own.instance.rows(HELD) == []


def active_map(own: Feed, active: str = "true") -> None:
    row = {"name": "Somebody's map", "source_table": HELD, "active": active}
    own.instance.control("rows", {"table": "sys_transform_map", "rows": [row]})


def test_a_table_with_an_active_transform_map_is_refused_before_anything_is_sent(
    own: Feed,
) -> None:
    active_map(own)
    with pytest.raises(HeldTableUnfit, match="its transform map 'Somebody's map' is active"):
        own.run([*REFERENCE, *HEADERS, *held()])
    assert own.instance.rows("sn_fcms_intg_gl_account_stage") == []
    with pytest.raises(HeldTableUnfit):
        own.run([*REFERENCE], dry_run=True)


def test_an_inactive_map_does_no_harm(own: Feed) -> None:
    active_map(own, "false")
    own.run([*REFERENCE, *HEADERS, *held()])
    assert len(own.instance.rows(HELD)) == 1


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ({"held_lines_table": False}, "sys_dictionary shows no columns of it"),
        ({"dictionary_readable": False, "duplicate_supplier_label": False}, "sys_dictionary shows"),
        (
            {"transform_maps_readable": False, "duplicate_supplier_label": False},
            "it cannot be seen whether it has a transform map",
        ),
    ],
)
def test_what_cannot_be_seen_is_refused(own: Feed, switches: dict[str, Any], told: str) -> None:
    own.instance.switch(**switches)
    with pytest.raises(HeldTableUnfit, match=told):
        own.run([*REFERENCE, *HEADERS, *held()])
    assert own.instance.rows("sn_fcms_intg_gl_account_stage") == []


def test_a_table_that_lacks_a_column_is_refused_by_its_label(own: Feed) -> None:
    tables = {"bank_entry_lines": {"held_table": HELD}}
    with pytest.raises(HeldTableUnfit, match="labelled Payment reference ID"):
        own.run([*REFERENCE, *HEADERS, *held()], tables=tables)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"park_held": "own_table"}, "no stream has a table for held rows"),
        ({"park_held": "own_table", "tables": {"accounts": {"held_table": HELD}}}, "not possible"),
        ({"tables": {"purchase_entry_lines": {"held_table": LINES}}}, "staged to be transformed"),
    ],
)
def test_settings_that_do_not_fit_are_told_at_start(
    feed: Feed, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(DefinitionError, match=told):
        feed.run([], **settings)


def test_another_way_is_no_way(feed: Feed) -> None:
    with pytest.raises(SettingError, match="park_held"):
        feed.run([], park_held="marked")
