"""Scheduled jobs of the instance that can be run at will: ``POST /_sandbox/jobs {"name": …}``.

On a real instance invoices are validated every 30 minutes and looked at by the exception engine
every 5 (*Accounts Payable Operations*: start invoice processing, work with invoice exceptions).
Here nothing runs by itself, so that a test sees each step.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.money import amount_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from s2p_sandbox.servicenow.context import Context

__all__ = ["JOBS", "run"]

_ORDER_LINES = "sn_fcms_intg_imp_order_line"
_INVOICES = "sn_shop_invoice"
_WATCHED = ("po_matching_completed", "accepted", "exceptions_found")


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


def _process_invoices(context: Context) -> Mapping[str, Any]:
    """Draft invoices: matched to their order's lines, or accepted when they have no order."""
    return _moved(context, ("draft",), _matched)


def _monitor_exceptions(context: Context) -> Mapping[str, Any]:
    """The exception engine over matched and accepted invoices."""
    return _moved(context, _WATCHED, _examined)


def _moved(
    context: Context,
    states: tuple[str, ...],
    decide: Callable[[sqlite3.Row, list[sqlite3.Row], sqlite3.Connection], str],
) -> Mapping[str, Any]:
    marks = ", ".join("?" * len(states))
    invoices = context.connection.execute(
        f'SELECT * FROM "{_INVOICES}" WHERE state IN ({marks})',  # noqa: S608
        states,
    ).fetchall()
    counted: dict[str, int] = {}
    for invoice in invoices:
        lines = context.connection.execute(
            'SELECT * FROM "sn_shop_invoice_line" WHERE invoice = ? COLLATE NOCASE',
            (invoice["sys_id"],),
        ).fetchall()
        state = decide(invoice, lines, context.connection)
        counted[state] = counted.get(state, 0) + 1
        if state != invoice["state"]:
            changes = {"state": state}
            storage.update(context.connection, _INVOICES, invoice["sys_id"], changes, context.stamp)
    return {"rows": len(invoices), "states": counted}


def _matched(invoice: sqlite3.Row, lines: list[sqlite3.Row], connection: sqlite3.Connection) -> str:
    del connection
    if invoice["type"] != "invoice":
        return "accepted"
    every = all(line["order_line"] for line in lines)
    return "po_matching_completed" if lines and every else "po_matching_error"


def _examined(
    invoice: sqlite3.Row, lines: list[sqlite3.Row], connection: sqlite3.Connection
) -> str:
    detail = connection.execute(
        """SELECT 1 FROM "sn_fin_supplier_detail" WHERE supplier = ? COLLATE NOCASE
           AND legal_entity = ? COLLATE NOCASE
           AND hold_payment <> 'true' AND hold_posting <> 'true'""",
        (invoice["supplier"], invoice["legal_entity"]),
    ).fetchone()
    total = sum((_amount(line["subtotal"]) for line in lines), Decimal(0))
    sound = (
        detail is not None  # else: Invalid or blocked supplier
        and all(line["ledger_account"] for line in lines)  # else: Valid coding required
        and total == _amount(invoice["subtotal"])  # else: Invoice isn't balanced
    )
    return "no_exceptions_found" if sound else "exceptions_found"


def _amount(stored: str) -> Decimal:
    return Decimal(amount_of(stored) or "0")


JOBS: Mapping[str, Callable[[Context], Mapping[str, Any]]] = {
    "Retrigger failed order line import set records": _retrigger_order_lines,
    "Validate and process invoices": _process_invoices,
    "Exception Monitoring scheduler": _monitor_exceptions,
}


def run(name: str, context: Context) -> Mapping[str, Any]:
    """Run one job and say what it did.

    Raises:
        ValueError: there is no such job.
    """
    if name not in JOBS:
        raise ValueError(f"There is no job '{name}'. Known: {', '.join(JOBS)}.")
    return JOBS[name](context)
