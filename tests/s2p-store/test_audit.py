from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from s2p_store import AuditEvent, AuditProblem, Store, StoreCorrupt, StoreDataInvalid
from s2p_store.chain import FIRST_HASH, Batch, StoredEvent, batch_hash, problems
from s2p_store.schema import audit_batch, audit_event, audit_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Clock
    from sqlalchemy import Connection

NOW = datetime(2026, 11, 23, 4, 45, tzinfo=timezone.utc)


def event(number: int, **changes: object) -> AuditEvent:
    plain = AuditEvent(
        run_id="run-1",
        at=NOW + timedelta(seconds=number),
        stream="purchase_order_lines",
        division=1234567,
        source_id=f"guid-{number}",
        kind="staged",
        natural_key=f"PO-{number}",
        detail={"table": "u_line", "n": number},
    )
    return msgspec.structs.replace(plain, **changes)  # type: ignore[arg-type]


def test_events_come_back_as_given_in_order_from_another_opening(url: str) -> None:
    events = [event(n) for n in range(5)]
    with Store.open(url) as store:
        store.audit.append(events[:3])
        store.audit.append(events[3:])
    with Store.open(url) as store:
        assert list(store.audit.events()) == events


def test_events_of_no_division_record_or_document_are_kept(store: Store) -> None:
    login = event(0, stream="", division=None, source_id=None, natural_key=None, kind="login")
    store.audit.append([login])
    assert list(store.audit.events()) == [login]


def test_filters_meet(store: Store) -> None:
    store.audit.append(
        [event(1), event(2), event(2, kind="failed"), event(3, division=9), event(4, run_id="r2")]
    )
    audit = store.audit

    def numbers(**filters: object) -> list[int]:
        return [each.detail["n"] for each in audit.events(**filters)]  # type: ignore[arg-type]

    assert numbers(natural_key="PO-2") == [2, 2]
    assert numbers(source_id="guid-3") == [3]
    assert numbers(run_id="r2") == [4]
    assert numbers(division=9) == [3]
    assert numbers(division=9, run_id="r2") == []
    assert numbers(limit=2) == [1, 2]
    assert numbers(limit=2, newest_first=True) == [4, 3]
    assert numbers(limit=0) == []


def test_reading_goes_on_past_one_page_and_stops_at_the_limit(store: Store) -> None:
    for start in range(0, 2500, 500):
        store.audit.append([event(n) for n in range(start, start + 500)])
    assert [e.detail["n"] for e in store.audit.events()] == list(range(2500))
    assert [e.detail["n"] for e in store.audit.events(limit=1700)] == list(range(1700))
    assert [e.detail["n"] for e in store.audit.events(newest_first=True)] == list(
        reversed(range(2500))
    )


def test_appending_while_reading_is_possible(store: Store) -> None:
    store.audit.append([event(n) for n in range(1001)])
    for each in store.audit.events(limit=1001):
        if each.detail["n"] == 500:
            store.audit.append([event(9999)])
    assert store.audit.verify() == []


@pytest.mark.parametrize(
    "detail",
    [
        {"at": NOW},
        {"id": UUID(int=1)},
        {"bytes": b"x"},
        {"set": {1}},
        {"number": float("nan")},
        {"number": Decimal("Infinity")},
        {1: "number as name"},
        {"deep": [{"deeper": object()}]},
        {"half a pair": "\ud800"},
    ],
)
def test_a_detail_that_is_not_json_is_refused_with_its_whole_batch(
    store: Store, detail: dict[str, object]
) -> None:
    with pytest.raises(StoreDataInvalid):
        store.audit.append([event(1), event(2, detail=detail)])
    assert list(store.audit.events()) == []
    assert store.audit.verify() == []


def test_a_refusal_names_the_place_but_not_the_value(store: Store) -> None:
    with pytest.raises(StoreDataInvalid, match=r"a\.b\[\]") as refusal:
        store.audit.append([event(1, detail={"a": {"b": [b"NL91ABNA0417164300"]}})])
    assert "NL91" not in str(refusal.value)


def test_a_moment_without_a_time_zone_is_refused(store: Store) -> None:
    with pytest.raises(StoreDataInvalid, match="time zone"):
        store.audit.append([event(1, at=datetime(2026, 1, 1))])  # noqa: DTZ001 - the point


def test_details_do_not_show_in_repr() -> None:
    assert "u_line" not in repr(event(1))


def test_an_untouched_trail_is_intact(store: Store, clock: Clock) -> None:
    assert store.audit.verify() == []
    for start in range(0, 9, 3):
        clock.advance(seconds=1)
        store.audit.append([event(n) for n in range(start, start + 3)])
    store.audit.append([])
    assert store.audit.verify() == []


@pytest.mark.parametrize("table", [audit_batch, audit_event])
@pytest.mark.parametrize("action", [update, delete])
def test_the_database_itself_refuses_to_change_the_trail(
    store: Store, table: object, action: Callable[[object], object]
) -> None:
    store.audit.append([event(1)])
    statement = action(table)
    if action is update:
        statement = statement.values(batch=9)  # type: ignore[attr-defined]
    with (
        store._database.engine.connect() as connection,
        pytest.raises(DBAPIError, match="only grows"),
    ):
        connection.execute(statement)  # type: ignore[call-overload]
    assert store.audit.verify() == []


def _tamper(store: Store, change: Callable[[Connection], object]) -> list[AuditProblem]:
    """Do what someone with the database in hand could do."""
    with store._database.writing() as connection:
        if store._database.is_sqlite:
            for table in ("batch", "event"):
                for action in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER s2p_audit_{table}_no_{action}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        change(connection)
    return store.audit.verify()


@pytest.mark.parametrize(
    ("change", "batch", "sentence"),
    [
        (
            update(audit_event).where(audit_event.c.natural_key == "PO-4").values(kind="held"),
            2,
            "Batch 2 was altered after it was written.",
        ),
        (
            delete(audit_event).where(audit_event.c.natural_key == "PO-4"),
            2,
            "Batch 2 was written with 3 events and has 2.",
        ),
        (
            insert(audit_event).values(
                batch=2, position=3, run_id="r", at="x", stream="", kind="k", detail="{}"
            ),
            2,
            "Batch 2 was written with 3 events and has 4.",
        ),
        (
            insert(audit_event).values(
                batch=0, position=0, run_id="r", at="x", stream="", kind="k", detail="{}"
            ),
            0,
            "The events of batch 0 belong to no batch.",
        ),
        (
            delete(audit_batch).where(audit_batch.c.batch == 2),
            2,
            "Batch 2 is missing.",
        ),
        (
            delete(audit_batch).where(audit_batch.c.batch > 1),
            2,
            "Batches 2 to 3 are missing.",
        ),
        (delete(audit_head), 3, "The head of the audit trail is gone."),
        (
            update(audit_head).values(hash="0" * 64),
            3,
            "The head of the audit trail does not match its last batch.",
        ),
        (
            update(audit_batch).where(audit_batch.c.batch == 2).values(previous_hash="0" * 64),
            2,
            "Batch 2 does not follow the one before it.",
        ),
    ],
)
def test_verify_says_what_was_done(store: Store, change: object, batch: int, sentence: str) -> None:
    for start in range(0, 9, 3):
        store.audit.append([event(n) for n in range(start, start + 3)])
    found = _tamper(store, lambda connection: connection.execute(change))  # type: ignore[call-overload]
    assert AuditProblem(batch, sentence) in found


def test_cutting_the_last_batch_off_is_found(store: Store) -> None:
    store.audit.append([event(1)])
    store.audit.append([event(2)])

    def cut(connection: Connection) -> None:
        connection.execute(delete(audit_event).where(audit_event.c.batch == 2))
        connection.execute(delete(audit_batch).where(audit_batch.c.batch == 2))

    assert _tamper(store, cut) == [AuditProblem(2, "Batch 2 is missing.")]


def test_appending_to_a_trail_without_its_head_is_refused(store: Store) -> None:
    _tamper(store, lambda connection: connection.execute(delete(audit_head)))
    with pytest.raises(StoreCorrupt, match=r"head of the audit trail.*restore"):
        store.audit.append([event(1)])


def test_the_batch_carries_the_moment_it_was_written(store: Store, clock: Clock) -> None:
    clock.advance(days=1)
    store.audit.append([event(1)])
    with store._database.reading() as connection:
        written = connection.execute(select(audit_batch.c.written_at)).scalar_one()
    assert written == "2026-11-24T04:45:00.000000Z"


# --- the chain itself, without a database ---------------------------------------------------

_texts = st.text(max_size=3)
_values = st.tuples(
    _texts,
    _texts,
    _texts,
    st.none() | st.integers(0, 9),
    st.none() | _texts,
    _texts,
    st.none() | _texts,
    _texts,
)
_trails = st.lists(st.lists(_values, min_size=1, max_size=3), min_size=1, max_size=4)


def chained(trail: list[list[tuple[object, ...]]]) -> tuple[list[Batch], list[StoredEvent]]:
    batches: list[Batch] = []
    events: list[StoredEvent] = []
    previous = FIRST_HASH
    for number, values in enumerate(trail, 1):
        chained_hash = batch_hash(previous, number, values)  # type: ignore[arg-type]
        batches.append(Batch(number, previous, chained_hash, len(values)))
        events += [StoredEvent(number, n, each) for n, each in enumerate(values)]  # type: ignore[arg-type]
        previous = chained_hash
    return batches, events


@given(_trails)
def test_a_chain_as_written_has_no_problems(trail: list[list[tuple[object, ...]]]) -> None:
    batches, events = chained(trail)
    assert list(problems(batches, events, batches[-1])) == []


@given(_trails, st.data())
def test_any_single_change_of_an_event_is_found(
    trail: list[list[tuple[object, ...]]], data: st.DataObject
) -> None:
    batches, events = chained(trail)
    index = data.draw(st.integers(0, len(events) - 1))
    place = data.draw(st.integers(0, 7))
    old = events[index]
    value = data.draw(
        (st.integers(0, 9) if place == 3 else _texts).filter(lambda new: new != old.values[place])
    )
    values = (*old.values[:place], value, *old.values[place + 1 :])
    events[index] = dataclasses.replace(old, values=values)  # type: ignore[arg-type]
    assert list(problems(batches, events, batches[-1]))


@given(_trails, st.data())
def test_any_dropped_event_or_batch_is_found(
    trail: list[list[tuple[object, ...]]], data: st.DataObject
) -> None:
    batches, events = chained(trail)
    head = batches[-1]
    if data.draw(st.booleans()):
        gone = batches.pop(data.draw(st.integers(0, len(batches) - 1)))
        if data.draw(st.booleans()):
            events = [each for each in events if each.batch != gone.number]
    else:
        events.pop(data.draw(st.integers(0, len(events) - 1)))
    assert list(problems(batches, events, head))


@given(_trails.filter(lambda trail: len(trail) > 1), st.data())
def test_swapped_batches_are_found(
    trail: list[list[tuple[object, ...]]], data: st.DataObject
) -> None:
    first, second = data.draw(
        st.lists(st.integers(0, len(trail) - 1), min_size=2, max_size=2, unique=True)
    )
    batches, events = chained(trail)
    swapped = list(trail)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    _, moved = chained(swapped)
    if moved != events:
        assert list(problems(batches, moved, batches[-1]))


@given(_trails, _trails)
def test_a_chain_computed_anew_contradicts_the_head(
    trail: list[list[tuple[object, ...]]], other: list[list[tuple[object, ...]]]
) -> None:
    batches, _ = chained(trail)
    forged, forged_events = chained(other)
    if forged != batches:
        assert list(problems(forged, forged_events, batches[-1]))
