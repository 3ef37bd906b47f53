"""`s2p schedule`: the schedules of the project, kept by this machine, and whether they were."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from s2p_console import schedules
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ConsoleError, ExitCode, ScheduleError
from s2p_console.output import Listing, show, write_json
from s2p_console.schedule_log import last_run

__all__ = ["schedule"]


@click.command()
@click.option("--cron", is_flag=True, help="Print them as a crontab.")
@click.option("--systemd", is_flag=True, help="Print them as systemd services and timers.")
@click.option("--check", is_flag=True, help="End with 2 if one was missed or failed.")
@click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder of meltano.yml; by default the working directory.",
)
@click.option("--environment", default="", help="Meltano's environment, for instance prod.")
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with settings and secrets, for systemd.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --systemd: write the units into this folder.",
)
@as_json
@on_desk
def schedule(  # noqa: PLR0913 - one parameter per option
    desk: Desk,
    /,
    *,
    cron: bool,
    systemd: bool,
    check: bool,
    project: Path,
    environment: str,
    env_file: Path | None,
    output: Path | None,
    json_: bool,
) -> int:
    """Show the schedules of meltano.yml, or turn them into units for this machine.

    Each run goes through `s2p run`, so that none meets another, nor one that a webhook started.
    Times are the machine's own.
    """
    if cron and systemd:
        raise ConsoleError("Choose one of --cron and --systemd.")
    found = _read(project)
    place = schedules.Place(
        project.resolve(),
        Path(sys.executable).parent,
        environment,
        env_file.resolve() if env_file else None,
    )
    if cron:
        click.echo("\n".join(schedules.cron_lines(found, place)))
        return ExitCode.DONE
    if systemd:
        _units(schedules.systemd_units(found, place), output)
        return ExitCode.DONE
    now = datetime.now()  # noqa: DTZ005 - cron's clock is the machine's
    with desk.any_store() as store:
        known = [schedules.standing(one, last_run(store, one.name), now) for one in found]
    if json_:
        write_json([schedules.as_data(each) for each in known])
    else:
        rows = [
            [
                each.schedule.name,
                each.schedule.job,
                each.schedule.interval,
                f"{each.ran.began:%Y-%m-%d %H:%M}" if each.ran else "never",
                f"{each.next:%Y-%m-%d %H:%M}",
                each.trouble or "ok",
            ]
            for each in known
        ]
        show(Listing(("schedule", "job", "interval", "last run", "next", "state"), rows))
    troubled = [each for each in known if each.trouble]
    if check:
        for each in troubled:
            click.echo(f"{each.schedule.name}: {each.trouble}.", err=True)
    return ExitCode.ATTENTION if check and troubled else ExitCode.DONE


def _read(project: Path) -> list[schedules.Schedule]:
    path = project / "meltano.yml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ScheduleError(
            f"There is no readable {path}. Run this in the folder of the Meltano project, or name "
            "it with --project."
        ) from None
    found = schedules.read_schedules(text, str(path))
    if not found:
        raise ScheduleError(f"{path} has no schedules.")
    return found


def _units(units: dict[str, str], output: Path | None) -> None:
    if output is None:
        for name, text in units.items():
            click.echo(f"# {name}\n{text}")
        return
    output.mkdir(parents=True, exist_ok=True)
    for name, text in units.items():
        (output / name).write_text(text, encoding="utf-8")
    timers = " ".join(name for name in units if name.endswith(".timer"))
    click.echo(f"Written to {output}. Then: systemctl enable --now {timers}", err=True)
