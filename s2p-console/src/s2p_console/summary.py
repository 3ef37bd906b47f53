"""What a run did: per stream, the calls it cost, and why lines wait.

`data` gives it as JSON, `render` for a screen; `make demo` ends with the same picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from s2p_console.errors import NotFoundError
from s2p_console.reasons import REASONS, what_frees
from s2p_console.settings import MAPPER, TAP, TARGET, WAY_BACK
from s2p_console.summary_view import laid_out
from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from s2p_store import RunReport, Store, Waiting

__all__ = ["COUNTERS", "data", "needs_attention", "picture", "render"]

STREAMS: Final = (
    "divisions",
    "gl_accounts",
    "cost_centers",
    "cost_units",
    "item_groups",
    "items",
    "payment_conditions",
    "vat_codes",
    "accounts",
    "purchase_orders",
    "purchase_order_lines",
    "purchase_invoices",
    "purchase_invoice_lines",
    "purchase_entries",
    "purchase_entry_lines",
    "bank_entries",
    "bank_entry_lines",
    "deletions",
)
"""The order in which the tap emits them; others follow by name."""

COUNTERS: Final[Mapping[str, Sequence[str]]] = {
    "read": (TAP, MAPPER, TARGET, WAY_BACK),
    "mapped": (MAPPER,),
    "held": (MAPPER, TARGET, WAY_BACK),
    "released": (MAPPER,),
    "staged": (TARGET,),
    "inserted": (TARGET, WAY_BACK),
    "updated": (TARGET, WAY_BACK),
    "ignored": (TARGET,),
    "unchanged": (TARGET,),
    "skipped": (TARGET,),
    "pending": (TARGET,),
    "not_written": (TARGET,),
    "failed": (TARGET, WAY_BACK),
}
"""Each counter with the plugins that may count it: the first that did is believed, for several
see the same record."""

_SYSTEMS: Final = ("exactonline", "servicenow")
_MOST_REASONS: Final = 3
_MOST_CODES: Final = 8


def data(store: Store, run_id: str) -> dict[str, Any]:
    """Give the summary of a run as JSON.

    Shape: `run_id`, `started_at`, `finished_at`, `seconds`, `ok` (None while it runs),
    `plugins[]`, `streams[]` (`stream` and one number per counter), `total`, `calls{system}`,
    `hold_reasons[]` (`reason`, `lines`, `frees`, `codes[]`, `more_codes`): of the run where its
    mapper counted them, else of everything that waits.

    Raises:
        NotFoundError: the store knows no such run.
        StoreError: the store cannot be read.
    """
    report = store.runs.report(run_id)
    if not report.plugins and not report.counts:
        raise NotFoundError(
            f"The store knows no run {plain(run_id)!r}. `s2p runs` shows the latest one."
        )
    return picture(report, store.holds.summary())


def picture(report: RunReport, waiting: Sequence[Waiting]) -> dict[str, Any]:
    """Put a run's numbers and what waits together, as `data` gives it. Pure."""
    ended = [each.finished_at for each in report.plugins if each.finished_at is not None]
    outcomes = [each.ok for each in report.plugins]
    streams = [
        {"stream": stream, **{name: _counted(report, stream, name) for name in COUNTERS}}
        for stream in sorted(report.counts, key=_place)
    ]
    whole = bool(outcomes) and len(ended) == len(outcomes)
    return {
        "run_id": report.run_id,
        "started_at": min((each.started_at for each in report.plugins), default=None),
        "finished_at": max(ended) if whole else None,
        "seconds": report.seconds if whole else None,
        "ok": False if False in outcomes else True if whole else None,
        "plugins": [
            {
                "plugin": each.plugin,
                "started_at": each.started_at,
                "finished_at": each.finished_at,
                "ok": each.ok,
            }
            for each in report.plugins
        ],
        "streams": streams,
        "total": {name: sum(row[name] for row in streams) for name in COUNTERS},
        "calls": {**dict.fromkeys(_SYSTEMS, 0), **report.calls},
        "hold_reasons": _reasons(report, waiting),
    }


def needs_attention(summary: Mapping[str, Any]) -> bool:
    """Tell whether a person should look: a plugin failed, rows were refused, lines wait."""
    total = summary["total"]
    return summary["ok"] is False or total["failed"] > 0 or total["held"] > 0


def render(store: Store, run_id: str) -> RenderableType:
    """Give the summary of a run for a screen.

    Raises:
        NotFoundError: the store knows no such run.
        StoreError: the store cannot be read.
    """
    return laid_out(data(store, run_id))


def _place(stream: str) -> tuple[int, str]:
    return (STREAMS.index(stream) if stream in STREAMS else len(STREAMS), stream)


def _counted(report: RunReport, stream: str, name: str) -> int:
    by_plugin = report.counts.get(stream, {})
    for plugin in (*COUNTERS[name], *by_plugin):
        if name in by_plugin.get(plugin, {}):
            return by_plugin[plugin][name]
    return 0


def _reasons(report: RunReport, waiting: Sequence[Waiting]) -> list[dict[str, Any]]:
    totals = _counted_reasons(report)
    if not totals:
        for each in waiting:
            totals[each.reason] = totals.get(each.reason, 0) + each.holds
    frequent = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:_MOST_REASONS]
    return [
        {"reason": reason, "lines": lines, "frees": what_frees(reason), **_codes(reason, waiting)}
        for reason, lines in frequent
    ]


def _counted_reasons(report: RunReport) -> dict[str, int]:
    """The mapper counts per reason under the reason's own name."""
    totals: dict[str, int] = {}
    for by_plugin in report.counts.values():
        for name, number in by_plugin.get(MAPPER, {}).items():
            if name.upper() in REASONS and number:
                totals[name.upper()] = totals.get(name.upper(), 0) + number
    return totals


def _codes(reason: str, waiting: Sequence[Waiting]) -> dict[str, Any]:
    codes = [each for each in waiting if each.reason == reason and each.code]
    codes.sort(key=lambda each: (-each.holds, each.dimension or "", each.code or ""))
    return {
        "codes": [
            {"dimension": each.dimension, "code": each.code, "lines": each.holds}
            for each in codes[:_MOST_CODES]
        ],
        "more_codes": max(0, len(codes) - _MOST_CODES),
    }
