"""A day of edits on both sides: both jobs every five minutes, by the stand-ins' clock."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.in_process import Jobs
from support.reference_rows import ACCOUNTS, CENTERS

from s2p_sandbox import exact, servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = "EXACT-101"
OWNERSHIP = {"cost_centers.description": "servicenow"}
TEMPLATES = {"gl_accounts": {"*": {"Type": 121, "BalanceSide": "D", "BalanceType": "W"}}}
STEPS = 288
TABLES = {ACCOUNTS: "sn_fin_gl_account", CENTERS: "cmn_cost_center"}
CODE = {ACCOUNTS: "gl_account", CENTERS: "account_number"}
NAME = {ACCOUNTS: "display_name", CENTERS: "name"}


@dataclass
class Day:
    """Both systems, the hand that edits them, and what it must not expect to be carried."""

    jobs: Jobs
    chance: random.Random
    told: set[tuple[str, str]] = field(default_factory=set)
    both: set[str] = field(default_factory=set)
    gone: dict[str, list[str]] = field(default_factory=lambda: {ACCOUNTS: [], CENTERS: []})
    number: int = 0

    # What there is

    def ours(self, resource: str) -> dict[str, Any]:
        return {row.values["Code"]: row for row in self.jobs.exact.store.all_of(resource, 101)}

    def theirs(self, resource: str) -> dict[str, dict[str, Any]]:
        answer = requests.get(
            f"{self.jobs.servicenow_url}/api/now/table/{TABLES[resource]}",
            params={"sysparm_limit": "1000", "sysparm_exclude_reference_link": "true"},
            auth=("admin", servicenow.TEST_ACCESS.passwords["admin"]),
            timeout=20,
        )
        return {row[CODE[resource]]: row for row in answer.json()["result"]}

    def effects(self) -> tuple[int, int]:
        """Writes that Exact has had, and rows that were staged in ServiceNow."""
        calls, _ = self.status(self.jobs.exact_url)
        _, rows = self.status(self.jobs.servicenow_url)
        writes = sum(n for call, n in calls.items() if call.startswith(("POST /api/v1", "PUT ")))
        return writes, sum(n for table, n in rows.items() if "_intg_" in table)

    @staticmethod
    def status(url: str) -> tuple[dict[str, int], dict[str, int]]:
        told = requests.get(f"{url}/_sandbox/status", timeout=20).json()
        return told["calls"], told["rows"]

    # What people do

    def edit(self) -> None:  # noqa: C901 - one branch for each thing that people do
        self.number += 1
        resource = self.chance.choice([ACCOUNTS, CENTERS])
        known = sorted(self.ours(resource).keys() & self.theirs(resource).keys())
        code = self.chance.choice(known)
        name = f"Named {self.number}"
        kind = self.chance.choice(
            ["rename", "rename", "end", "new", "delete", "return", "elsewhere", "elsewhere", "both"]
        )
        if kind == "rename":
            self.write(resource, code, Description=name)
            if resource == CENTERS:
                self.told.add((code, "name"))
        elif kind == "end":
            self.end(resource, code)
        elif kind == "new":
            self.create(resource, f"{resource[0]}{self.number}", name)
        elif kind == "delete" and len(known) > 15:
            self.jobs.exact.store.delete(resource, 101, self.ours(resource)[code].key)
            self.gone[resource].append(code)
            self.both.discard(code)
        elif kind == "return" and self.gone[resource]:
            self.create(resource, self.gone[resource].pop(), name)
        elif kind == "elsewhere" and resource == CENTERS and self.chance.random() < 0.3:
            self.put(CENTERS, account_number=f"S{self.number}", name=name)
        elif kind == "elsewhere":
            self.put(resource, self.theirs(resource)[code]["sys_id"], **{NAME[resource]: name})
            if resource == ACCOUNTS:
                self.told.add((code, "name"))
        elif kind == "both":
            self.on_both_sides(name)

    def on_both_sides(self, name: str) -> None:
        theirs = self.theirs(CENTERS)
        code = self.chance.choice(sorted(self.ours(CENTERS).keys() & theirs.keys()))
        self.write(CENTERS, code, Description=f"{name} in Exact")
        self.put(CENTERS, theirs[code]["sys_id"], name=f"{name} in ServiceNow")
        self.told.add((code, "name"))
        self.both.add(code)

    def write(self, resource: str, code: str, **values: object) -> None:
        row = self.ours(resource)[code]
        self.jobs.exact.store.change(resource, 101, row.key, values)

    def create(self, resource: str, code: str, name: str) -> None:
        values: dict[str, object] = {"Code": code, "Description": name}
        now = self.jobs.clock.now().replace(tzinfo=None)
        if resource == ACCOUNTS:
            values |= {"BalanceType": "W", "BalanceSide": "D", "Type": 121, "IsBlocked": False}
        else:
            values |= {"Active": True, "Created": now}
        self.jobs.exact.store.change(resource, 101, str(uuid.uuid4()), values)
        if resource == CENTERS and code in self.theirs(CENTERS):
            self.told.discard((code, "name"))

    def end(self, resource: str, code: str) -> None:
        row = self.ours(resource)[code]
        if resource == ACCOUNTS:
            self.write(resource, code, IsBlocked=not row.values.get("IsBlocked"))
            return
        later = self.jobs.clock.now().replace(tzinfo=None, hour=0, minute=0, second=0)
        days = timedelta(days=self.chance.randint(1, 300))
        end = None if row.values.get("EndDate") else later.replace(microsecond=0) + days
        self.write(resource, code, EndDate=end)

    def put(self, resource: str, sys_id: str = "", **values: str) -> None:
        """Change or make a record of ServiceNow."""
        row = {"sys_id": sys_id, **values} if sys_id else {**values, "erp_source": self.source}
        body = {"table": TABLES[resource], "rows": [row], "key": ["sys_id"] if sys_id else []}
        url = f"{self.jobs.servicenow_url}/_sandbox/rows"
        assert requests.post(url, json=body, timeout=20).ok

    @property
    def source(self) -> str:
        return next(iter(self.theirs(ACCOUNTS).values()))["erp_source"]

    # What must hold

    def differences(self) -> Iterator[tuple[str, str, object, object]]:
        """Everything that is not equal although its owner alone has changed it."""
        for resource in (ACCOUNTS, CENTERS):
            ours, theirs = self.ours(resource), self.theirs(resource)
            for code in ours.keys() | theirs.keys():
                row, other = ours.get(code), theirs.get(code)
                if row is None or other is None:
                    if other is None or self.open(resource, other):
                        yield code, "there", row is not None, other is not None
                    continue
                name = row.values["Description"]
                if (code, "name") not in self.told and name != other[NAME[resource]]:
                    yield code, "name", name, other[NAME[resource]]
                mine = self.ended(resource, row.values)
                if mine != (not self.open(resource, other)) and resource == ACCOUNTS:
                    yield code, "blocked", mine, other["inactive"]
                if resource == CENTERS and mine != _day(other["valid_to"]):
                    yield code, "end", mine, other["valid_to"]

    def open(self, resource: str, row: dict[str, Any]) -> bool:
        if resource == ACCOUNTS:
            return row["inactive"] != "true"
        day = _day(row["valid_to"])
        return day is None or day > self.jobs.clock.now().date().isoformat()

    @staticmethod
    def ended(resource: str, values: dict[str, Any]) -> object:
        if resource == ACCOUNTS:
            return bool(values.get("IsBlocked"))
        end = values.get("EndDate")
        return None if end is None else _wall_clock(end)


def _wall_clock(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).date().isoformat()


def _day(text: str) -> str | None:
    return text[:10] if text and not text.startswith("9999") else None


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    clock = Clock()
    ours = exact.app(tmp_path / "exact", clock, seeds=False)
    ours.add_division(101, "Small", Country="NL")
    theirs = servicenow.app(tmp_path / "servicenow", clock, seeds=False)
    with serve(ours) as url, serve(theirs) as instance:
        for path, body in (
            ("switches", {"transform_delay_ms": 1}),
            ("rows", {"table": "sn_fin_erp_source", "rows": [{"name": SOURCE}]}),
        ):
            assert requests.post(f"{instance}/_sandbox/{path}", json=body, timeout=60).ok
        settings = {"create": True, "templates": TEMPLATES}
        jobs = Jobs(ours, url, instance, tmp_path, clock, monkeypatch, OWNERSHIP, settings)
        made = Day(jobs, random.Random(20261130))
        for number in range(25):
            made.create(ACCOUNTS, f"{4000 + number}", f"Account {number}")
            made.create(CENTERS, f"CC{number}", f"Center {number}")
        yield made


def test_both_systems_are_equal_where_owned_after_a_day_of_edits(day: Day) -> None:
    jobs = day.jobs
    jobs.forward()
    jobs.back()
    assert list(day.differences()) == []
    for step in range(STEPS):
        jobs.clock.advance(300)
        if step and day.chance.random() < 0.25:
            day.edit()
        jobs.forward()
        jobs.back()
    assert day.number > 50
    for _ in range(2):
        jobs.clock.advance(300)
        jobs.forward()
        jobs.back()
    before = day.effects()
    for _ in range(2):
        jobs.clock.advance(300)
        jobs.forward()
        jobs.back()
    assert day.effects() == before
    assert list(day.differences()) == []
    with jobs.store() as store:
        assert store.audit.verify() == []
        asked = Counter(
            (event.natural_key, str(event.detail["exact"]), str(event.detail["servicenow"]))
            for event in store.audit.events()
            if event.kind == "reference_conflict"
        )
        waiting = {case.code for case in store.pairs.cases() if case.kind == "conflict"}
        others = [case for case in store.pairs.cases() if case.kind != "conflict"]
    assert set(asked.values()) == {1}
    assert day.both
    assert day.both <= waiting
    assert waiting <= {code for code, _ in day.told}
    assert others == []


def test_what_both_sides_have_changed_waits_whichever_job_runs_first(day: Day) -> None:
    jobs = day.jobs
    jobs.forward()
    jobs.back()
    account, center = day.theirs(ACCOUNTS)["4001"], day.theirs(CENTERS)["CC1"]
    day.put(ACCOUNTS, account["sys_id"], display_name="ServiceNow's")
    day.put(CENTERS, center["sys_id"], valid_to="2030-01-31 00:00:00")
    day.write(ACCOUNTS, "4001", Description="Exact's", BalanceType="B")
    day.write(CENTERS, "CC1", EndDate=datetime(2031, 1, 31))  # noqa: DTZ001 - Exact's wall clock
    for _ in range(2):
        jobs.clock.advance(300)
        jobs.forward()
        there = day.theirs(ACCOUNTS)["4001"]
        assert there["display_name"] == "ServiceNow's"
        assert there["type"] == "Balance sheet", "what is not disputed goes on"
        assert day.theirs(CENTERS)["CC1"]["valid_to"][:10] == "2030-01-31"
    before = day.effects()
    for _ in range(2):
        jobs.clock.advance(300)
        jobs.back()
        jobs.forward()
    assert day.effects() == before
    with jobs.store() as store:
        cases = {(case.code, case.field): case for case in store.pairs.cases()}
        assert cases.keys() == {("4001", "description"), ("CC1", "end_date")}
        assert store.pairs.choose(cases["4001", "description"], "exactonline")
        assert store.pairs.choose(cases["CC1", "end_date"], "servicenow")
    for _ in range(2):
        jobs.clock.advance(300)
        jobs.back()
        jobs.forward()
    assert day.theirs(ACCOUNTS)["4001"]["display_name"] == "Exact's"
    assert _wall_clock(day.ours(CENTERS)["CC1"].values["EndDate"]) == "2030-01-31"
    assert list(day.differences()) == []
    with jobs.store() as store:
        assert store.pairs.cases() == []
    # The next change of Exact alone goes on at once.
    day.write(ACCOUNTS, "4001", Description="Exact's again")
    jobs.clock.advance(300)
    jobs.forward()
    assert day.theirs(ACCOUNTS)["4001"]["display_name"] == "Exact's again"
