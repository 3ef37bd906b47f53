"""What is on record of one division's records of one staging table, and what ServiceNow has. Pure.

Amounts are those that were staged, added up by the ledger; they are compared with what the records
in ServiceNow say, one by one and to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from s2p_console.wording import amounts, count, money, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sized

    from s2p_store import Hold, LedgerSum, LedgerTarget

__all__ = [
    "NUMBERS",
    "SPARE",
    "STATE_COLUMNS",
    "Difference",
    "Stock",
    "by_table",
    "compare",
    "state_cells",
    "state_data",
    "stock_troubles",
    "waiting",
]

STATE_COLUMNS: Final = (
    "division",
    "staging table",
    "in ServiceNow",
    "amount",
    "refused",
    "refused amount",
    "parked",
    "parked amount",
    "on its way",
    "held",
    "held amount",
    "found there",
    "amount there",
    "missing there",
    "different there",
)
NUMBERS: Final = STATE_COLUMNS[2:]
SPARE: Final = ("parked amount", "refused amount", "on its way", "parked")
_ON_ITS_WAY: Final = ("sent", "sending")
_CENT: Final = Decimal("0.01")
_SHOWN: Final = 5

Sums = dict[str, Decimal]
"""Amounts by currency."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A record whose amount in ServiceNow is not the one that was staged.

    Attributes:
        key: natural key.
        there: as ServiceNow shows it, empty where it shows none.
        document: the number people know it by, where it is known.
    """

    key: str
    amount: Decimal
    currency: str
    there: str
    document: str = ""


@dataclass(slots=True)
class Stock:
    """What the ledger, the holds and ServiceNow have of one division and staging table.

    Attributes:
        states: ledger state → records.
        sums: ledger state → amounts.
        without: records without an amount where rows have one: staged before amounts were kept, or
            ended.
        held: lines that wait, and their amounts as held: without sign.
        found: records of the ledger that ServiceNow has; None if it was not asked.
        there: amounts of those records in ServiceNow; None if they were not compared.
        missing: natural keys of those it does not have.
        different: those whose amount differs.
    """

    division: int
    table: str
    states: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Sums] = field(default_factory=dict)
    without: int = 0
    held: int = 0
    held_sums: Sums = field(default_factory=dict)
    found: int | None = None
    there: Sums | None = None
    missing: list[str] = field(default_factory=list)
    different: list[Difference] = field(default_factory=list)

    def add(self, each: LedgerSum, *, valued: bool) -> None:
        """Add what the ledger added up; `valued`: rows of this table have an amount."""
        self.states[each.state] = self.states.get(each.state, 0) + each.entries
        if each.entries > each.without:
            sums = self.sums.setdefault(each.state, {})
            sums[each.currency] = sums.get(each.currency, Decimal(0)) + each.amount
        if valued:
            self.without += each.without

    def hold(self, lines: int, sums: Mapping[str, Decimal]) -> None:
        """Add lines that wait."""
        self.held += lines
        for currency, amount in sums.items():
            self.held_sums[currency] = self.held_sums.get(currency, Decimal(0)) + amount


def by_table(sums: Iterable[LedgerSum]) -> dict[str, list[LedgerSum]]:
    """Sort what the ledger added up by table."""
    found: dict[str, list[LedgerSum]] = {}
    for each in sums:
        found.setdefault(each.table, []).append(each)
    return found


def waiting(holds: Iterable[Hold]) -> dict[tuple[int, str], tuple[int, Sums]]:
    """Count and sum what waits, by division and stream."""
    found: dict[tuple[int, str], tuple[int, Sums]] = {}
    for hold in holds:
        lines, sums = found.get((hold.division, hold.stream), (0, {}))
        if hold.amount is not None:
            currency = hold.currency or ""
            sums[currency] = sums.get(currency, Decimal(0)) + hold.amount
        found[hold.division, hold.stream] = (lines + 1, sums)
    return found


def compare(stock: Stock, targets: Iterable[LedgerTarget], there: Mapping[str, str | None]) -> None:
    """Note which of the ledger's records ServiceNow has, and what it says they are worth.

    Args:
        stock: takes what is found.
        targets: the ledger's records.
        there: sys_id → amount as ServiceNow shows it; None where it does not show any.
    """
    stock.found = 0
    for target in targets:
        if target.sys_id not in there:
            stock.missing.append(target.natural_key)
            continue
        stock.found += 1
        shown = there[target.sys_id]
        if shown is None or target.amount is None:
            continue
        currency = target.currency or ""
        amount = _read(shown, currency)
        if amount is not None:
            stock.there = stock.there or {}
            stock.there[currency] = stock.there.get(currency, Decimal(0)) + amount
        if amount is None or abs(amount - target.amount) >= _CENT / 2:
            stock.different.append(Difference(target.natural_key, target.amount, currency, shown))


def _read(shown: str, currency: str) -> Decimal | None:
    """Read ``12.50`` or ``EUR;12.50``; None where it is no amount of this currency."""
    code, pair, text = shown.rpartition(";")
    if pair and code != currency:
        return None
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def state_cells(stock: Stock) -> list[str]:
    """Give a row of `STATE_COLUMNS`."""
    states, sums = stock.states, stock.sums
    open_ = sum(states.get(state, 0) for state in _ON_ITS_WAY)
    asked = stock.found is not None
    return [
        str(stock.division),
        plain(stock.table),
        _number(states.get("done", 0)),
        amounts(sums.get("done", {})),
        _number(states.get("failed", 0)),
        amounts(sums.get("failed", {})),
        _number(states.get("parked", 0)),
        amounts(sums.get("parked", {})),
        _number(open_),
        _number(stock.held),
        amounts(stock.held_sums),
        f"{stock.found:,}" if asked else "",
        amounts(stock.there or {}),
        f"{len(stock.missing):,}" if asked else "",
        "" if stock.there is None else f"{len(stock.different):,}",
    ]


def state_data(stock: Stock) -> dict[str, Any]:
    """Give it as JSON takes it."""
    return {
        "division": stock.division,
        "staging_table": stock.table,
        "states": stock.states,
        "amounts": stock.sums,
        "without_amount": stock.without,
        "held": stock.held,
        "held_amounts": stock.held_sums,
        "found_in_servicenow": stock.found,
        "amounts_in_servicenow": stock.there,
        "missing_in_servicenow": stock.missing,
        "different_in_servicenow": [
            {
                "natural_key": one.key,
                "document": one.document or None,
                "amount": one.amount,
                "currency": one.currency,
                "amount_in_servicenow": one.there,
            }
            for one in stock.different
        ],
    }


def stock_troubles(stocks: Iterable[Stock]) -> Iterator[str]:
    """Say what is not in ServiceNow as it was staged, one sentence each."""
    for stock in stocks:
        where = f"of {plain(stock.table)} in division {stock.division}"
        if stock.missing:
            some = _some(map(plain, stock.missing[:_SHOWN]), len(stock.missing))
            verb = _number_of(stock.missing, where, "is", "are")
            yield f"{verb} not in ServiceNow any more: {some}."
        if stock.different:
            some = _some(map(_told, stock.different[:_SHOWN]), len(stock.different))
            verb = _number_of(stock.different, where, "has", "have")
            yield f"{verb} another amount in ServiceNow: {some}."


def _number_of(records: Sized, where: str, one: str, many: str) -> str:
    number = len(records)
    return f"{count(number, 'record')} {where} {one if number == 1 else many}"


def _some(texts: Iterable[str], number: int) -> str:
    return "; ".join(texts) + (" and others" if number > _SHOWN else "")


def _told(one: Difference) -> str:
    named = f"{plain(one.document)} ({plain(one.key)})" if one.document else plain(one.key)
    staged = f"{money(one.amount)} {plain(one.currency)}".rstrip()
    return f"{named}: {staged} was staged, there it is {plain(one.there) or 'empty'}"


def _number(number: int) -> str:
    return f"{number:,}" if number else "-"
