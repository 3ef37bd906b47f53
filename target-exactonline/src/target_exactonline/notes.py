"""What is remembered of a run's work: pairs and cases in the store, writes in the audit trail."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from s2p_reference.records import Case, Link
from s2p_store import AuditEvent, PairCase, PairLink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s2p_store import Store

__all__ = ["StoreNotes"]


class StoreNotes:
    """Satisfies `s2p_reference.carry.Notes`.

    Attributes:
        fresh: cases that were not there before this run.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        """Prepare; reads nothing yet."""
        self._store = store
        self._run_id = run_id
        self.fresh: list[Case] = []

    def links(self, stream: str, division: int) -> list[Link]:
        """Give the pairs of a place."""
        return [Link.of(one) for one in self._store.pairs.links(stream, division)]

    def cases(self, stream: str, division: int) -> list[Case]:
        """Give what waits at a place."""
        return [Case.of(one) for one in self._store.pairs.cases(stream, division)]

    def settle(
        self, stream: str, division: int, links: Sequence[Link], cases: Sequence[Case]
    ) -> None:
        """Keep links, and have exactly these cases of a stream and division."""
        known = {case.key: (case.about, case.message) for case in self.cases(stream, division)}
        told = [case for case in cases if known.get(case.key) != (case.about, case.message)]
        with self._store.transaction():
            self._store.pairs.settle(
                stream,
                division,
                [_pair(link) for link in links],
                [_pair_case(case) for case in cases],
                self._run_id,
            )
            self._store.audit.append([self._asked(case) for case in told])
        self.fresh += told

    def written(self, link: Link, kind: str, detail: Mapping[str, Any]) -> None:
        """Keep a link after a write, with its place in the audit trail."""
        event = AuditEvent(
            self._run_id,
            datetime.now(timezone.utc),
            link.stream,
            link.division,
            link.exact_id,
            kind,
            link.code,
            dict(detail),
        )
        with self._store.transaction():
            self._store.pairs.written(_pair(link), list(detail), self._run_id)
            self._store.audit.append([event])

    def refuse(self, case: Case) -> None:
        """Keep that a record waits."""
        with self._store.transaction():
            self._store.pairs.open(_pair_case(case), self._run_id)
            self._store.audit.append([self._asked(case)])
        self.fresh.append(case)

    def _asked(self, case: Case) -> AuditEvent:
        detail = {"servicenow_id": case.servicenow_id, "field": case.field, **case.sides}
        return AuditEvent(
            self._run_id,
            datetime.now(timezone.utc),
            case.stream,
            case.division,
            None,
            f"reference_{case.kind.value}",
            case.code,
            {**detail, "message": case.message} if case.message else detail,
        )


def _pair(link: Link) -> PairLink:
    return PairLink(
        link.stream,
        link.division,
        link.servicenow_id,
        link.exact_id,
        link.code,
        dict(link.base),
    )


def _pair_case(case: Case) -> PairCase:
    return PairCase(
        case.stream,
        case.division,
        case.servicenow_id,
        case.field,
        case.kind.value,
        case.code,
        case.sides,
        case.message,
        case.choice,
    )
