"""Which GL account of Exact a line stands for, as the lines of orders and invoices name none.

Facts: a purchase-entry line carries its account. Elsewhere the item's `GLCosts` applies, and
overrules that of its item group; where there is no item, the supplier's default purchase account.
Each answer carries the rung that gave it. What is not known is not guessed: an item that was never
read might have an account of its own, so its line waits instead of taking the supplier's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s2p_mapping.reasons import Reason

if TYPE_CHECKING:
    from mapper_glcostcenter.exact import Account, DivisionReference, ExactReference

__all__ = ["Derived", "Line", "derive_gl_account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What decides the account and cost center of one line. GUIDs in lower case, codes trimmed."""

    division: int | None
    item: str | None = None
    supplier: str | None = None
    gl_account: str | None = None
    gl_account_code: str | None = None
    gl_account_name: str | None = None
    cost_center: str | None = None
    cost_center_name: str | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """A line's GL account in Exact: its code, what Exact knows about it, and the rung that gave it.

    Without a code, `reason` says why, and `waiting_for` names what has to be filled in.
    `supplier_matters` says whether a line that differs in its supplier only might get another.
    """

    code: str | None
    rung: str
    account: Account | None = None
    reason: Reason | None = None
    waiting_for: tuple[tuple[str, str], ...] = ()
    supplier_matters: bool = False


def derive_gl_account(line: Line, exact: ExactReference) -> Derived:
    """The GL account of a line: its own, its item's, its item group's, its supplier's, or none."""
    if line.division is None:
        return Derived(None, "line without division", reason=Reason.DIVISION_MISMATCH)
    known = exact.division(line.division)
    if line.gl_account or line.gl_account_code:
        return _own(line, known, exact, line.division)
    if line.item:
        return _by_item(line, line.item, known, exact, line.division)
    return replace(_by_supplier(line, known, exact, line.division), supplier_matters=True)


def _own(line: Line, known: DivisionReference, exact: ExactReference, division: int) -> Derived:
    account = known.accounts.get(line.gl_account or "")
    if (
        account is None
        and line.gl_account
        and exact.elsewhere("accounts", line.gl_account, division)
    ):
        return Derived(
            None,
            f"account {line.gl_account_code or line.gl_account} of another division",
            reason=Reason.DIVISION_MISMATCH,
        )
    # The code on the line was true when it was read; the account by its GUID is what it is now.
    code = account.code if account else line.gl_account_code
    if code is None:
        return _underivable(f"account {line.gl_account} unknown", "gl_account", line.gl_account)
    return Derived(code, f"line account {code}", account or known.account_by_code.get(code))


def _by_item(
    line: Line,
    item_id: str,
    known: DivisionReference,
    exact: ExactReference,
    division: int,
) -> Derived:
    item = known.items.get(item_id)
    if item is None:
        if exact.elsewhere("items", item_id, division):
            return Derived(None, "item of another division", reason=Reason.DIVISION_MISMATCH)
        return _underivable(f"item {item_id} unknown", "item", item_id)
    origin = ("item", item.code or item_id)
    if item.costs or item.costs_code:
        return _account(known, item.costs, item.costs_code, "item GLCosts", origin)
    group = known.item_groups.get(item.group or "")
    if group and (group.costs or group.costs_code):
        return _account(known, group.costs, group.costs_code, "item group GLCosts", origin)
    if item.group and group is None:
        return _underivable(f"item group of item {origin[1]} unknown", *origin)
    derived = _by_supplier(line, known, exact, division)
    if derived.reason is Reason.GL_ACCOUNT_UNDERIVABLE:
        rung = f"no account on item {origin[1]}, its group or the supplier"
        derived = _underivable(rung, *origin)
    return replace(derived, supplier_matters=True)


def _by_supplier(
    line: Line, known: DivisionReference, exact: ExactReference, division: int
) -> Derived:
    if line.supplier is None:
        return _underivable("neither item nor supplier", None, None)
    supplier = known.suppliers.get(line.supplier)
    if supplier is None:
        if exact.elsewhere("suppliers", line.supplier, division):
            return Derived(None, "supplier of another division", reason=Reason.DIVISION_MISMATCH)
        return _underivable(f"supplier {line.supplier} unknown", "supplier", line.supplier)
    label = supplier.code or line.supplier
    if supplier.purchase_account is None:
        return _underivable(f"no purchase account on supplier {label}", "supplier", label)
    return _account(
        known, supplier.purchase_account, None, "supplier GLAccountPurchase", ("supplier", label)
    )


def _account(
    known: DivisionReference,
    id_: str | None,
    code: str | None,
    rung: str,
    origin: tuple[str, str],
) -> Derived:
    account = known.accounts.get(id_ or "")
    # By GUID first: the code that an item carries is a copy and may be older than a change of code.
    found = account.code if account else code
    if found is None:
        return _underivable(f"{rung} {id_} unknown", *origin)
    return Derived(found, f"{rung} {found}", account or known.account_by_code.get(found))


def _underivable(rung: str, dimension: str | None, code: str | None) -> Derived:
    waiting = ((dimension, code),) if dimension and code else ()
    return Derived(None, rung, reason=Reason.GL_ACCOUNT_UNDERIVABLE, waiting_for=waiting)
