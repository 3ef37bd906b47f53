"""The summary of a run, laid out for a screen. Pure; `summary.data` says its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from s2p_console.output import Listing
from s2p_console.reasons import DIMENSIONS
from s2p_console.wording import count, duration, instant, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

__all__ = ["laid_out"]

_RARE: Final = frozenset({"released", "skipped", "pending", "not_written"})
"""Counters that are shown only where they count something."""

_CALLS: Final = {"exactonline": "Exact Online", "servicenow": "ServiceNow"}


def laid_out(summary: Mapping[str, Any]) -> RenderableType:
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


def _heading(summary: Mapping[str, Any]) -> str:
    state = {True: "done", False: "FAILED", None: "not finished"}[summary["ok"]]
    words = [f"Run {plain(summary['run_id'])}", state]
    if summary["started_at"] is not None:
        words.append(f"began {instant(summary['started_at'])} UTC")
    if summary["seconds"] is not None:
        words.append(duration(summary["seconds"]))
    return " · ".join(words)


def _streams(summary: Mapping[str, Any]) -> RenderableType:
    shown = [name for name in summary["total"] if name not in _RARE or summary["total"][name]]
    names = {name: name.replace("_", " ") for name in shown}
    return Listing(
        ("stream", *names.values()),
        [[plain(row["stream"]), *(_number(row[name]) for name in shown)] for row in _rows(summary)],
        right=tuple(names.values()),
        whole=("stream",),
        spare=("skipped", "ignored", "updated", "inserted", "not written", "unchanged", "released"),
        total=["all", *(_number(summary["total"][name]) for name in shown)],
    )


def _rows(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in summary["streams"] if any(row[name] for name in summary["total"])]


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
