"""One run's connection: the store, the client, the divisions, and what could not be done."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from exactonline_client import (
    App,
    DailyLimitReached,
    RequestRefused,
    connect,
    root_url,
    utc_now,
)
from s2p_exactonline import SYSTEM, RefusalLog, VaultTokens, load_grant, mark_silent, save_grant
from s2p_singer import register, run_id
from s2p_store import AuditEvent, Store
from tap_exactonline.announced import Announced
from tap_exactonline.bookmarks import instant_text
from tap_exactonline.costs import Costs
from tap_exactonline.entities import ENTITIES
from tap_exactonline.row_versions import generation_of
from tap_exactonline.silence import WATCHED, Watch
from tap_exactonline.sweep import Sweeps

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from exactonline_client import ExactClient
    from tap_exactonline.definitions import StreamDefinition
    from tap_exactonline.deletions import DeletionLog
    from tap_exactonline.side_by_side import Turns


__all__ = ["Session"]

DIVISIONS: Final = "system/Divisions"
_WORTH_TELLING: Final = 5.0
_NAMED: Final = 10


class Session:
    """Opens store and client, and keeps account of divisions, calls and failures."""

    def __init__(
        self, config: Mapping[str, Any], plugin: str, logger: logging.Logger, turns: Turns
    ) -> None:
        """Open the store and prepare the client; asks Exact nothing yet.

        Args:
            config: valid settings, with what a connection needs.
            plugin: the plugin's name, for the run statistics.
            logger: for progress.
            turns: of divisions read side by side.

        Raises:
            StoreError, SettingError: as their sentences say.
        """
        self._plugin = plugin
        self._logger = logger
        self._run_id = run_id()
        self._calls: Counter[int | None] = Counter()
        self._read: Counter[str] = Counter()
        self._configured: list[int] = list(dict.fromkeys(config.get("divisions") or ()))
        self._granted: dict[int, dict[str, Any]] | None = None
        self._prepared = False
        self.divisions_read_at = ""
        self._closed = False
        self._told: set[str] = set()
        self.problems: list[str] = []
        self.stopped: dict[int, str] = {}
        self.came_along: set[tuple[str, int]] = set()
        self.deletions: dict[int, DeletionLog] = {}
        self.announced: dict[int, Announced] = {}
        self._watches: dict[tuple[str, int], Watch] = {}
        self.refusals: dict[tuple[str, int], RequestRefused] = {}
        self._root = root_url(config["region"], config.get("api_url"))
        self._config = config
        self._turns = turns
        self._clients: dict[int, ExactClient] = {}
        self._store = Store.open(config["store_url"], config["store_key"])
        try:
            self._store.runs.start(self._run_id, plugin)
            self._tokens = VaultTokens(
                self._store.vault,
                config["client_id"],
                config.get("refresh_token"),
                on_secret=register,
            )
            self.sweeps = Sweeps(self._store.memory, config["client_id"])
            self.costs = Costs(self._store.memory, config["client_id"])
            self._refusal_log = RefusalLog(self._store.memory, config["client_id"])
            self._first = self._connect()
        except BaseException:
            self._store.close()
            raise

    def _connect(self) -> ExactClient:
        config = self._config
        return connect(
            self._root,
            App(config["client_id"], config["client_secret"], config.get("redirect_uri")),
            self._tokens,
            timeout=float(config["request_timeout"]),
            reserve_daily_calls=config["reserve_daily_calls"],
            errors=self._refusal_log,
            sleep=lambda seconds: self._turns.sleep(seconds, time.sleep),
            on_call=self._note_call,
            on_wait=self._tell_wait,
        )

    def client(self, division: int) -> ExactClient:
        """Give the connection of a division: each has a pace of its own."""
        if not self._clients:
            self._clients[division] = self._first  # it knows what reading the divisions cost
        if division not in self._clients:
            self._clients[division] = self._connect()
        return self._clients[division]

    # Divisions

    def divisions(self) -> Iterator[int]:
        """Yield the divisions to read that exist for this login and still have calls left."""
        self._prepare()
        for division in self._configured:
            unknown = self._granted is not None and division not in self._granted
            if not unknown and division not in self.stopped:
                yield division

    def division_row(self, division: int) -> dict[str, Any] | None:
        """Give the row of ``system/Divisions`` in Exact's form, None if it could not be read."""
        return None if self._granted is None else self._granted.get(division)

    def generation(self, division: int) -> str | None:
        """Give the mark of ``row_versions.generation_of``."""
        row = self.division_row(division)
        return None if row is None else generation_of(row)

    def today(self) -> date:
        """Give the date by Exact's clock, UTC."""
        return self._first.now().date()

    def stop(self, reason: DailyLimitReached) -> None:
        """Leave a division alone for the rest of this run; what was read of it is kept."""
        if reason.division not in self.stopped:
            self.stopped[reason.division] = str(reason)
            self._logger.warning("Stopped reading division %d: %s", reason.division, reason)

    def leave(self, division: int, sentence: str) -> None:
        """Leave a division alone for the rest of this run, as a person has to act."""
        self.stopped[division] = sentence
        self.fail(sentence)

    def fail(self, sentence: str) -> None:
        """Note something that a person has to put right; the run goes on and ends with code 1."""
        if sentence not in self.problems:
            self.problems.append(sentence)

    def tell_fallback(self, resource: str, instead: str, reason: Exception) -> None:
        """Say once that a resource is read in its slower form."""
        if resource not in self._told:
            self._told.add(resource)
            self._logger.warning("Reading %s instead of %s. %s", instead, resource, reason)

    def tell_doubt(self, division: int, stream: str, number: int) -> None:
        """Say that too many records are gone at once to be believed."""
        self._logger.warning(
            "%d of the %s of division %d are not there any more, more than half: it looks like a "
            "right that was lost. Nothing is told as deleted; if the next comparison finds the "
            "same, it will be.",
            number,
            stream,
            division,
        )

    def tell_forgotten(self, division: int, stream: str, why: str) -> None:
        """Say that a stream is read from its beginning."""
        self._logger.warning(
            "%s of division %d is read from the beginning, %s.", stream, division, why
        )

    def _prepare(self) -> None:
        """Learn once which of the configured divisions the login may reach."""
        if self._prepared:
            return
        self._prepared = True
        if not self._configured:
            self._configured = [self._default_division()]
        for division in self._configured:
            try:
                rows = self.client(division).divisions(division, tuple(ENTITIES[DIVISIONS]))
            except DailyLimitReached as error:
                self.stop(error)
            except RequestRefused as error:
                self._logger.warning("The list of divisions cannot be read. %s", error)
                return
            else:
                self._granted = {row["Code"]: row for row in rows if "Code" in row}
                self.divisions_read_at = instant_text(utc_now())
                for other in self._configured:
                    cost = self._calls[division] if other == division else 0
                    self.costs.note(other, "divisions", cost, whole=True)
                self._report_unknown()
                return

    def _default_division(self) -> int:
        """Give the division the user had open at the login, else now; it is remembered."""
        vault, client_id = self._store.vault, self._config["client_id"]
        grant = load_grant(vault, client_id)
        division = grant.division
        if division is None:
            division = self._first.current_division()
            save_grant(vault, client_id, grant.with_division(division))
        self._logger.warning(
            "No divisions are configured: reading %d, which the user had open when the login was "
            "set up. Set divisions to choose.",
            division,
        )
        return division

    def _report_unknown(self) -> None:
        granted = self._granted or {}
        for division in self._configured:
            if division not in granted:
                names = ", ".join(str(code) for code in sorted(granted)[:_NAMED]) or "none"
                self.fail(
                    f"Division {division} is not open to this login (open are: {names}). "
                    "Correct the setting divisions, or grant it at a new login (`s2p login`)."
                )

    # The inbox

    def take_announced(self, division: int, covered: Mapping[str, Any]) -> Announced | None:
        """Give what webhooks announced in a division; None if it is not to be looked at.

        Args:
            division: its code.
            covered: by topic, the number up to which the state this run was given covers events.
        """
        if not self._config["drain_webhooks"]:
            return None
        if division not in self.announced:
            inbox = self._store.inbox
            for topic, upto in covered.items():
                if isinstance(upto, int):
                    inbox.settle(division, topic, upto)
            announced = self.announced[division] = Announced(division, inbox.waiting(division))
            for stream, topic in WATCHED.items():
                last = inbox.last_received(division, [topic])
                if last is not None:
                    keys = announced.keys(topic)
                    watch = Watch.since(topic, last, self._first.now(), keys)
                    self._watches[stream, division] = watch
        return self.announced[division]

    def noticed(
        self, division: int, stream: StreamDefinition, records: Iterable[Mapping[str, Any]]
    ) -> None:
        """Look at records that were found by asking, for what webhooks should have told."""
        watch = self._watches.get((stream.name, division))
        if watch is not None:
            watch.notice(records, stream.id)

    def _tell_silence(self) -> None:
        for (stream, division), watch in self._watches.items():
            if watch.missed:
                mark_silent(self._store.memory, division, watch.topic)
                self._logger.warning(
                    "The webhook subscription for %s of division %d seems to have gone silent: "
                    "asking found %d changed %s that no event named. The next `s2p webhooks "
                    "subscribe` makes it anew.",
                    watch.topic,
                    division,
                    watch.missed,
                    stream,
                )

    # Accounts

    def calls(self, division: int) -> int:
        """Give how many calls a division has cost so far."""
        return self._calls[division]

    def rows(self, stream: str) -> int:
        """Give how many rows of a stream were emitted so far."""
        return self._read[stream]

    def count(self, stream: str, rows: int) -> None:
        """Note rows that were emitted."""
        self._read[stream] += rows

    def close(self, *, ok: bool) -> None:
        """Write the run's numbers to the store and let go of everything."""
        if self._closed:
            return
        self._closed = True
        for division, calls in self._calls.items():
            if division is not None:
                self._logger.info("Division %d: %d calls to Exact Online.", division, calls)
        try:
            self._note_read()
            self._tell_silence()
            self.sweeps.save()
            self.costs.save()
            self._store.runs.calls(self._run_id, SYSTEM, sum(self._calls.values()))
            self._store.runs.finish(self._run_id, self._plugin, ok)
        finally:
            # A thread that renews the login right now has to keep what it is given.
            self._tokens.close()
            for client in {self._first, *self._clients.values()}:
                client.close()
            self._store.close()

    def _note_read(self) -> None:
        """Count what went out, and note it in the trail: one event a stream, not one a record."""
        at = utc_now()
        for stream, rows in self._read.items():
            self._store.runs.count(self._run_id, self._plugin, stream, read=rows)
        self._store.audit.append(
            [
                AuditEvent(self._run_id, at, stream, None, None, "read", None, {"records": rows})
                for stream, rows in self._read.items()
                if rows
            ]
        )

    def _note_call(self, division: int | None) -> None:
        self._calls[division] += 1

    def _tell_wait(self, seconds: float, reason: str) -> None:
        if seconds >= _WORTH_TELLING:
            self._logger.info("Waiting %.0f seconds: %s.", seconds, reason)
