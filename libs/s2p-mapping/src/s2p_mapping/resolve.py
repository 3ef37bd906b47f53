"""Which code of ServiceNow a code of Exact becomes.

The first rung that holds decides:

1. a rule of the rules file (`rules.RuleSet` says which);
2. the same code, open in ServiceNow for the division's ERP source;
3. the only open one with the same normalised name, if `match_by_name`;
4. none: the line is held.

A rule is a decision by a person. It is followed even where Exact has blocked or ended the code, and
if its target is not open in ServiceNow the line is held: no lower rung puts it right silently.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from s2p_mapping.reasons import AMBIGUOUS, INACTIVE, MISSING, Reason
from s2p_mapping.reference import Entry, Reference
from s2p_mapping.rules import NONE, SAME, Conditions, Rule, RuleSet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["Decision", "Resolver", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A code of Exact to be resolved, with what Exact knows about it.

    `closed` says in words why Exact no longer allows the code on the document's day, or is None.
    """

    dimension: str
    code: str
    name: str | None = None
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a code: an entry of ServiceNow, or a reason to wait for `code`.

    `rule` is the one of the rules file that decided, if one did.
    """

    code: str
    rung: str
    entry: Entry | None = None
    reason: Reason | None = None
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Resolver:
    """All that decides besides the code itself."""

    reference: Reference = field(default_factory=Reference)
    rules: RuleSet = field(default_factory=RuleSet)
    erp_sources: Mapping[int, str] = field(default_factory=dict)
    match_by_name: bool = True

    def erp_source(self, division: int) -> str:
        """The ERP source that stands for the division in ServiceNow."""
        return self.erp_sources.get(division) or f"EXACT-{division}"

    def resolve(
        self,
        subject: Subject,
        division: int,
        day: date,
        conditions: Conditions,
    ) -> Decision:
        """Decide about one code of one division on the document's day."""
        catalogue = self.reference.catalogue(subject.dimension, self.erp_source(division))
        same = catalogue.by_code(subject.code)
        rule = self.rules.find(subject.dimension, subject.code, division, day, conditions)
        if rule is not None and rule.target == NONE:
            decision = replace(self._held(subject, f"{rule} → not allowed", INACTIVE), rule=rule)
        elif rule is not None:
            passes = rule.target == SAME
            target = subject.code if passes else rule.target
            rung = f"{rule} → {'same code' if passes else target}"
            entries = catalogue.by_code(target)
            decision = replace(self._by_code(subject, target, entries, day, rung), rule=rule)
        elif subject.closed:
            decision = self._held(subject, subject.closed, INACTIVE)
        elif any(entry.open_on(day) for entry in same) or not self.match_by_name:
            decision = self._by_code(subject, subject.code, same, day, "same code")
        else:
            named = catalogue.by_name(subject.name) if subject.name else ()
            decision = self._by_name(subject, [e for e in named if e.open_on(day)])
            if decision.reason in MISSING.values():
                # Nothing of that name either: the code itself says best what is wrong.
                decision = self._by_code(subject, subject.code, same, day, "same code")
        return decision

    def _by_code(
        self,
        subject: Subject,
        target: str,
        entries: tuple[Entry, ...],
        day: date,
        rung: str,
    ) -> Decision:
        dimension = subject.dimension
        open_ = [entry for entry in entries if entry.open_on(day)]
        if len(open_) == 1:
            return Decision(target, rung, open_[0])
        via = "" if rung == "same code" else f"{rung}, "
        if open_:
            text = f"{via}{len(open_)} with this code in ServiceNow"
            return Decision(target, text, reason=AMBIGUOUS[dimension])
        if entries:
            return Decision(target, f"{via}not open in ServiceNow", reason=INACTIVE[dimension])
        return Decision(target, f"{via}not in ServiceNow", reason=MISSING[dimension])

    @staticmethod
    def _by_name(subject: Subject, open_: list[Entry]) -> Decision:
        if len(open_) == 1:
            entry = open_[0]
            return Decision(entry.code, f"same name {entry.code}", entry)
        if open_:
            text = f"{len(open_)} with this name in ServiceNow"
            return Decision(subject.code, text, reason=AMBIGUOUS[subject.dimension])
        return Resolver._held(subject, "not in ServiceNow", MISSING)

    @staticmethod
    def _held(subject: Subject, rung: str, reasons: Mapping[str, Reason]) -> Decision:
        return Decision(subject.code, rung, reason=reasons[subject.dimension])
