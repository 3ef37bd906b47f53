"""Schedules of the project as units of one machine, kept apart, and missed ones told."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from s2p_console.errors import ScheduleError
from s2p_console.follow_up import RUN_LOCK
from s2p_console.schedule_log import last_run
from s2p_console.schedules import (
    Place,
    Ran,
    Schedule,
    cron_lines,
    on_calendar,
    read_schedules,
    standing,
    systemd_units,
)

if TYPE_CHECKING:
    from conftest import House

    from s2p_store import Store

ROOT = Path(__file__).parents[2]
HOURLY = Schedule("procure-to-pay-hourly", "5 * * * *", "procure-to-pay")
PLACE = Place(Path("/srv/my project"), Path("/srv/venv/bin"), "prod", Path("/etc/s2p.env"))
NOW = datetime(2026, 6, 3, 10, 30)  # noqa: DTZ001 - the machine's wall clock


def test_every_schedule_of_this_project_can_be_kept() -> None:
    text = (ROOT / "meltano.yml").read_text()
    found = read_schedules(text, "meltano.yml")
    document = yaml.safe_load(text)
    assert [one.name for one in found] == [one["name"] for one in document["schedules"]]
    assert {one.job for one in found} == {one["name"] for one in document["jobs"]}
    units = systemd_units(found, PLACE)
    assert len(units) == 2 * len(found)


@pytest.mark.parametrize(
    ("cron", "calendar"),
    [
        ("5 * * * *", ["*-*-* *:05:00"]),
        ("*/15 * * * *", ["*-*-* *:00/15:00"]),
        ("0 2 * * *", ["*-*-* 02:00:00"]),
        ("30 6-18/2 * * mon-fri", ["Mon,Tue,Wed,Thu,Fri *-*-* 06..18/2:30:00"]),
        ("0,30 8 1,15 jan *", ["*-1-1,15 08:00,30:00"]),
        ("0 0 * * 7", ["Sun *-*-* 00:00:00"]),
        ("0 3 1 * 1", ["*-*-1 03:00:00", "Mon *-*-* 03:00:00"]),
    ],
)
def test_cron_said_as_systemd_does(cron: str, calendar: list[str]) -> None:
    assert on_calendar(cron) == calendar


def test_a_crontab_runs_each_job_alone_and_tells_of_failures() -> None:
    *_, line = cron_lines([HOURLY], PLACE)
    assert line.startswith("5 * * * * cd '/srv/my project' && ")
    words = shlex.split(line)
    at = words.index("/srv/venv/bin/s2p")
    assert words[at : at + 6] == ["/srv/venv/bin/s2p", "run", "--schedule",
                                  "procure-to-pay-hourly", "--wait", "240"]  # fmt: skip
    assert "--environment=prod" in words
    assert "ended with exit code" in line


def test_systemd_makes_up_for_what_it_missed() -> None:
    units = systemd_units([HOURLY], PLACE)
    service = units["s2p-procure-to-pay-hourly.service"]
    assert "WorkingDirectory=/srv/my project" in service
    assert "EnvironmentFile=/etc/s2p.env" in service
    timer = units["s2p-procure-to-pay-hourly.timer"]
    assert "OnCalendar=*-*-* *:05:00\nPersistent=true" in timer


def at(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("ran", "trouble"),
    [
        (None, "it has never run"),
        (Ran(at(0.4), at(0.35), 0), ""),
        (Ran(at(0.4), at(0.35), 1), "it ended with exit code 1"),
        (Ran(at(2.4), at(2.3), 0), "the run of 2026-06-03 10:05 was missed"),
        (Ran(at(0.1)), ""),
    ],
)
def test_a_schedule_that_was_not_kept_is_told(ran: Ran | None, trouble: str) -> None:
    assert standing(HOURLY, ran, NOW).trouble == trouble


def test_one_that_is_just_due_is_not_missed_yet() -> None:
    now = datetime(2026, 6, 3, 10, 6)  # noqa: DTZ001 - as above
    assert standing(HOURLY, Ran(at(1.4), at(1.3), 0), now).trouble == ""


def test_one_that_died_is_told_once_the_next_was_due() -> None:
    daily = Schedule("d", "@daily", "j")
    began = datetime(2026, 6, 3, 0, 0, 30)  # noqa: DTZ001 - as above
    assert standing(daily, Ran(began), NOW).trouble == ""
    assert "died" in standing(daily, Ran(began), NOW + timedelta(days=1)).trouble


CRONS = st.tuples(
    st.sampled_from(["*", "*/5", "0", "7,37", "10-20"]),
    st.sampled_from(["*", "*/6", "3", "8-18/2"]),
    st.sampled_from(["*", "1", "1,15", "*/10"]),
    st.sampled_from(["*", "jan", "6-8"]),
    st.sampled_from(["*", "0", "mon-fri", "1,3", "7"]),
).map(" ".join)


@given(CRONS, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001 - as above
def test_what_ran_when_it_was_due_is_fine(cron: str, now: datetime) -> None:
    one = Schedule("s", cron, "j")
    known = standing(one, None, now)
    assert known.due <= now < known.next
    assert standing(one, Ran(known.due, known.due, 0), now).trouble == ""
    assert on_calendar(cron)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schedules: [{name: a, interval: often, job: j}]", "no cron expression"),
        ("schedules: [{name: a, interval: '61 * * * *', job: j}]", "no cron expression"),
        ("schedules: [{name: a, interval: '@daily', extractor: t}]", "names no job"),
        ("[", "not a Meltano project file"),
        ("- a", "not a Meltano project file"),
    ],
)
def test_what_cannot_be_kept_is_told(text: str, said: str) -> None:
    with pytest.raises(ScheduleError, match=said):
        read_schedules(text, "meltano.yml")


# The commands


def project(house: House, interval: str = "* * * * *") -> None:
    document = {"schedules": [{"name": "often", "interval": interval, "job": "outcomes"}]}
    (house.folder / "meltano.yml").write_text(yaml.safe_dump(document))


def script(code: int) -> list[str]:
    return [sys.executable, "-c", f"raise SystemExit({code})"]


def test_how_a_run_ended_shows_in_its_schedule(house: House, store: Store) -> None:
    project(house)
    never = house.run("schedule", "--check")
    assert (never.exit_code, "often: it has never run" in never.output) == (2, True)
    assert house.run("run", "--schedule", "often", "--", *script(0)).exit_code == 0
    assert house.run("schedule", "--check").exit_code == 0
    assert house.run("run", "--schedule", "often", "--", *script(3)).exit_code == 3
    (known,) = json.loads(house.run("schedule", "--json").stdout)
    assert (known["exit_code"], known["trouble"]) == (3, "it ended with exit code 3")
    assert house.run("schedule", "--check").exit_code == 2
    assert house.run("schedule").exit_code == 0
    ran = last_run(store, "often")
    assert ran is not None
    assert ran.ended is not None


def test_a_run_that_meets_another_is_not_started(house: House, store: Store) -> None:
    project(house)
    with store.lock(RUN_LOCK):
        ran = house.run("run", "--schedule", "often", "--", *script(0))
    assert (ran.exit_code, "Another run is under way" in ran.output) == (2, True)
    assert last_run(store, "often") is None


def test_units_are_written_where_they_are_wanted(house: House) -> None:
    project(house, "*/5 * * * *")
    ran = house.run("schedule", "--systemd", "--output", "units", "--environment", "prod")
    assert (ran.exit_code, "systemctl enable --now s2p-often.timer" in ran.output) == (0, True)
    timer = (house.folder / "units" / "s2p-often.timer").read_text()
    assert "OnCalendar=*-*-* *:00/5:00" in timer
    shown = house.run("schedule", "--cron")
    assert str(house.folder) in shown.stdout


def test_without_a_project_the_command_says_where_to_go(house: House) -> None:
    ran = house.run("schedule")
    assert (ran.exit_code, "folder of the Meltano project" in ran.output) == (1, True)
