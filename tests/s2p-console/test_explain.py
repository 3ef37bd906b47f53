from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import House, Make

    from s2p_store import Store

CC12 = ("cost_center", "CC12")
TABLE = {"staging_table": "sn_fin_staging"}


@pytest.fixture
def told(house: House, store: Store, make: Make) -> House:
    """Invoice 26700012: staged; line 1 staged, line 2 held. And one of another document."""

    def line(number: int) -> dict[str, Any]:
        return {"stream": "purchase_entry_lines", "source_id": make.line_id(number)}

    store.audit.append(
        [
            make.event("staged", "26700012|EXACT-NL", 10, detail=TABLE),
            make.event("staged", "26700012|1|EXACT-NL", 20, detail=TABLE, **line(1)),
            make.event("staged", "26700013|EXACT-NL", 30, detail=TABLE, source_id="other"),
        ]
    )
    store.audit.append(
        [make.event("held", "26700012", 5, detail={"reasons": ["COST_CENTER_MISSING"]}, **line(2))]
    )
    store.holds.put([make.hold(2, CC12), make.hold(9, CC12, document="26700099", record={})])
    store.ledger.put_many(
        [
            make.entry("26700012|EXACT-NL", "done"),
            make.entry("26700012|1|EXACT-NL", "failed", message="Supplier not found"),
            make.entry("26700013|EXACT-NL", "done"),
        ]
    )
    return house


def life(house: House, document: str, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(house.run("explain", document, "--json", *options).stdout)
    return found


def test_a_number_tells_header_and_lines_in_time_order(told: House) -> None:
    found = life(told, "26700012")
    assert [each["record"] for each in found["moments"]] == [
        "purchase_entry_lines 26700012",
        "purchase_entries 26700012|EXACT-NL",
        "purchase_entry_lines 26700012|1|EXACT-NL",
    ]
    assert [each["document"] for each in found["held"]] == ["26700012"]
    assert {each["natural_key"]: each["state"] for each in found["ledger"]} == {
        "26700012|EXACT-NL": "done",
        "26700012|1|EXACT-NL": "failed",
    }


def test_where_it_stands_now(told: House) -> None:
    standing = "\n".join(life(told, "26700012")["standing"])
    assert "1 line waits, for cost center CC12" in standing
    assert "1 record in ServiceNow" in standing
    assert "26700012|1|EXACT-NL was refused: Supplier not found" in standing


def test_the_headers_guid_finds_its_lines_too(told: House, make: Make) -> None:
    found = life(told, make.header.upper())
    assert "26700012|1|EXACT-NL" in {each["natural_key"] for each in found["events"]}
    assert [each["source_id"] for each in found["held"]] == [make.line_id(2)]
    assert "26700013|EXACT-NL" not in {each["natural_key"] for each in found["events"]}


def test_a_lines_guid_tells_the_line_alone(told: House, make: Make) -> None:
    found = life(told, make.line_id(1))
    assert [each["natural_key"] for each in found["events"]] == ["26700012|1|EXACT-NL"]


def test_a_line_number_is_no_document(told: House) -> None:
    assert told.run("explain", "1").exit_code == 1


def test_a_number_that_only_contains_it_is_another_document(told: House) -> None:
    ran = told.run("explain", "2670001")
    assert ran.exit_code == 1
    assert "'2670001'" in ran.stderr


def test_exit_code_says_whether_someone_must_act(told: House) -> None:
    assert told.run("explain", "26700012").exit_code == 2
    assert told.run("explain", "26700013").exit_code == 0


def test_the_division_narrows(told: House) -> None:
    assert told.run("explain", "26700013", "--division", "1234567").exit_code == 0
    assert told.run("explain", "26700013", "--division", "1").exit_code == 1


def test_a_hold_without_audit_event_is_told(told: House) -> None:
    found = life(told, "26700099")
    assert [each["text"] for each in found["moments"]] == ["held back · COST_CENTER_MISSING"]


def test_a_released_line_is_between_hold_and_outcome(told: House, store: Store, make: Make) -> None:
    store.holds.release([("purchase_entry_lines", 1234567, make.line_id(2))], "run-2")
    assert "1 line handed on, with no outcome recorded yet." in life(told, "26700012")["standing"]


def test_an_entry_newer_than_the_trail_is_told(told: House, store: Store, make: Make) -> None:
    later = make.t0 + timedelta(hours=1)
    store.audit.append([make.event("mapped", "26700014|EXACT-NL", detail=TABLE)])
    store.ledger.put_many([make.entry("26700014|EXACT-NL", "sending", updated_at=later)])
    last = life(told, "26700014")["moments"][-1]
    assert last["text"].startswith("being sent")


def test_without_the_key_the_trail_still_speaks(told: House) -> None:
    ran = told.run("explain", "26700012", S2P_STORE_KEY=None)
    assert ran.exit_code == 2
    assert "held back" in ran.stdout


def test_nothing_personal_is_shown(told: House) -> None:
    assert "Jansen" not in told.run("explain", "26700012").output
    assert "Jansen" not in told.run("explain", "26700012", "--json").output


def test_an_account_of_the_same_number_is_not_the_document(
    told: House, store: Store, make: Make
) -> None:
    store.audit.append(
        [
            make.event("staged", "26700013|EXACT-NL", stream="accounts", source_id="supplier"),
            make.event("staged", "60001|EXACT-NL", stream="accounts", source_id="supplier-2"),
        ]
    )
    assert [each["stream"] for each in life(told, "26700013")["events"]] == ["purchase_entries"]
    assert [each["stream"] for each in life(told, "60001")["events"]] == ["accounts"]


def test_an_invoice_known_by_its_guid_is_found_by_its_number_through_a_held_line(
    told: House, store: Store, make: Make
) -> None:
    guid = "7a000000-0000-4000-8000-00000000000a"
    line = {"stream": "purchase_entry_lines", "source_id": "line-a"}
    store.audit.append(
        [
            make.event("staged", f"{guid}|EXACT-NL|EXACT-NL", source_id=guid),
            make.event("staged", f"{guid}|1|EXACT-NL|EXACT-NL", **line),
            make.event("staged", f"{guid}|1|EXACT-UK|EXACT-UK", **(line | {"division": 7})),
        ]
    )
    held = {"document": "26700050", "record": {"EntryID": guid}}
    store.holds.put([make.hold(50, CC12, **held)])
    assert [each["natural_key"] for each in life(told, "26700050")["events"]] == [
        f"{guid}|EXACT-NL|EXACT-NL",
        f"{guid}|1|EXACT-NL|EXACT-NL",
    ]


def test_an_invoice_is_found_by_the_number_in_its_headers_detail(
    told: House, store: Store, make: Make
) -> None:
    guid = "7a000000-0000-4000-8000-00000000000b"
    line = {"stream": "purchase_entry_lines", "source_id": "line-b"}
    store.audit.append(
        [
            make.event("staged", f"{guid}|1|EXACT-NL|EXACT-NL", **line),
            make.event("staged", f"{guid}|EXACT-NL|EXACT-NL", 1, detail={"document": 26700051}),
        ]
    )
    assert len(life(told, "26700051")["events"]) == 2


def test_no_document_is_the_users_error(told: House) -> None:
    assert told.run("explain", " ").exit_code == 1
