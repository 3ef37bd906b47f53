"""Carry a plan out, so that it may break off at any point: notes first, each write, its note.

What is written and not noted is seen by the next run, which compares the whole: a change that is
there is no difference, a record that is there is matched by its code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from s2p_reference.plan import Creation, Plan, Update
from s2p_reference.records import REFUSED_BY_EXACT, Case, CaseKind, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from s2p_reference.entities import Entity, Item

__all__ = ["Done", "NotWritten", "Notes", "Outdated", "Stopped", "Writer", "carry_out"]

_MOST_REFUSED: Final = 3
"""Refusals after which a run leaves an endpoint alone: Exact blocks an app after ten an hour."""


class NotWritten(Exception):  # noqa: N818 - the name says what happened
    """Exact did not take one record; the sentence is for a person.

    Attributes:
        final: the same once more would be refused again.
    """

    def __init__(self, sentence: str, *, final: bool) -> None:
        super().__init__(sentence)
        self.final = final


class Stopped(NotWritten):
    """Exact takes nothing at this place in this run."""


class Outdated(Exception):  # noqa: N818 - the name says what happened
    """Exact is not any more as the plan took it to be; nothing was written."""


class Writer(Protocol):
    """Exact, for one division and kind."""

    def create(self, entity: Entity, division: int, body: Mapping[str, Any]) -> str:
        """Make a record and give its ID.

        Raises:
            NotWritten, Stopped: with a sentence.
            Outdated: what the plan was made of has to be read anew.
        """

    def update(
        self, entity: Entity, division: int, exact_id: str, code: str, body: Mapping[str, Any]
    ) -> None:
        """Change properties of a record; raises as `create`."""


class Notes(Protocol):
    """What is remembered; each call is one transaction."""

    def settle(
        self, stream: str, division: int, links: Sequence[Link], cases: Sequence[Case]
    ) -> None:
        """Keep links, and have exactly these cases of a stream and division."""

    def written(self, link: Link, kind: str, detail: Mapping[str, Any]) -> None:
        """Keep a link after a write, close the record's cases about what was written."""

    def refuse(self, case: Case) -> None:
        """Keep that a record waits."""


@dataclass(slots=True)
class Done:
    """What became of a plan: numbers of records, and sentences for a person.

    Attributes:
        outdated: it broke off, as Exact is not any more as the plan took it to be.
    """

    created: int = 0
    updated: int = 0
    refused: int = 0
    left: int = 0
    problems: tuple[str, ...] = ()
    outdated: bool = False


def carry_out(  # noqa: PLR0913 - what it works with, one by one
    plan: Plan,
    entity: Entity,
    division: int,
    writer: Writer,
    notes: Notes,
    *,
    check: Callable[[], object] = lambda: None,
) -> Done:
    """Do what a plan says.

    Args:
        plan: of this entity and division.
        entity: what it is about.
        division: where.
        writer: to Exact.
        notes: of the store.
        check: called before each write; may raise to end the run there.
    """
    notes.settle(entity.stream, division, plan.links, plan.cases)
    done = Done()
    steps: list[Update | Creation] = [*plan.updates, *plan.creations]
    for place, step in enumerate(steps):
        check()
        try:
            if isinstance(step, Update):
                _update(step, entity, division, writer, notes)
                done.updated += 1
            else:
                _create(step, entity, division, writer, notes)
                done.created += 1
        except Outdated:
            done.outdated = True
            break
        except NotWritten as error:
            done.refused += 1
            done.problems = (*done.problems, _sentence(step, entity, division, error))
            stopped = isinstance(error, Stopped)
            if error.final or stopped:
                _note(step, entity, division, error, notes)
            if stopped or done.refused >= _MOST_REFUSED:
                rest = steps[place + 1 :]
                done.left = len(rest)
                for other in rest if stopped else ():
                    _note(other, entity, division, error, notes)
                break
    return done


def _update(step: Update, entity: Entity, division: int, writer: Writer, notes: Notes) -> None:
    body = {entity.field(name).property: value for name, value in step.values.items()}
    writer.update(entity, division, step.link.exact_id, step.link.code, body)
    link = replace(step.link, base={**step.link.base, **step.values})
    detail = {name: [step.before[name], value] for name, value in step.values.items()}
    notes.written(link, "reference_updated", detail)


def _create(step: Creation, entity: Entity, division: int, writer: Writer, notes: Notes) -> None:
    item = step.item
    exact_id = writer.create(entity, division, step.body)
    base = {
        one.name: item.values[one.name]
        for one in entity.fields
        if step.body.get(one.property) == item.values.get(one.name, object())
    }
    link = Link(entity.stream, division, exact_id, item.id, item.code, base)
    notes.written(link, "reference_created", dict(step.body))


def _note(
    step: Update | Creation, entity: Entity, division: int, error: NotWritten, notes: Notes
) -> None:
    """Keep what waits; only a refusal of Exact's that is final is not tried again by itself."""
    message = str(error)
    if isinstance(step, Creation):
        item: Item = step.item
        said = REFUSED_BY_EXACT if error.final else None
        notes.refuse(
            Case(
                entity.stream,
                division,
                item.id,
                "",
                CaseKind.REFUSED,
                item.code,
                exact=said,
                servicenow=item.name,
                message=message,
            )
        )
        return
    for name, value in step.values.items() if error.final else ():
        notes.refuse(
            Case(
                entity.stream,
                division,
                step.link.servicenow_id,
                name,
                CaseKind.REFUSED,
                step.link.code,
                exact=step.before[name],
                servicenow=value,
                message=message,
            )
        )


def _sentence(step: Update | Creation, entity: Entity, division: int, error: NotWritten) -> str:
    code = step.item.code if isinstance(step, Creation) else step.link.code
    return f"{entity.heading} {code} of division {division} was not written. {error}"
