"""What the mapping commands look at: rules, snapshots and coverage, as the mapper left them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from s2p_console.settings import MAPPER, TAP, TARGET
from s2p_mapping.coverage import Coverage
from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.rule_file import read_rules
from s2p_mapping.rules import RuleSet
from s2p_mapping.snapshot import arrange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s2p_console.settings import Settings
    from s2p_mapping.reference import Reference
    from s2p_store import Store

__all__ = [
    "DEFAULT_RULES_FILE",
    "Seen",
    "coverages",
    "divisions",
    "names",
    "rules_of",
    "rules_path",
    "seen",
]

DEFAULT_RULES_FILE: Final = Path("mapping/rules.csv")
_MAPPER, _EXACT, _SERVICENOW = "mapper-glcostcenter", "exactonline", "servicenow"
_COVERAGE: Final = "coverage"
_STREAMS: Final = {GL_ACCOUNT: "gl_accounts", COST_CENTER: "cost_centers"}


@dataclass(frozen=True, slots=True)
class Seen:
    """ServiceNow's accounts and cost centers, and when the mapper read them last."""

    reference: Reference
    at: datetime


def rules_path(settings: Settings, given: Path | None = None) -> Path:
    """Where the rules are: as given, as set for the mapper, or at the default place."""
    return given or Path(settings.find(MAPPER, "rules_file") or DEFAULT_RULES_FILE)


def rules_of(settings: Settings, given: Path | None = None) -> tuple[Path, RuleSet]:
    """Read the rules; none if no file is named and there is none at the default place.

    Raises:
        RulesFileError: the file cannot be read, or some of its rows are wrong.
    """
    path = rules_path(settings, given)
    named = given or settings.find(MAPPER, "rules_file")
    return path, RuleSet() if not named and not path.exists() else read_rules(path)


def divisions(settings: Settings, store: Store) -> dict[int, str]:
    """Give each division that is configured or was ever read, with its ERP source."""
    sources = {
        **settings.mapping(TARGET, "erp_sources"),
        **settings.mapping(MAPPER, "erp_sources"),
    }
    codes = {*settings.whole_numbers(TAP, "divisions"), *(int(code) for code in sources)}
    codes |= {int(scope) for scope in store.reference.scopes(_EXACT, "gl_accounts")}
    return {code: str(sources.get(str(code)) or f"EXACT-{code}") for code in sorted(codes)}


def seen(settings: Settings, store: Store) -> Seen | None:
    """Give what the mapper saw in ServiceNow last; None if it has not run yet."""
    url = settings.find(MAPPER, "servicenow_instance_url") or settings.find(TARGET, "instance_url")
    scopes = [urlsplit(url).netloc] if url else store.reference.scopes(_SERVICENOW, GL_ACCOUNT)
    for scope in scopes:
        at = store.reference.saved_at(_SERVICENOW, scope, GL_ACCOUNT)
        if at is not None:
            rows = (store.reference.load(_SERVICENOW, scope, one) for one in _STREAMS)
            return Seen(arrange(*rows), at)
    return None


def coverages(store: Store, only: int | None = None) -> dict[int, Coverage]:
    """Give the coverage of the last run that had lines, by division."""
    wanted = [str(only)] if only is not None else store.reference.scopes(_MAPPER, _COVERAGE)
    found = {
        int(scope): Coverage.from_rows(store.reference.load(_MAPPER, scope, _COVERAGE))
        for scope in wanted
    }
    return {division: found[division] for division in sorted(found) if found[division].codes}


def names(store: Store, division: int, dimension: str) -> Mapping[str, str]:
    """Give the names that Exact Online has for the codes of a division."""
    stream = _STREAMS.get(dimension)
    rows = store.reference.load(_EXACT, str(division), stream) if stream else []
    return {str(row.get("Code")): str(row.get("Description") or "") for row in rows}
