"""What ServiceNow lacks or has differently when the sandbox starts, as data.

A first run therefore maps most lines and holds the rest, for every reason a bookkeeper knows:
an account nobody has created there yet, one that was deactivated, a cost center that ended, a name
that fits twice. What is not named here is in ServiceNow under the same code and name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GAPS", "Gaps"]


@dataclass(frozen=True, slots=True)
class Gaps:
    """The differences of one division.

    Attributes:
        missing: codes that are absent.
        inactive: GL accounts that are there, inactive.
        moved: code in Exact -> the one other code under which the same name is found.
        doubled: code in Exact -> several other codes that all bear its name.
        ended: cost center -> its "valid to", UTC.
        missing_terms: payment conditions that are absent.
    """

    missing_accounts: frozenset[str] = frozenset()
    inactive_accounts: frozenset[str] = frozenset()
    moved_accounts: Mapping[str, str] = field(default_factory=dict)
    doubled_accounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing_cost_centers: frozenset[str] = frozenset()
    moved_cost_centers: Mapping[str, str] = field(default_factory=dict)
    doubled_cost_centers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ended_cost_centers: Mapping[str, str] = field(default_factory=dict)
    missing_terms: frozenset[str] = frozenset()


GAPS: Final[Mapping[str, Gaps]] = {
    "NL": Gaps(
        missing_accounts=frozenset({"70301", "76570", "76575", "76580"}),
        inactive_accounts=frozenset({"70155", "76445"}),
        moved_accounts={"70215": "702150"},
        doubled_accounts={"70153": ("701530", "701531")},
        missing_cost_centers=frozenset({"102-GY-T01"}),
        moved_cost_centers={"107-RW-T30": "CC-RW-0030"},
        doubled_cost_centers={"102-NG-T01": ("CC-NG-0001", "CC-NG-0101")},
        ended_cost_centers={"104-CI-T01": "2007-12-31 22:59:59"},
        missing_terms=frozenset({"60"}),
    ),
    "UK": Gaps(
        missing_accounts=frozenset({"B1501", "D3018", "D3418", "A0709"}),
        inactive_accounts=frozenset({"A0622", "D3420"}),
        moved_accounts={"D3411": "D3411-00", "Y021": "Y0210"},
        doubled_accounts={"D3513": ("D3513-01", "D3513-02")},
        missing_cost_centers=frozenset({"ZZ999"}),
        moved_cost_centers={"BI100": "BUS-0100"},
        doubled_cost_centers={"HS100": ("HOU-0100", "HOU-0200")},
        ended_cost_centers={"PR100": "2016-03-31 22:59:59"},
        missing_terms=frozenset({"EM"}),
    ),
    "BE": Gaps(
        missing_accounts=frozenset({"544078", "536510", "510300", "533040"}),
        inactive_accounts=frozenset({"531010", "542100"}),
        moved_accounts={"540600": "6140600", "543000": "6143000"},
        doubled_accounts={"542355": ("6142355", "6142356")},
        missing_cost_centers=frozenset({"BRU-06"}),
        missing_terms=frozenset({"ME"}),
    ),
}
