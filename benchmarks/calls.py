"""``python -m benchmarks.calls``: calls of a full and of an incremental run, beside the least.

Against the sandbox, which pages as Exact does; printed as the table in tap-exactonline's README.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact.application import ExactOnline, app
from s2p_sandbox.server import serve
from s2p_store import Store, generate_key
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Sizes", "least", "main", "measure"]

DIVISION = 101
_MOMENT = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - Exact's wall clock
_NO_LIMIT = 10**6


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a division holds."""

    suppliers: int = 5_000
    items: int = 2_000
    gl_accounts: int = 300
    cost_centers: int = 200
    orders: int = 10_000
    order_lines: int = 40_000
    entries: int = 20_000
    entry_lines: int = 80_000


def least(sizes: Sizes) -> tuple[int, int]:
    """The fewest calls of a full and of a quiet run: a page at a time, and one where nothing is."""
    full = {
        "gl_accounts": _pages(sizes.gl_accounts, 1000),
        "cost_centers": _pages(sizes.cost_centers, 60),
        "items": _pages(sizes.items, 1000),
        "accounts": _pages(sizes.suppliers, 1000),
        "orders and lines": _pages(sizes.orders + sizes.order_lines, 1000),
        "entries and lines": _pages(sizes.entries, 60),
    }
    # Divisions, cost units, item groups, payment conditions, VAT codes, invoices and their lines,
    # bank entries and their lines, deletions: nothing there, one call to know it.
    others = 10
    quiet = 5 + full["cost_centers"] + others
    return sum(full.values()) + others, quiet


def measure(sizes: Sizes) -> list[tuple[int, float]]:
    """Run the tap over a full and then over an unchanged division: calls and seconds of each."""
    with TemporaryDirectory(prefix="s2p-calls-") as name:
        folder = Path(name)
        exact = app(folder, Clock(), seeds=False)
        exact.switches.set(minutely_limit=_NO_LIMIT, daily_limit=_NO_LIMIT)
        exact.add_division(DIVISION, "Measured", Country="NL")
        exact.store.load_mixed(_rows(sizes), DIVISION)
        with serve(exact) as url:
            config = _config(exact, url, folder)
            first = _run(config, None, "first")
            second = _run(config, first[2], "second")
    return [first[:2], second[:2]]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="measure this part of the sizes")
    share = parser.parse_args().share
    sizes = Sizes(*(getattr(Sizes(), name) // share for name in Sizes.__slots__))
    (full, full_seconds), (quiet, quiet_seconds) = measure(sizes)
    least_full, least_quiet = least(sizes)
    print("| run | calls | least | seconds outside waits |\n| --- | ---: | ---: | ---: |")
    print(f"| full | {full} | {least_full} | {full_seconds:.1f} |")
    print(f"| incremental, nothing changed | {quiet} | {least_quiet} | {quiet_seconds:.1f} |")
    return 0


def _pages(rows: int, size: int) -> int:
    return max(1, -(-rows // size))


def _run(
    config: dict[str, Any], state: dict[str, Any] | None, name: str
) -> tuple[int, float, dict[str, Any]]:
    os.environ["S2P_RUN_ID"] = name
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")):
        tap = TapExactOnline(config=config, state=state)
        tap.run()
        tap.writer.flush()
    seconds = time.perf_counter() - began
    with Store.open(config["store_url"], config["store_key"]) as store:
        calls = store.runs.report(name).calls["exactonline"]
    return calls, seconds, dict(tap.state)


def _config(exact: ExactOnline, url: str, folder: Path) -> dict[str, Any]:
    return {
        "api_url": url,
        "client_id": exact.registration.client_id,
        "client_secret": exact.registration.client_secret,
        "refresh_token": exact.registration.refresh_token,
        "divisions": [DIVISION],
        "store_url": f"sqlite:///{folder / 'store.db'}",
        "store_key": generate_key(),
    }


def _rows(sizes: Sizes) -> Iterator[tuple[str, dict[str, Any]]]:
    def many(resource: str, kind: int, count: int, **values: Any) -> Iterator[Any]:  # noqa: ANN401 - Edm values
        for number in range(count):
            yield (
                resource,
                {"ID": _guid(kind, number), "Modified": _MOMENT, "Division": DIVISION, **values},
            )

    yield from many("crm/Accounts", 1, sizes.suppliers, IsSupplier=True)
    yield from many("logistics/Items", 2, sizes.items)
    yield from many("financial/GLAccounts", 3, sizes.gl_accounts)
    for number in range(sizes.cost_centers):
        row = {"ID": _guid(4, number), "Code": f"C{number}", "Modified": _MOMENT}
        yield "hrm/Costcenters", {**row, "Division": DIVISION}
    for number in range(sizes.orders):
        values = {"PurchaseOrderID": _guid(5, number), "Modified": _MOMENT, "Division": DIVISION}
        yield "purchaseorder/PurchaseOrders", {**values, "OrderNumber": number}
        for line in range(sizes.order_lines // max(sizes.orders, 1)):
            key = _guid(6, number * 100 + line)
            yield "purchaseorder/PurchaseOrderLines", {**values, "ID": key, "LineNumber": line + 1}
    for number in range(sizes.entries):
        values = {"EntryID": _guid(7, number), "Division": DIVISION}
        moment = _MOMENT - timedelta(minutes=sizes.entries - number)
        header = {**values, "EntryNumber": number, "Modified": moment}
        yield "purchaseentry/PurchaseEntries", header
        for line in range(sizes.entry_lines // max(sizes.entries, 1)):
            key = _guid(8, number * 100 + line)
            yield "purchaseentry/PurchaseEntryLines", {**values, "ID": key, "LineNumber": line + 1}


def _guid(kind: int, number: int) -> str:
    return str(UUID(int=(kind << 96) + number))


if __name__ == "__main__":
    sys.exit(main())
