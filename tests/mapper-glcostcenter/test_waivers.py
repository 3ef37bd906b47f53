"""What a person decided about a held line is followed once, for that version, and told."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from mapper_glcostcenter.mapping import HELD, MAPPED, LineMapping, set_aside
from s2p_mapping.reasons import Reason
from s2p_store import HoldKey, Waiver

if TYPE_CHECKING:
    from conftest import Mapper

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
STREAM = "purchase_order_lines"
SCHEMA = {"type": "SCHEMA", "stream": STREAM, "schema": {}, "key_properties": ["ID"]}


def line(modified: str = "2026-05-01T00:00:00Z", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    values = {"Division": 101, "ID": "l1", "OrderNumber": 4711, "Modified": modified, **more}
    return {"type": "RECORD", "stream": STREAM, "record": values}


def waive(mapper: Mapper, reasons: tuple[str, ...] | None = None) -> int:
    with mapper.store() as store:
        waiver = Waiver("Ina", "agreed with the supplier", NOW, reasons)
        return store.holds.waive([HoldKey(STREAM, 101, "l1")], waiver)


def test_a_waived_line_goes_on_and_tells_who_decided(mapper: Mapper) -> None:
    held = mapper.feed(SCHEMA, line())
    assert held.records(STREAM)[0]["s2p_mapping_status"] == HELD
    assert waive(mapper) == 1
    (record,) = mapper.feed(SCHEMA).records(STREAM)
    assert (record["s2p_mapping_status"], record["s2p_hold_reasons"]) == (MAPPED, [])
    assert record["s2p_gl_account"] is None
    assert "set aside by Ina: agreed with the supplier" in record["s2p_mapping_rule"]
    with mapper.store() as store:
        assert list(store.holds.open()) == []
        kinds = [event.kind for event in store.audit.events(source_id="l1")]
    assert kinds == ["held", "released"]


def test_the_same_version_read_again_goes_on_too(mapper: Mapper) -> None:
    mapper.feed(SCHEMA, line())
    waive(mapper)
    first, again = mapper.feed(SCHEMA, line()).records(STREAM)
    assert first["s2p_mapping_status"] == again["s2p_mapping_status"] == MAPPED


def test_a_newer_version_is_checked_anew(mapper: Mapper) -> None:
    mapper.feed(SCHEMA, line())
    waive(mapper)
    _, newer = mapper.feed(SCHEMA, line("2026-05-02T00:00:00Z")).records(STREAM)
    assert newer["s2p_mapping_status"] == HELD
    with mapper.store() as store:
        (hold,) = store.holds.open()
    assert hold.waiver is None


def test_what_was_not_set_aside_still_holds(mapper: Mapper) -> None:
    mapper.feed(SCHEMA, line())
    waive(mapper, ("AMOUNT_MISMATCH",))
    assert mapper.feed(SCHEMA).records(STREAM) == []
    with mapper.store() as store:
        assert [hold.key.source_id for hold in store.holds.open()] == ["l1"]


REASONS = st.lists(st.sampled_from(list(Reason)), unique=True, max_size=4)


@given(REASONS, st.none() | st.sets(st.sampled_from([reason.value for reason in Reason])))
def test_setting_aside_takes_away_reasons_and_nothing_else(
    reasons: list[Reason], aside: set[str] | None
) -> None:
    mapping = LineMapping("4000", "a", None, None, tuple(reasons), (), "gl: same code", ())
    done = set_aside(mapping, "Ina", "why", aside)
    left = [reason for reason in reasons if aside is not None and reason.value not in aside]
    assert list(done.reasons) == left
    assert (done.gl_account, done.status) == ("4000", HELD if left else MAPPED)
    assert set_aside(done, "Ina", "why", aside) == done
