"""The schedules of `meltano.yml`, and how one machine keeps them: cron lines, systemd units. Pure.

Every run goes through `s2p run`, which lets no two meet (nor one started by a webhook), and notes
when each schedule ran last and how it ended.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import yaml
from cronsim import CronSim, CronSimError

from s2p_console.errors import ScheduleError
from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "Place",
    "Ran",
    "Schedule",
    "Standing",
    "as_data",
    "cron_lines",
    "on_calendar",
    "read_schedules",
    "standing",
    "systemd_units",
]

_ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_DAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_NAMES: Final = {day.lower(): str(number) for number, day in enumerate(_DAYS)}
_MONTHS: Final = {
    name: str(number)
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_FIELDS: Final = 5
_EVERY: Final = "*"
_LATE: Final = timedelta(minutes=5)
"""How late a run may begin before it counts as missed: it may wait for another one."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule: its name, its cron expression, the job it runs."""

    name: str
    interval: str
    job: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how the jobs run.

    Attributes:
        project: folder of meltano.yml, absolute.
        bin: folder of the commands, absolute.
        environment: of Meltano; empty for its default.
        env_file: file with settings and secrets, for systemd.
        wait: seconds a run waits for another one.
    """

    project: Path
    bin: Path
    environment: str = ""
    env_file: Path | None = None
    wait: int = 240

    def command(self, schedule: Schedule) -> list[str]:
        """The command line of one run."""
        meltano = [str(self.bin / "meltano")]
        if self.environment:
            meltano.append(f"--environment={self.environment}")
        own = [str(self.bin / "s2p"), "run", "--schedule", schedule.name, "--wait", str(self.wait)]
        return [*own, "--", *meltano, "run", schedule.job]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a schedule ran last. `ended` and `code` are None while it runs, or if it died."""

    began: datetime
    ended: datetime | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One schedule with its last and next time; `trouble` is empty if all is well."""

    schedule: Schedule
    due: datetime
    next: datetime
    ran: Ran | None
    trouble: str = ""


def read_schedules(text: str, name: str) -> list[Schedule]:
    """Read the schedules of a `meltano.yml`.

    Raises:
        ScheduleError: it is no such file, or a schedule of it cannot be kept.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        document = None
    if not isinstance(document, dict):
        raise ScheduleError(f"{name} is not a Meltano project file.")
    found = []
    for given in document.get("schedules") or []:
        schedule = Schedule(
            str(given.get("name") or ""), str(given.get("interval") or ""), str(given.get("job"))
        )
        if not given.get("job"):
            raise ScheduleError(
                f"The schedule '{plain(schedule.name)}' of {name} names no job: only jobs are run."
            )
        try:
            _next(schedule, datetime(2026, 1, 1))  # noqa: DTZ001 - the machine's wall clock
        except (CronSimError, ScheduleError):
            raise ScheduleError(
                f"The interval {plain(schedule.interval)!r} of the schedule "
                f"'{plain(schedule.name)}' in {name} is no cron expression."
            ) from None
        found.append(schedule)
    return found


def expression(schedule: Schedule) -> str:
    """The five fields of a schedule's interval; `@daily` and the like written out."""
    fields = _ALIASES.get(schedule.interval.strip(), schedule.interval).split()
    if len(fields) != _FIELDS:
        raise ScheduleError(f"{schedule.interval!r} does not have five fields.")
    return " ".join(fields)


def _next(schedule: Schedule, after: datetime, *, back: bool = False) -> datetime:
    return next(CronSim(expression(schedule), after, reverse=back))


def standing(schedule: Schedule, ran: Ran | None, now: datetime) -> Standing:
    """Tell whether a schedule was kept: it should have run since it was due last.

    Args:
        schedule: which one.
        ran: how it ran last, None if never.
        now: the machine's wall clock, as are all moments here; without zone.
    """
    due = _next(schedule, now + timedelta(seconds=1), back=True)
    if now - due < _LATE:
        due = _next(schedule, due, back=True)  # the one before: this one may be about to begin
    trouble = ""
    if ran is None:
        trouble = "it has never run"
    elif ran.ended is None and ran.began < due:
        trouble = f"the run that began {ran.began:%Y-%m-%d %H:%M} has not ended, or died"
    elif ran.began < due:
        trouble = f"the run of {due:%Y-%m-%d %H:%M} was missed"
    elif ran.ended is not None and ran.code != 0:
        trouble = f"it ended with exit code {ran.code}"
    return Standing(schedule, due, _next(schedule, now), ran, trouble)


def cron_lines(schedules: Sequence[Schedule], place: Place) -> Iterator[str]:
    """Give a crontab: cron's own mail tells of whatever a run writes on standard error."""
    yield "# Made by `s2p schedule --cron`. MAILTO tells somebody of runs that fail."
    yield f"PATH={place.bin}:/usr/local/bin:/usr/bin:/bin"
    for schedule in schedules:
        log = place.project / ".s2p" / "logs" / f"{schedule.name}.log"
        run = shlex.join(place.command(schedule)).replace("%", r"\%")
        failed = f'echo "{schedule.name} ended with exit code $?: see {log}" >&2'
        yield (
            f"{expression(schedule)} cd {shlex.quote(str(place.project))} && "
            f"mkdir -p {shlex.quote(str(log.parent))} && "
            f"{{ {run} >> {shlex.quote(str(log))} 2>&1 || {failed}; }}"
        )


def systemd_units(schedules: Sequence[Schedule], place: Place) -> dict[str, str]:
    """Give unit files by name: a service and a timer each, which makes up for a time it missed."""
    units = {}
    for schedule in schedules:
        unit = f"s2p-{schedule.name}"
        env_file = f"EnvironmentFile={place.env_file}\n" if place.env_file else ""
        units[f"{unit}.service"] = (
            "[Unit]\n"
            f"Description={schedule.job}: Exact Online and ServiceNow\n"
            "Wants=network-online.target\n"
            "After=network-online.target\n\n"
            "[Service]\n"
            "Type=oneshot\n"
            f"WorkingDirectory={place.project}\n"
            f"Environment=PATH={place.bin}:/usr/local/bin:/usr/bin:/bin\n"
            f"{env_file}"
            f"ExecStart={shlex.join(place.command(schedule)).replace('%', '%%')}\n"
        )
        calendars = "".join(f"OnCalendar={one}\n" for one in on_calendar(expression(schedule)))
        units[f"{unit}.timer"] = (
            f"[Unit]\nDescription=When {schedule.job} runs\n\n"
            f"[Timer]\n{calendars}Persistent=true\nAccuracySec=1s\n\n"
            "[Install]\nWantedBy=timers.target\n"
        )
    return units


def on_calendar(cron: str) -> list[str]:
    """Say a cron expression as systemd does.

    Where cron names both a day of the month and a day of the week, either is enough: that takes
    two lines.
    """
    minute, hour, day, month, weekday = cron.split()
    months = _field(month, 1, _MONTHS)
    time = f"{_field(hour, 0, {}, 2)}:{_field(minute, 0, {}, 2)}:00"
    days = _field(day, 1, {})
    week = _weekdays(weekday)
    if week and days != _EVERY:
        return [f"*-{months}-{days} {time}", f"{week} *-{months}-* {time}"]
    return [f"{week} *-{months}-{days} {time}".strip()]


def _field(text: str, first: int, names: Mapping[str, str], width: int = 1) -> str:
    """One field: lists, ranges and steps are written with commas, two dots and a slash."""
    parts = []
    for part in text.lower().split(","):
        span, slash, step = part.partition("/")
        low, dash, high = span.partition("-")
        low, high = names.get(low, low), names.get(high, high)
        if span == _EVERY:
            parts.append(f"{first:0{width}d}/{step}" if slash else _EVERY)
        elif dash:
            parts.append(f"{int(low):0{width}d}..{int(high):0{width}d}{slash}{step}")
        else:
            parts.append(f"{int(low):0{width}d}{slash}{step}")
    return ",".join(parts)


def _weekdays(text: str) -> str:
    """Days of the week by name; empty for every day."""
    if text == _EVERY:
        return ""
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        low, dash, high = span.partition("-")
        begin = 0 if span == _EVERY else int(_NAMES.get(low, low))
        end = 6 if span == _EVERY else int(_NAMES.get(high, high)) if dash else begin
        found.update(number % 7 for number in range(begin, end + 1, int(step or 1)))
    return ",".join(_DAYS[number] for number in sorted(found))


def as_data(each: Standing) -> dict[str, Any]:
    """Give it as JSON takes it."""
    ran = each.ran
    return {
        "schedule": each.schedule.name,
        "job": each.schedule.job,
        "interval": each.schedule.interval,
        "last_due": _text(each.due),
        "next": _text(each.next),
        "began": _text(ran.began if ran else None),
        "ended": _text(ran.ended if ran else None),
        "exit_code": ran.code if ran else None,
        "trouble": each.trouble or None,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(sep=" ", timespec="seconds")
