"""Whatever the network and a busy instance do: one effect per record, and nothing lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from servicenow_client import AuthenticationFailed, Forbidden, Hibernating, NotServiceNow
from target_servicenow_s2p.errors import OutcomeUnknown
from target_servicenow_s2p.journal import Journal

from .conftest import (
    EVERYTHING,
    REFERENCE,
    SOURCE,
    DiedError,
    QuickTarget,
    as_lines,
    die,
    gl_account,
    many,
    record,
    schema,
    state,
)

if TYPE_CHECKING:
    from .conftest import Feed

MANY = [*REFERENCE, *many("gl_accounts", 60, gl_account), state(done=True)]


def staged_per_key(feed: Feed, table: str = "sn_fcms_intg_gl_account_stage") -> Counter[str]:
    return Counter(row["u_gl_account"] for row in feed.instance.rows(table))


def primary_per_key(feed: Feed) -> Counter[str]:
    return Counter(row["gl_account"] for row in feed.instance.rows("sn_fin_gl_account"))


def counted(feed: Feed) -> Counter[str]:
    with feed.store() as store:
        report = store.runs.latest()
    assert report is not None
    return Counter(report.counts["gl_accounts"]["target-servicenow-s2p"])


def check_complete(feed: Feed) -> None:
    expected = {"4000", "4100", *(f"{5000 + n}" for n in range(60))}
    assert set(primary_per_key(feed)) == expected
    assert set(primary_per_key(feed).values()) == {1}
    with feed.store() as store:
        assert not list(store.ledger.in_flight())


@pytest.mark.parametrize(
    "kind",
    [
        "429_semaphore",
        "429_rule",
        "202",
        "201_empty",
        "403_after_commit",
        "drop_before",
        "drop_after",
        "truncate",
    ],
)
def test_many_rows_survive(feed: Feed, kind: str) -> None:
    feed.instance.fault(kind, r"POST .*gl_account_stage/insertMultiple", times=2)
    assert feed.run(MANY, batch_size=20) == [{"done": True}]
    check_complete(feed)
    if kind != "202":  # there it is not known whether the request was dropped or deferred
        assert set(staged_per_key(feed).values()) == {1}


@pytest.mark.parametrize(
    "kind", ["429_semaphore", "202", "201_empty", "403_after_commit", "drop_before", "drop_after"]
)
def test_a_row_sent_alone_survives(feed: Feed, kind: str) -> None:
    feed.instance.fault(kind, r"POST .*import/sn_fcms_intg_imp_supplier")
    assert feed.run(EVERYTHING) == [{"bookmarks": 1}]
    assert len(feed.instance.rows("sn_fin_supplier")) == 1
    assert len(feed.instance.rows("sn_fin_supplier_detail")) == 1


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("sn_fcms_intg_gl_account_stage", "insertMultiple"),
        ("sn_fcms_intg_imp_supplier", "import/sn_fcms_intg_imp_supplier"),
    ],
)
def test_rows_that_were_taken_but_are_not_shown_are_not_sent_again(
    feed: Feed, table: str, match: str
) -> None:
    feed.instance.fault("201_empty", f"POST .*{match}", times=None)
    feed.instance.switch(hidden_rows={table: "sys_idISNOTEMPTY"})
    messages = REFERENCE if "supplier" in table else MANY
    with pytest.raises(OutcomeUnknown, match=f"{table} and shows neither"):
        feed.run(messages)
    feed.instance.switch(hidden_rows={})
    keys = Counter(row["sys_import_row"] for row in feed.instance.rows(table))
    assert keys
    assert set(keys.values()) == {1}


def test_rows_that_appear_after_their_sender_died_are_not_sent_again(feed: Feed) -> None:
    table = "sn_fcms_intg_gl_account_stage"
    feed.instance.fault("201_empty", r"POST .*gl_account_stage/insertMultiple")
    feed.instance.switch(hidden_rows={table: "sys_idISNOTEMPTY"})
    with pytest.raises(OutcomeUnknown):
        feed.run(MANY)

    class Late(QuickTarget):
        """ServiceNow commits while this one waits."""

        sleep = staticmethod(lambda _: feed.instance.switch(hidden_rows={}))

    assert feed.run(MANY, Late) == [{"done": True}]
    check_complete(feed)
    assert set(staged_per_key(feed).values()) == {1}


@pytest.mark.parametrize(
    ("code", "why"), [("50^01", "cannot search for"), ("5" * 101, "longer than the 100 characters")]
)
def test_a_record_that_could_not_be_found_again_is_refused_and_stops_nothing(
    feed: Feed, code: str, why: str
) -> None:
    column = {"name": "sn_fcms_intg_gl_account_stage", "element": "u_gl_account"}
    body = {"table": "sys_dictionary", "rows": [{**column, "max_length": "100"}]}
    feed.instance.control("rows", {**body, "key": list(column)})
    feed.instance.fault("drop_after", r"POST .*gl_account_stage/insertMultiple")
    odd = [record("gl_accounts", ID="odd", Code=code), state(odd=True)]
    assert feed.run([*MANY, *odd]) == [{"odd": True}]
    check_complete(feed)
    assert feed.run([*MANY, *odd]) == [{"odd": True}]  # what was refused before is no obstacle
    with feed.store() as store:
        (refused,) = store.ledger.failed()
    assert why in str(refused.message)


def test_a_row_that_cannot_be_searched_blocks_no_later_run(feed: Feed) -> None:
    feed.run(REFERENCE)
    with feed.store() as store:
        known = store.ledger.get_many("sn_fcms_intg_gl_account_stage", ["4000|EXACT-100"])
        entry = replace(known["4000|EXACT-100"], natural_key="40^00|EXACT-100", state="failed")
        store.ledger.put_many([entry])
        (event, *_) = store.audit.events(natural_key="4000|EXACT-100")
        store.audit.append([replace(event, natural_key="40^00|EXACT-100")])
    assert feed.run(MANY) == [{"done": True}]


def test_a_record_that_returns_to_what_it_was_is_staged_though_a_write_is_lost(feed: Feed) -> None:
    def named(name: str) -> list[Any]:
        feed.instance.control("clock", {"advance_seconds": 5})
        return [schema("gl_accounts"), record("gl_accounts", ID="g", Code="1", Description=name)]

    feed.run([*REFERENCE[:2], *named("First")])
    feed.run(named("Second"))
    feed.instance.fault("drop_before", r"POST .*gl_account_stage/insertMultiple")
    feed.run(named("First"))
    assert [row["display_name"] for row in feed.instance.rows("sn_fin_gl_account")] == ["First"]


def test_of_unknown_maps_the_outcome_that_counts_is_kept(feed: Feed) -> None:
    feed.instance.switch(
        transform_maps_readable=False,
        duplicate_supplier_label=False,
        second_map_on=["sn_fcms_intg_gl_account_stage"],
    )
    feed.run(MANY)
    with feed.store() as store:
        keys = [f"{5000 + number}|{SOURCE}" for number in range(60)]
        known = store.ledger.get_many("sn_fcms_intg_gl_account_stage", keys)
    assert Counter(entry.outcome for entry in known.values()) == {"inserted": 60}


def test_without_numbers_no_row_gets_the_outcome_of_another(feed: Feed) -> None:
    table = "sn_fcms_intg_gl_account_stage"
    feed.instance.switch(dictionary_readable=False, unreadable_fields=[f"{table}.sys_import_row"])
    feed.run([*REFERENCE[:2], *many("gl_accounts", 3, gl_account)], outcome_timeout=0.1)
    with feed.store() as store:
        keys = [f"{5000 + number}|{SOURCE}" for number in range(3)]
        known = store.ledger.get_many(table, keys)
    assert {entry.state for entry in known.values()} == {"sent"}


GL = "sn_fcms_intg_gl_account_stage"
MAY_DOUBLE: list[dict[str, Any]] = [
    {"coalesce_off_on": [GL]},
    {"transform_maps_readable": False},
    {"coalesce_off_on": [GL], "second_map_on": [GL]},
]


def lose_an_answer(feed: Feed, **switches: object) -> list[dict[str, Any]]:
    """Let a write succeed and its answer be lost where nothing can be looked up."""
    feed.instance.switch(dictionary_readable=False, **switches)
    accounts = [*REFERENCE[:2], *many("gl_accounts", 3, gl_account), state(done=True)]
    feed.instance.fault("drop_after", r"POST .*gl_account_stage/insertMultiple")
    with pytest.raises(OutcomeUnknown):
        feed.run(accounts)
    return accounts


@pytest.mark.parametrize("switches", MAY_DOUBLE)
def test_what_cannot_be_looked_up_and_might_double_is_not_sent_again(
    feed: Feed, switches: dict[str, Any]
) -> None:
    accounts = lose_an_answer(feed, **switches)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="let the integration user read sys_dictionary"):
            feed.run(accounts)
        assert feed.states == []
    feed.instance.switch(dictionary_readable=True)
    assert feed.run(accounts) == [{"done": True}]
    assert set(primary_per_key(feed).values()) == {1}
    assert len({row["sys_import_set"] for row in feed.instance.rows(GL)}) == 1


def test_what_cannot_be_looked_up_is_not_told_as_never_staged(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = lose_an_answer(feed)
    assert feed.run(accounts) == [{"done": True}]
    assert "of them were staged" not in caplog.text
    assert "Whether they were staged cannot be looked up" in caplog.text
    assert set(primary_per_key(feed).values()) == {1}


@pytest.mark.parametrize("kind", ["status", "drop_after", "200_partial", "short_page", "truncate"])
def test_trouble_while_reading_outcomes_is_only_a_delay(feed: Feed, kind: str) -> None:
    feed.instance.fault(kind, r"GET .*table/sn_fcms_intg_gl_account_stage", times=3, code=503)
    assert feed.run(MANY, batch_size=20) == [{"done": True}]
    check_complete(feed)


def test_a_slow_transform_is_waited_for(feed: Feed) -> None:
    feed.instance.fault("slow_transform", "insertMultiple", times=2, seconds=0.5)
    assert feed.run(MANY, batch_size=40) == [{"done": True}]
    check_complete(feed)


def test_a_stuck_transform_is_looked_up_by_the_next_run(feed: Feed) -> None:
    feed.run(REFERENCE)
    feed.instance.fault("stuck_transform", "insertMultiple")
    late = [*many("gl_accounts", 3, gl_account), state(late=True)]
    assert feed.run(late, outcome_timeout=0.2) == [{"late": True}]
    with feed.store() as store:
        assert {entry.state for entry in store.ledger.in_flight()} == {"sent"}
    (stuck,) = feed.instance.rows("sys_import_set", "state=loaded")
    rows = feed.instance.rows("sn_fcms_intg_gl_account_stage", f"sys_import_set={stuck['sys_id']}")
    assert {row["sys_import_state"] for row in rows} == {"pending"}
    feed.run(late, outcome_timeout=0.2)  # read again, it is not staged again
    assert set(staged_per_key(feed).values()) == {1}
    feed.instance.control(
        "rows",
        {
            "table": "sn_fcms_intg_gl_account_stage",
            "key": ["sys_id"],
            "rows": [{"sys_id": row["sys_id"], "sys_import_state": "inserted"} for row in rows],
        },
    )
    before = counted(feed)
    feed.run([*late, state(again=True)])
    assert counted(feed) - before == Counter(read=3, unchanged=3, settled=3)
    with feed.store() as store:
        assert not list(store.ledger.in_flight())
        known = store.ledger.get_many("sn_fcms_intg_gl_account_stage", ["5000|EXACT-100"])
        assert known["5000|EXACT-100"].outcome == "inserted"
        told = [event.detail["outcome"] for event in store.audit.events(source_id="g0")]
    assert told == ["pending", "inserted"]


def test_no_time_for_outcomes_is_a_time(feed: Feed) -> None:
    feed.instance.fault("stuck_transform", "insertMultiple")
    late = [*many("gl_accounts", 3, gl_account), state(late=True)]
    assert feed.run(late, outcome_timeout=0) == [{"late": True}]
    with feed.store() as store:
        assert {entry.state for entry in store.ledger.in_flight()} == {"sent"}


def test_an_import_set_that_was_cleaned_up_is_told_as_failed(feed: Feed) -> None:
    feed.run(REFERENCE)
    feed.instance.fault("stuck_transform", "insertMultiple")
    late = [*many("gl_accounts", 1, gl_account), state(late=True)]
    feed.run(late, outcome_timeout=0.2)
    feed.instance.control("reset")
    feed.instance.control("rows", {"table": "sn_fin_erp_source", "rows": [{"name": SOURCE}]})
    feed.run([*REFERENCE, state(again=True)])
    with feed.store() as store:
        known = store.ledger.get_many("sn_fcms_intg_gl_account_stage", ["5000|EXACT-100"])
        assert known["5000|EXACT-100"].state == "failed"
        assert "cleaned" in str(known["5000|EXACT-100"].message)
    assert feed.run(late) == [{"late": True}]
    assert primary_per_key(feed)["5000"] == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "hibernation", "times": None}, Hibernating),
        ({"kind": "html", "times": None}, NotServiceNow),
        ({"kind": "status", "code": 401, "times": None, "match": "api/now"}, AuthenticationFailed),
    ],
)
def test_what_cannot_go_on_ends_in_one_sentence(
    feed: Feed, fault: dict[str, Any], error: type[Exception]
) -> None:
    feed.instance.fault(**fault)
    with pytest.raises(error) as caught:
        feed.run(MANY)
    assert feed.states == []
    assert "\n" not in str(caught.value)
    assert "servicenow-secret" not in str(caught.value)
    feed.instance.control("faults", method="DELETE")
    assert feed.run(MANY) == [{"done": True}]
    check_complete(feed)


def test_a_fault_in_the_middle_keeps_the_states_that_were_earned(feed: Feed) -> None:
    feed.instance.fault("hibernation", r"POST .*gl_account_stage/insertMultiple", after=1)
    first = [*REFERENCE, state(part=1), *many("gl_accounts", 60, gl_account), state(part=2)]
    with pytest.raises(Hibernating):
        feed.run(first, batch_size=10)
    assert {"part": 2} not in feed.states
    assert feed.run(MANY) == [{"done": True}]
    check_complete(feed)


def test_a_user_without_the_right_role_is_told(feed: Feed) -> None:
    feed.instance.switch(revoked_roles=["sn_fcms_intg.integration_user", "import_transformer"])
    with pytest.raises(Forbidden, match="integration_user"):
        feed.run(MANY)
    assert feed.states == []


@pytest.mark.parametrize("moment", ["posted", "finish"])
def test_a_run_that_dies_is_picked_up_without_a_second_effect(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    feed.run(REFERENCE)

    def dead(*_: object) -> None:
        raise DiedError

    rows = [*many("gl_accounts", 60, gl_account), state(done=True)]
    with monkeypatch.context() as patched:
        patched.setattr(Journal, moment, dead)
        die(feed, rows, batch_size=20)
    feed.instance.control("settle", {"timeout_seconds": 30})
    with feed.store() as store:
        assert list(store.ledger.in_flight())
    assert feed.run(rows, batch_size=20) == [{"done": True}]
    check_complete(feed)
    assert set(staged_per_key(feed).values()) == {1}


def test_a_living_run_is_not_taken_for_a_dead_one(feed: Feed) -> None:
    feed.run(REFERENCE)
    seen: list[list[str]] = []

    class Other(QuickTarget):
        pass

    def messages() -> Any:  # noqa: ANN401 - a generator of lines
        yield from as_lines([schema("gl_accounts")])
        # A second target works on the same store while this one is alive.
        feed.run([*many("gl_accounts", 3, gl_account), state(inner=True)])
        seen.append([str(one) for one in feed.states])
        yield from as_lines(many("gl_accounts", 60, gl_account)[1:])
        yield from as_lines([state(done=True)])

    assert feed.lines(messages(), Other) == [{"done": True}]
    assert seen == [["{'inner': True}"]]
    check_complete(feed)
