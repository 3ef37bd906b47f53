"""Records that are one in two systems: what both had when they last agreed, and what waits.

Rows lie in clear. They are codes, names of accounts and cost centers, dates: never personal data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, select, update

from s2p_store.encoding import from_instant, from_json, to_instant, to_json_text
from s2p_store.schema import reference_case, reference_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Table
    from sqlalchemy.sql.elements import ColumnElement

    from s2p_store.database import Database

__all__ = ["PairCase", "PairLink", "Pairs"]


@dataclass(frozen=True, slots=True)
class PairLink:
    """Two records that are one; `base` is JSON: what both had when they last agreed.

    `updated_at` is when that was noted (aware, UTC); the store's own, None when given.
    """

    stream: str
    division: int
    servicenow_id: str
    exact_id: str
    code: str
    base: Mapping[str, Any]
    updated_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PairCase:
    """What waits for a person.

    Attributes:
        field: in question; "" for the whole record.
        sides: JSON: base, exact, servicenow.
        choice: what a person decided and no run has carried out yet; "" for nothing.
        opened_at: when it was queued (aware, UTC); the store's own, None when given.
    """

    stream: str
    division: int
    servicenow_id: str
    field: str
    kind: str
    code: str
    sides: Mapping[str, Any]
    message: str = ""
    choice: str = ""
    opened_at: datetime | None = None

    @property
    def key(self) -> tuple[str, int, str, str]:
        """There is never more than one of a key."""
        return self.stream, self.division, self.servicenow_id, self.field


def _place(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.stream == bindparam("of_stream"), table.c.division == bindparam("of_division")
    )


_links = select(reference_link).where(_place(reference_link))
_cases = select(reference_case).where(_place(reference_case))
_one_case = and_(
    _place(reference_case),
    reference_case.c.servicenow_id == bindparam("of_id"),
    reference_case.c.field == bindparam("of_field"),
)
_close = delete(reference_case).where(_one_case)
_choose = (
    update(reference_case)
    .where(_one_case, reference_case.c.sides == bindparam("of_sides"))
    .values(choice=bindparam("to_choice"))
)
_forget = delete(reference_link).where(
    _place(reference_link),
    reference_link.c.exact_id == bindparam("of_exact"),
    reference_link.c.servicenow_id != bindparam("of_id"),
)
_all_cases = select(reference_case).order_by(
    reference_case.c.stream,
    reference_case.c.division,
    reference_case.c.code,
    reference_case.c.servicenow_id,
    reference_case.c.field,
)


class Pairs:
    """The pairs and cases of one store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._upsert_link = database.upsert(reference_link)
        self._upsert_case = database.upsert(reference_case)

    def links(self, stream: str, division: int) -> list[PairLink]:
        """Give the pairs of a stream and division."""
        of = {"of_stream": stream, "of_division": division}
        with self._database.reading() as connection:
            return [
                PairLink(
                    row.stream,
                    row.division,
                    row.servicenow_id,
                    row.exact_id,
                    row.code,
                    from_json(row.base),
                    from_instant(row.updated_at),
                )
                for row in connection.execute(_links, of)
            ]

    def cases(self, stream: str | None = None, division: int | None = None) -> list[PairCase]:
        """Give what waits, in a lasting order; of one stream or division where they are named."""
        with self._database.reading() as connection:
            found = [_case(row) for row in connection.execute(_all_cases)]
        return [
            case
            for case in found
            if stream in {None, case.stream} and division in {None, case.division}
        ]

    def settle(
        self,
        stream: str,
        division: int,
        links: Iterable[PairLink],
        cases: Sequence[PairCase],
        run_id: str,
    ) -> int:
        """Keep links, and have exactly these cases of a stream and division; give how many are new.

        A case that waited already keeps its moment.
        """
        now = to_instant(self._clock())
        with self._database.writing() as connection:
            self._keep(connection, links, run_id, now)
            of = {"of_stream": stream, "of_division": division}
            known = {case.key: case for case in map(_case, connection.execute(_cases, of))}
            wanted = {case.key: case for case in cases}
            for key in known.keys() - wanted.keys():
                connection.execute(_close, {**of, "of_id": key[2], "of_field": key[3]})
            new = 0
            for key, case in wanted.items():
                before = known.get(key)
                same = before is not None and (before.kind, before.sides) == (case.kind, case.sides)
                if before is not None and same and before.message == case.message:
                    continue
                new += not same
                opened = before.opened_at if before is not None and same else None
                at = now if opened is None else to_instant(opened)
                connection.execute(self._upsert_case, _case_row(case, run_id, at))
        return new

    def written(self, link: PairLink, fields: Iterable[str], run_id: str) -> None:
        """Keep a link after a write, and close what waited about the record or these fields."""
        of = {"of_stream": link.stream, "of_division": link.division, "of_id": link.servicenow_id}
        with self._database.writing() as connection:
            self._keep(connection, [link], run_id, to_instant(self._clock()))
            for name in ("", *fields):
                connection.execute(_close, {**of, "of_field": name})

    def open(self, case: PairCase, run_id: str) -> None:
        """Queue one case in place of the one of its key."""
        with self._database.writing() as connection:
            row = _case_row(case, run_id, to_instant(self._clock()))
            connection.execute(self._upsert_case, row)

    def choose(self, case: PairCase, choice: str) -> bool:
        """Note what a person decided about exactly these values; whether that still waits."""
        with self._database.writing() as connection:
            changed = connection.execute(
                _choose,
                {
                    "of_stream": case.stream,
                    "of_division": case.division,
                    "of_id": case.servicenow_id,
                    "of_field": case.field,
                    "of_sides": to_json_text(case.sides),
                    "to_choice": choice,
                },
            )
        return changed.rowcount > 0

    def _keep(
        self, connection: Connection, links: Iterable[PairLink], run_id: str, now: str
    ) -> None:
        for link in links:
            of = {"of_stream": link.stream, "of_division": link.division}
            partner = {"of_exact": link.exact_id, "of_id": link.servicenow_id}
            connection.execute(_forget, {**of, **partner})
            connection.execute(
                self._upsert_link,
                {
                    "stream": link.stream,
                    "division": link.division,
                    "servicenow_id": link.servicenow_id,
                    "exact_id": link.exact_id,
                    "code": link.code,
                    "base": to_json_text(link.base),
                    "run_id": run_id,
                    "updated_at": now,
                },
            )


def _case(row: Row[Any]) -> PairCase:
    return PairCase(
        row.stream,
        row.division,
        row.servicenow_id,
        row.field,
        row.kind,
        row.code,
        from_json(row.sides),
        row.message,
        row.choice,
        from_instant(row.opened_at),
    )


def _case_row(case: PairCase, run_id: str, opened_at: str) -> dict[str, Any]:
    return {
        "stream": case.stream,
        "division": case.division,
        "servicenow_id": case.servicenow_id,
        "field": case.field,
        "kind": case.kind,
        "code": case.code,
        "sides": to_json_text(case.sides),
        "message": case.message,
        "choice": case.choice,
        "run_id": run_id,
        "opened_at": opened_at,
    }
