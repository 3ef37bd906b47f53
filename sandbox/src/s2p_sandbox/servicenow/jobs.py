"""Scheduled jobs of the instance that can be run at will: ``POST /_sandbox/jobs {"name": …}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s2p_sandbox.servicenow.context import Context

__all__ = ["JOBS", "run"]

_ORDER_LINES = "sn_fcms_intg_imp_order_line"


def _retrigger_order_lines(context: Context) -> Mapping[str, Any]:
    """Transform again the order lines that came before their purchase order."""
    rows = context.connection.execute(
        f"""SELECT * FROM "{_ORDER_LINES}" WHERE sys_import_state = 'error'
            ORDER BY sys_import_set, CAST(sys_import_row AS INTEGER)"""  # noqa: S608
    ).fetchall()
    by_set: dict[str, list[Any]] = {}
    for row in rows:
        by_set.setdefault(row["sys_import_set"], []).append(row)
    states: dict[str, int] = {}
    for import_set, own in by_set.items():
        for result in context.sets.transform(_ORDER_LINES, import_set, own):
            states[result.outcome.state] = states.get(result.outcome.state, 0) + 1
    return {"rows": len(rows), "states": states}


JOBS: Mapping[str, Callable[[Context], Mapping[str, Any]]] = {
    "Retrigger failed order line import set records": _retrigger_order_lines,
}


def run(name: str, context: Context) -> Mapping[str, Any]:
    """Run one job and say what it did.

    Raises:
        ValueError: there is no such job.
    """
    if name not in JOBS:
        raise ValueError(f"There is no job '{name}'. Known: {', '.join(JOBS)}.")
    return JOBS[name](context)
