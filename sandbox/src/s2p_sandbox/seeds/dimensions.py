"""Cost centers and cost units (hrm/Costcenters, hrm/Costunits) of each division."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.keys import guid
from s2p_sandbox.seeds.rows import Row, audit, midnight
from s2p_sandbox.seeds.sources import order_lines

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division

__all__ = [
    "build_cost_center",
    "cost_center_code",
    "cost_centers",
    "cost_unit_of_project",
    "cost_units",
]

# The council publishes departments by name; these codes are the sandbox's.
_DEPARTMENTS: Final = {
    "Assistant Chief Executive": "CE100",
    "Business Improvement": "BI100",
    "Community Services": "CS100",
    "Direct Services": "DS100",
    "Environmental Development": "ED100",
    "Environmental Sustainability": "ED110",
    "Financial Services": "FS100",
    "Funding": "FS900",
    "General Fund": "GF000",
    "HRA": "HR100",
    "Housing Services": "HS100",
    "Housing and Property": "HS200",
    "Law and Governance": "LG100",
    "Organisational Development": "OD100",
    "Partnerships Team": "CE200",
    "Planning & Regulatory": "PR100",
    "Planning, Sustainable Dev & Regulatory": "PR200",
    "Regeneration & Economy": "RE100",
    "Regeneration and Major Projects Team": "RE200",
    "Suspense": "ZZ999",
    "Transformation": "TR100",
    "Welfare Reform Team": "CS200",
}

# The Belgian division has cost centers, but its purchase lines do not use them.
_SERVICES: Final = {
    "BRU-01": "Algemene directie / Direction générale",
    "BRU-02": "Financiën / Finances",
    "BRU-03": "Gebouwen / Bâtiments",
    "BRU-04": "Bürgerdienste für Ostbelgien",
    "BRU-05": "Mobiliteit / Mobilité",
    "BRU-06": "Jeugd / Jeunesse",
}


def cost_center_code(text: str) -> str | None:
    """The cost center code of a published department; None for a blank one."""
    return _DEPARTMENTS[text] if text else None


def cost_unit_of_project(project: str) -> str:
    """The cost unit of an order line: the country in the middle of its project code."""
    return project.split("-")[1]


@cache
def _projects() -> dict[str, str]:
    return {line.project: line.country for line in order_lines()}


def _cost_center_names(division: Division) -> dict[str, str]:
    if division.key == "NL":
        return {code: f"Project {code} {country}" for code, country in sorted(_projects().items())}
    if division.key == "UK":
        return {code: name for name, code in _DEPARTMENTS.items()}
    return _SERVICES


def _cost_unit_names(division: Division) -> dict[str, str]:
    if division.key == "NL":
        return {
            cost_unit_of_project(project): country
            for project, country in sorted(_projects().items(), key=lambda item: item[1])
        }
    return dict(division.cost_units)


def build_cost_center(division: Division, code: str, name: str) -> Row:
    """The row of one cost center; an ended one has its EndDate and is not Active."""
    ended = dict(division.ended_cost_centers).get(code)
    return {
        "ID": guid(division.code, "Costcenters", code),
        "Active": ended is None,
        "Code": code,
        "Description": name,
        "Division": division.code,
        "EndDate": midnight(ended),
        **audit(division.start, division.code, "Costcenters", code, days=200),
        "_division": division.code,
    }


@cache
def cost_centers(division: Division) -> tuple[Row, ...]:
    """All cost centers of `division`."""
    names = _cost_center_names(division)
    return tuple(build_cost_center(division, code, name) for code, name in names.items())


@cache
def cost_units(division: Division) -> tuple[Row, ...]:
    """All cost units of `division`."""
    return tuple(
        {
            "ID": guid(division.code, "Costunits", code),
            "Code": code,
            "Description": name,
            "Division": division.code,
            "EndDate": None,
            **audit(division.start, division.code, "Costunits", code, days=200),
            "_division": division.code,
        }
        for code, name in _cost_unit_names(division).items()
    )
