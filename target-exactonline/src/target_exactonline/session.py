"""One run: what has come is kept, then every division is compared and carried over."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from exactonline_client import (
    App,
    AuthorizationError,
    ExactError,
    LimitError,
    RequestRefused,
    connect,
    root_url,
)
from s2p_exactonline import SYSTEM as EXACT
from s2p_exactonline import RefusalLog, VaultTokens
from s2p_reference.carry import carry_out
from s2p_reference.creation import Rules
from s2p_reference.entities import ENTITIES, exact_item
from s2p_reference.known import EVERY, SYSTEM, by_division, carried, items
from s2p_reference.plan import Sides, make_plan
from s2p_singer import register, run_id
from s2p_store import Store
from target_exactonline.exact import ExactSide
from target_exactonline.intake import Intake
from target_exactonline.notes import StoreNotes
from target_exactonline.picture import Pictures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from logging import Logger

    from s2p_reference.carry import Done
    from s2p_reference.entities import Entity
    from s2p_reference.plan import Plan
    from s2p_singer import Termination
    from target_exactonline.picture import Picture
    from target_exactonline.settings import Wishes

__all__ = ["Session"]

_LOCK: Final = "reference-to-exactonline"
_LOCK_SECONDS: Final = 60.0
_NAMED: Final = 10
"""Cases that a run names one by one; the rest is counted."""


class Session:
    """Opens store and client, and keeps account.

    Attributes:
        problems: what a person has to put right; the run goes on and ends with code 1.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        wishes: Wishes,
        plugin: str,
        logger: Logger,
        termination: Termination,
    ) -> None:
        """Open the store and prepare the client; asks Exact nothing yet.

        Raises:
            StoreError, SettingError: as their sentences say.
        """
        self.problems: list[str] = []
        self._wishes = wishes
        self._plugin = plugin
        self._logger = logger
        self._termination = termination
        self._run_id = run_id()
        self._calls: Counter[int | None] = Counter()
        self._counts: dict[str, Counter[str]] = {}
        self._resources = ExitStack()
        self._store = self._resources.enter_context(
            Store.open(config["store_url"], config["store_key"])
        )
        self._store.runs.start(self._run_id, plugin)
        self.intake = Intake(self._store)
        self._client = connect(
            root_url(config["region"], config.get("api_url")),
            App(config["client_id"], config["client_secret"], config.get("redirect_uri")),
            VaultTokens(
                self._store.vault,
                config["client_id"],
                config.get("refresh_token"),
                on_secret=register,
            ),
            timeout=float(config["request_timeout"]),
            reserve_daily_calls=config["reserve_daily_calls"],
            errors=RefusalLog(self._store.memory, config["client_id"]),
            sleep=self._sleep,
            on_call=self._note_call,
        )
        self._resources.callback(self._client.close)
        self._pictures = Pictures(self._client, self._store, wishes.whole_read_hours)

    def take(self, stream: str, record: Mapping[str, Any], version: object = None) -> None:
        """Take one record of ServiceNow, of a version of its stream if there is one."""
        self._count(stream, "read")
        self.intake.take(stream, record, version)

    def activate(self, stream: str, version: int) -> None:
        """Forget what ServiceNow has no more, now that all of a version has come."""
        title = ENTITIES[stream].title
        gone, believed = self.intake.activate(stream, version)
        if not believed:
            self._logger.warning(
                "ServiceNow shows %d %ss no more, most of those it had: it looks like a right "
                "that was lost. They are still taken to be there.",
                gone,
                title,
            )
        elif gone:
            self._logger.info("ServiceNow has %d %ss no more.", gone, title)

    def carry_over(self) -> None:
        """Compare and carry over all that is known, division by division.

        Raises:
            StoreError: another run is at it, or the store fails.
            LoginNeeded: Exact takes no token of this login.
            Terminated: a signal came; what was begun is settled.
        """
        self.intake.save()
        with self._store.lock(_LOCK, _LOCK_SECONDS):
            found, elsewhere = by_division(
                lambda stream: self._store.reference.load(SYSTEM, EVERY, stream),
                self._wishes.places.division_of,
            )
            for source, number in sorted(elsewhere.items()):
                self._logger.warning(
                    "%d GL accounts and cost centers of ERP source %s belong to no division of "
                    "these settings (erp_sources, divisions): left alone.",
                    number,
                    source,
                )
            for division, streams in sorted(found.items()):
                closed: ExactError | None = None
                for stream, rows in streams.items():
                    self._termination.check()
                    closed = self._place(ENTITIES[stream], division, rows, closed)

    def close(self, *, ok: bool) -> None:
        """Write the run's numbers to the store and let go of everything."""
        with self._resources:
            for division, calls in self._calls.items():
                if division is not None:
                    self._logger.info("Division %d: %d calls to Exact Online.", division, calls)
            for stream, counts in self._counts.items():
                self._store.runs.count(self._run_id, self._plugin, stream, **counts)
            self._store.runs.calls(self._run_id, EXACT, sum(self._calls.values()))
            self._store.runs.finish(self._run_id, self._plugin, ok)

    def _place(
        self,
        entity: Entity,
        division: int,
        rows: list[dict[str, Any]],
        closed: ExactError | None,
    ) -> ExactError | None:
        """Carry over one kind of one division; what stands in the way there stays there.

        Gives what was refused if it is about the whole division: it is not asked again.
        """
        try:
            if closed is not None:
                raise closed
            picture = self._pictures.now(entity, division)
            if self._carry(entity, division, rows, picture).outdated:
                self._carry(entity, division, rows, self._pictures.whole(entity, division))
        except AuthorizationError:
            raise
        except ExactError as error:
            self.problems.append(
                f"{len(rows)} {entity.title}s of division {division} could not be compared. {error}"
            )
            self._count(entity.stream, "failed", len(rows))
            refused = isinstance(error, RequestRefused) and error.whole_division
            return error if refused or isinstance(error, LimitError) else None
        return None

    def _carry(
        self, entity: Entity, division: int, rows: list[dict[str, Any]], picture: Picture
    ) -> Done:
        """Compare one kind of one division with a picture of Exact, and carry it over.

        Raises:
            ExactError: a record cannot be looked up.
        """
        today = self._client.now().date().isoformat()
        notes = StoreNotes(self._store, self._run_id)
        sides = Sides(
            entity,
            division,
            [exact_item(entity, row, today) for row in picture.rows],
            items(entity, rows, today),
            notes.links(entity.stream, division),
            notes.cases(entity.stream, division),
            carried(entity, self._store.reference.load(EXACT, str(division), entity.stream)),
        )
        rules = Rules(
            self._wishes.create,
            self._wishes.templates,
            self._wishes.code_lengths,
            {str(row["id"]): str(row["type"]) for row in rows if row.get("type")},
        )
        plan = make_plan(sides, self._wishes.ownership.all_of(division, entity), rules)
        side = ExactSide(self._client, look_first=not picture.whole)
        done = carry_out(plan, entity, division, side, notes, check=self._termination.check)
        self._count(entity.stream, "inserted", done.created)
        self._count(entity.stream, "updated", done.updated)
        self._count(entity.stream, "failed", done.refused)
        self.problems += done.problems
        if not done.outdated:
            self._tell(entity, division, plan, done, notes)
        return done

    def _tell(
        self, entity: Entity, division: int, plan: Plan, done: Done, notes: StoreNotes
    ) -> None:
        stream = entity.stream
        self._count(stream, "held", len(plan.cases))
        for case in notes.fresh[:_NAMED]:
            why = f": {case.message}" if case.message else ""
            self._logger.warning(
                "%s %s of division %d waits (%s%s)%s `s2p reference conflicts` shows it.",
                entity.heading,
                case.code,
                division,
                case.kind.value,
                f" about {case.field}" if case.field else "",
                f"{why}" if why else ".",
            )
        if len(notes.fresh) > _NAMED:
            self._logger.warning(
                "%d more %ss of division %d wait.",
                len(notes.fresh) - _NAMED,
                entity.title,
                division,
            )
        if plan.drifts:
            self._logger.warning(
                "%d differences of %ss of division %d are not Exact Online's to take over: "
                "`s2p reference compare` shows them.",
                len(plan.drifts),
                entity.title,
                division,
            )
        if done.left:
            self.problems.append(
                f"{done.left} more {entity.title}s of division {division} were left for the next "
                "run, as Exact Online refused several."
            )

    def _count(self, stream: str, name: str, number: int = 1) -> None:
        if number:
            self._counts.setdefault(stream, Counter())[name] += number

    def _note_call(self, division: int | None) -> None:
        self._calls[division] += 1

    def _sleep(self, seconds: float) -> None:
        with self._termination.interruptible():
            time.sleep(seconds)
