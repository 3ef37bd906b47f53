"""`s2p runs`: what the latest run did."""

from __future__ import annotations

import click

from s2p_console import summary
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ExitCode, NotFoundError
from s2p_console.output import show, write_json
from s2p_console.summary_view import laid_out

__all__ = ["runs"]


@click.command()
@click.option("--last", is_flag=True, help="The latest run (the default).")
@click.option("--run", "run_id", help="Another run, by its id.")
@as_json
@on_desk
def runs(desk: Desk, /, *, last: bool, run_id: str | None, json_: bool) -> int:
    """Show per stream what a run read, mapped, held and staged, and what it cost.

    Exit code 2 if a plugin failed, ServiceNow refused rows, or lines were held.
    """
    with desk.store() as store:
        if run_id is None or last:
            latest = store.runs.latest()
            if latest is None:
                raise NotFoundError(
                    f"No run is recorded in {store.label} yet. Start one with "
                    "`meltano run tap-exactonline glcostcenter target-servicenow-s2p`."
                )
            run_id = latest.run_id
        found = summary.data(store, run_id)
    if json_:
        write_json(found)
    else:
        show(laid_out(found))
    return ExitCode.ATTENTION if summary.needs_attention(found) else ExitCode.DONE
