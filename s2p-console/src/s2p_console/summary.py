"""What a run did: per stream, the calls it cost, and why lines wait.

`data` gives it as JSON, `render` for a screen; `make demo` ends with the same picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from s2p_console.errors import NotFoundError
from s2p_console.output import Listing
from s2p_console.reasons import DIMENSIONS, REASONS, what_frees
from s2p_console.settings import MAPPER, TAP, TARGET
from s2p_console.wording import count, duration, instant, plain

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
    "read": (TAP, MAPPER, TARGET),
    "mapped": (MAPPER,),
    "held": (MAPPER, TARGET),
    "staged": (TARGET,),
    "inserted": (TARGET,),
    "updated": (TARGET,),
    "ignored": (TARGET,),
    "unchanged": (TARGET,),
    "skipped": (TARGET,),
    "failed": (TARGET,),
}
"""Each counter with the plugins that may count it: the first that did is believed, for several
see the same record."""

_CALLS: Final = {"exactonline": "Exact Online", "servicenow": "ServiceNow"}
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
        "calls": {**dict.fromkeys(_CALLS, 0), **report.calls},
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
    return rendered(data(store, run_id))


def rendered(summary: Mapping[str, Any]) -> RenderableType:
    """Lay out what `data` gave. Pure."""
    parts: list[RenderableType] = [
        Text(_heading(summary)),
        _streams(summary),
        Text(_calls(summary)),
    ]
    parts += [Text(line) for line in _plugin_lines(summary)]
    if summary["hold_reasons"]:
        parts += [Text("\nMost frequent reasons for waiting:"), _reason_table(summary)]
    return Group(*parts)


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


def _heading(summary: Mapping[str, Any]) -> str:
    state = {True: "done", False: "FAILED", None: "not finished"}[summary["ok"]]
    words = [f"Run {plain(summary['run_id'])}", state]
    if summary["started_at"] is not None:
        words.append(f"began {instant(summary['started_at'])} UTC")
    if summary["seconds"] is not None:
        words.append(duration(summary["seconds"]))
    return " · ".join(words)


def _streams(summary: Mapping[str, Any]) -> RenderableType:
    shown = [name for name in COUNTERS if name != "skipped" or summary["total"][name]]
    return Listing(
        ("stream", *shown),
        [[plain(row["stream"]), *(_number(row[name]) for name in shown)] for row in _rows(summary)],
        right=shown,
        whole=("stream",),
        spare=("ignored", "updated", "inserted", "unchanged"),
        total=["all", *(_number(summary["total"][name]) for name in shown)],
    )


def _rows(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in summary["streams"] if any(row[name] for name in COUNTERS)]


def _number(number: int) -> str:
    return f"{number:,}" if number else "-"


def _calls(summary: Mapping[str, Any]) -> str:
    spent = ", ".join(
        f"{_CALLS.get(system, plain(system))} {number:,}"
        for system, number in summary["calls"].items()
    )
    return f"API calls: {spent}"


def _plugin_lines(summary: Mapping[str, Any]) -> list[str]:
    lines = []
    for each in summary["plugins"]:
        if each["ok"] is False:
            lines.append(f"{each['plugin']} failed; its log says why.")
        elif each["ok"] is None:
            lines.append(f"{each['plugin']} is still running, or was killed.")
    return lines


def _reason_table(summary: Mapping[str, Any]) -> RenderableType:
    return Listing(
        ("reason", "lines", "codes (lines)", "what frees them"),
        [
            [each["reason"], f"{each['lines']:,}", _code_list(each), each["frees"]]
            for each in summary["hold_reasons"]
        ],
        right=("lines",),
        whole=("reason",),
    )


def _code_list(reason: Mapping[str, Any]) -> str:
    texts = [f"{plain(each['code'])} ({each['lines']})" for each in reason["codes"]]
    if not texts:
        return "-"
    kinds = {each["dimension"] for each in reason["codes"]}
    kind = DIMENSIONS.get(next(iter(kinds)), "") if len(kinds) == 1 else ""
    if reason["more_codes"]:
        texts.append(f"and {count(reason['more_codes'], 'more code')}")
    return f"{kind} {', '.join(texts)}".strip()
