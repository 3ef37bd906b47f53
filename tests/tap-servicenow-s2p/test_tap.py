"""Reading by the time of change: complete, once, restartable, in UTC, table by table."""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicenow_client import Rejected
from servicenow_client.changes import changed_after, pages_of_changes
from tap_servicenow_s2p.bookmark import advance, fresh, since
from tap_servicenow_s2p.definitions import staging_tables, streams
from tap_servicenow_s2p.tap import TapServiceNowS2P

if TYPE_CHECKING:
    from .conftest import Output, Runner

CATALOG = Path(__file__).parent / "catalog.json"


def accounts(first: int, number: int, at: str, **more: str) -> list[dict[str, str]]:
    return [
        {"sys_id": f"{n:032x}", "gl_account": str(4000 + n), "sys_updated_on": at, **more}
        for n in range(first, first + number)
    ]


def test_discovery_is_as_reviewed() -> None:
    """What changes here changes for users; `UPDATE_CATALOG=1` writes the snapshot anew."""
    tap = TapServiceNowS2P(config={"instance_url": "https://acme.service-now.com"})
    if os.environ.get("UPDATE_CATALOG"):
        CATALOG.write_text(tap.catalog_json_text + "\n")
    assert json.loads(CATALOG.read_text()) == json.loads(tap.catalog_json_text)
    assert list(tap.streams) == [stream.name for stream in streams()]


def test_a_record_is_what_the_readme_says(runner: Runner) -> None:
    (source,) = runner.add("sn_fin_erp_source", {"name": "EXACT-100"})
    runner.add(
        "sn_fin_gl_account",
        {"gl_account": "4000", "display_name": "Office", "inactive": "true", "erp_source": source,
         "sys_updated_on": "2026-06-01 08:00:00"},
    )  # fmt: skip
    runner.add(
        "cmn_cost_center",
        {"account_number": "CC1", "valid_to": "2026-12-31 00:00:00", "erp_source": source},
    )
    out = runner("gl_accounts", "cost_centers")
    (account,), (center,) = out.records("gl_accounts"), out.records("cost_centers")
    assert (account["gl_account"], account["erp_source"]) == ("4000", "EXACT-100")
    assert account["inactive"] is True
    assert account["category"] is None
    assert account["sys_updated_on"] == "2026-06-01T08:00:00Z"
    assert center["valid_to"] == "2026-12-31T00:00:00Z"
    assert center["erp_source"] == "EXACT-100"


def test_more_records_of_one_second_than_a_page_takes(runner: Runner) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 2300, "2026-06-01 08:00:00"))
    runner.add("sn_fin_gl_account", *accounts(3000, 10, "2026-06-01 08:00:01"))
    out = runner("gl_accounts")
    found = [record["sys_id"] for record in out.records("gl_accounts")]
    assert len(found) == len(set(found)) == 2310


def test_the_next_run_brings_what_changed_and_nothing_twice(runner: Runner) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 5, "2026-06-01 08:00:00"))
    first = runner("gl_accounts")
    assert runner("gl_accounts", state=first.state).records("gl_accounts") == []
    late = accounts(7, 1, "2026-06-01 07:58:00")  # a transaction that took two minutes
    runner.add("sn_fin_gl_account", *late, *accounts(8, 1, "2026-06-01 08:00:00"))
    second = runner("gl_accounts", state=first.state)
    assert [one["gl_account"] for one in second.records("gl_accounts")] == ["4007", "4008"]
    assert runner("gl_accounts", state=second.state).records("gl_accounts") == []


def test_a_change_within_the_same_second_comes(runner: Runner) -> None:
    (first,) = accounts(0, 1, "2026-06-01 08:00:00")
    runner.add("sn_fin_gl_account", first)
    state = runner("gl_accounts").state
    runner.add("sn_fin_gl_account", {**first, "type": "expense"}, key=("sys_id",))
    assert len(runner("gl_accounts", state=state).records("gl_accounts")) == 1


@pytest.mark.parametrize("page", [1, 2])
def test_a_run_that_dies_at_a_page_goes_on_there(runner: Runner, page: int) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 1500, "2026-06-01 08:00:00"))
    runner.add("sn_fin_gl_account", *accounts(2000, 1000, "2026-06-01 09:00:00"))
    fault = {"kind": "status", "match": "sn_fin_gl_account", "after": page, "times": 99}
    runner.control("faults", {**fault, "params": {"code": 404}})
    broken = runner("gl_accounts")
    assert "Stream gl_accounts was not read whole" in str(broken.error)
    runner.control("faults", method="DELETE")
    rest = runner("gl_accounts", state=broken.state)
    found = [r["sys_id"] for out in (broken, rest) for r in out.records("gl_accounts")]
    assert len(found) == len(set(found)) == 2500


@pytest.mark.parametrize("hidden", [1200, 2000, 4100])
def test_pages_that_acls_hide_whole_are_not_the_end(
    runner: Runner, hidden: int, caplog: pytest.LogCaptureFixture
) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 1000, "2026-06-01 07:00:00"))
    secret = accounts(2000, hidden, "2026-06-01 08:00:00", type="secret")
    runner.add("sn_fin_gl_account", *secret)
    runner.add("sn_fin_gl_account", *accounts(9000, 3, "2026-06-01 09:00:00"))
    runner.switch(hidden_rows={"sn_fin_gl_account": "type=secret"})
    out = runner("gl_accounts")
    assert len({one["sys_id"] for one in out.records("gl_accounts")}) == 1003
    assert caplog.text.count("hides rows of sn_fin_gl_account") == 1
    assert activated(out) == [], "what is hidden is not gone"


@pytest.mark.parametrize("hours", [2.0, -5.0, 5.5])
def test_a_user_in_another_time_zone_is_told_to_change_it(runner: Runner, hours: float) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 3, "2026-06-01 08:00:00"))
    runner.switch(user_utc_offset_hours=hours)
    out = runner("gl_accounts")
    assert "Set the user's time zone to UTC" in str(out.error)
    assert out.records("gl_accounts") == []


def test_a_table_that_cannot_be_read_does_not_keep_the_others(runner: Runner) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 3, "2026-06-01 08:00:00"))
    fault = {"kind": "status", "match": "cmn_cost_center", "times": 99, "params": {"code": 403}}
    runner.control("faults", fault)
    out = runner("cost_centers", "gl_accounts")
    assert len(out.records("gl_accounts")) == 3
    assert "Stream cost_centers was not read whole" in str(out.error)


def test_cost_centers_whose_erp_source_stands_elsewhere(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = runner.add("sn_fin_erp_source", {"name": "EXACT-1"}, {"name": "EXACT-2"})
    single, shared, none = runner.add(
        "cmn_cost_center", *({"account_number": code} for code in ("A", "B", "C"))
    )
    pairs = [(one, single), (one, shared), (two, shared)]
    runner.add(
        "sn_fin_erp_source_mapping",
        *(
            {"erp_source": source, "table": "cmn_cost_center", "document": center}
            for source, center in pairs
        ),
    )
    runner.switch(cost_center_erp_source=False)
    caplog.set_level(logging.INFO)
    found = {r["sys_id"]: r["erp_source"] for r in runner("cost_centers").records("cost_centers")}
    assert found == {single: "EXACT-1", shared: None, none: None}
    assert caplog.text.count("cmn_cost_center shows no") == 1


def test_outcomes_name_their_staging_table(runner: Runner) -> None:
    runner.add(
        "sn_fcms_intg_gl_account_stage",
        {"sys_import_state": "error", "sys_import_state_comment": "no such type",
         "sys_updated_on": "2026-06-01 08:00:00"},
    )  # fmt: skip
    first = runner("staging_outcomes")
    assert first.error is None
    (record,) = first.records("staging_outcomes")
    assert record["staging_table"] == "sn_fcms_intg_gl_account_stage"
    assert (record["sys_import_state"], record["sys_import_state_comment"]) == (
        "error",
        "no such type",
    )
    assert runner("staging_outcomes", state=first.state).records("staging_outcomes") == []


def test_outcomes_come_from_the_documented_tables() -> None:
    assert "sn_fcms_intg_imp_order_line" in staging_tables()
    assert "customer_account" not in staging_tables()


# The pure part

MOMENTS = st.integers(0, 40).map(lambda n: f"2026-06-01 08:00:{n:02d}")
ROWS = st.lists(st.tuples(MOMENTS, st.integers(0, 10**6)), unique_by=lambda pair: pair[1])


def as_rows(pairs: list[tuple[str, int]]) -> list[dict[str, Any]]:
    rows = [{"sys_id": f"{n:032x}", "sys_updated_on": at, "sys_mod_count": "0"} for at, n in pairs]
    return sorted(rows, key=lambda row: (row["sys_updated_on"], row["sys_id"]))


class Table:
    """Answers the queries that paging asks, as the documented grammar reads them."""

    def __init__(self, rows: list[dict[str, Any]], size: int) -> None:
        self.rows, self.size = rows, size

    def page(self, query: str) -> list[dict[str, Any]]:
        if query.startswith("sys_id="):
            sys_id = query.removeprefix("sys_id=").split("^")[0]
            return [row for row in self.rows if row["sys_id"] == sys_id]
        for last in (None, *((r["sys_updated_on"], r["sys_id"]) for r in self.rows)):
            if last and query == changed_after("", last):
                behind = [r for r in self.rows if (r["sys_updated_on"], r["sys_id"]) > last]
                return behind[: self.size]
        start = query.partition(">=")[2][:19] if ">=" in query else ""
        return [r for r in self.rows if r["sys_updated_on"] >= start][: self.size]


@given(ROWS, st.integers(1, 5))
def test_every_row_comes_once_whatever_the_page(pairs: list[tuple[str, int]], size: int) -> None:
    table = Table(as_rows(pairs), size)
    found = [row for page in pages_of_changes(table.page, "t", "") for row in page]
    assert found == table.rows


@given(ROWS, ROWS, st.integers(1, 5), st.integers(0, 60))
def test_what_is_added_later_comes_once_within_the_overlap(
    early: list[tuple[str, int]], late: list[tuple[str, int]], size: int, seconds: int
) -> None:
    overlap = timedelta(seconds=seconds)
    state: dict[str, Any] = {}
    numbers = {number for _, number in early}
    late = [pair for pair in late if pair[1] not in numbers]

    def run(table: Table) -> list[dict[str, Any]]:
        out = []
        for page in pages_of_changes(table.page, "t", since(state, "", overlap)):
            out += fresh(state, page)
            advance(state, page, overlap)
        return out

    first = as_rows(early)
    assert run(Table(first, size)) == first
    newest = max((row["sys_updated_on"] for row in first), default="")
    reach = f"{datetime.fromisoformat(newest) - overlap:%Y-%m-%d %H:%M:%S}" if newest else ""
    expected = [row for row in as_rows(late) if row["sys_updated_on"] >= reach]
    assert run(Table(as_rows([*early, *late]), size)) == expected


def test_rows_out_of_order_are_refused() -> None:
    rows = as_rows([("2026-06-01 08:00:00", 2), ("2026-06-01 08:00:00", 1)])[::-1]
    with pytest.raises(Rejected, match="not in the order of their changes"):
        list(pages_of_changes(lambda _: rows, "t", ""))


def activated(output: Output) -> list[tuple[str, int]]:
    return [
        (one["stream"], one["version"])
        for one in output.messages
        if one["type"] == "ACTIVATE_VERSION"
    ]


def versions(output: Output) -> set[object]:
    return {one.get("version") for one in output.messages if one["type"] == "RECORD"}


def aged(state: dict[str, Any], hours: float) -> dict[str, Any]:
    """The state as it would be if the whole reads in it had been made so many hours ago."""
    for bookmark in state["bookmarks"].values():
        bookmark["version"] -= int(hours * 3_600_000)
    return state


def test_accounts_are_read_whole_after_some_hours_and_as_a_new_version(runner: Runner) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 3, "2026-06-01 08:00:00"))
    first = runner("gl_accounts")
    ((name, version),) = activated(first)
    assert (name, versions(first)) == ("gl_accounts", {version})
    kinds = [one["type"] for one in first.messages]
    assert kinds.index("ACTIVATE_VERSION") > max(i for i, k in enumerate(kinds) if k == "RECORD")
    runner.add("sn_fin_gl_account", *accounts(10, 1, "2026-06-01 09:00:00"))
    second = runner("gl_accounts", state=aged(first.state, 23))
    assert (len(second.records("gl_accounts")), activated(second)) == (1, [])
    third = runner("gl_accounts", state=aged(second.state, 2))
    assert len(third.records("gl_accounts")) == 4
    assert activated(third)[0][1] > version
    assert versions(third) == {activated(third)[0][1]}


@pytest.mark.parametrize(
    "settings", [{"whole_read_hours": 0}, {"start_date": "2026-01-01T00:00:00Z"}]
)
def test_what_is_not_read_whole_is_no_version(runner: Runner, settings: dict[str, object]) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 3, "2026-06-01 08:00:00"))
    output = runner("gl_accounts", **settings)
    assert (activated(output), versions(output)) == ([], {None})


def test_a_whole_read_that_breaks_off_goes_on_as_the_same_version(runner: Runner) -> None:
    runner.add("sn_fin_gl_account", *accounts(0, 1500, "2026-06-01 08:00:00"))
    runner.add("sn_fin_gl_account", *accounts(2000, 1000, "2026-06-01 09:00:00"))
    first = runner("gl_accounts")
    fault = {"kind": "status", "match": "sn_fin_gl_account", "after": 2, "times": 99}
    runner.control("faults", {**fault, "params": {"code": 404}})
    broken = runner("gl_accounts", state=aged(first.state, 25))
    assert activated(broken) == []
    runner.control("faults", method="DELETE")
    rest = runner("gl_accounts", state=broken.state)
    assert versions(broken) == versions(rest) == {activated(rest)[0][1]}
    found = [r["sys_id"] for out in (broken, rest) for r in out.records("gl_accounts")]
    assert len(found) == len(set(found)) == 2500
