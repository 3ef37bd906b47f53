"""A pass: one stream, read in every division that is open, and what follows from refusals."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exactonline_client import (
    DailyLimitReached,
    ExactError,
    RequestRefused,
    ServerFailed,
    utc_now,
)
from tap_exactonline.bookmarks import instant_text, parse_instant
from tap_exactonline.deletions import DELETIONS, LOGGED_WHOLE, DeletionLog, deletion
from tap_exactonline.key_set import KeySet
from tap_exactonline.output import Limit, RowLimitReached, Span
from tap_exactonline.reading import DivisionReader
from tap_exactonline.sweep import SWEPT, is_due

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_exactonline.announced import Announced
    from tap_exactonline.streams import ExactStream
    from tap_exactonline.tap import TapExactOnline

__all__ = ["Pass"]

_FORBIDDEN: Final = 403
_INTERNAL_ERROR: Final = 500


class Pass:
    """Reads one stream, and the lines that come with it, in every division."""

    def __init__(self, tap: TapExactOnline, stream: ExactStream, most: int | None) -> None:
        """Prepare.

        Args:
            tap: whose session is used.
            stream: what is read.
            most: how many rows a dry run wants; None: all.
        """
        self._tap = tap
        self._session = tap.session
        self._stream = stream
        definition = stream.definition
        self._source = tap.definition_of(definition.lines_of or definition.name)
        self._lines = tap.selected_stream(self._source.line_stream)
        self._limit = Limit(most)
        start = tap.config.get("start_date")
        self._span = Span(
            parse_instant(start) if start else None,
            timedelta(seconds=tap.config["overlap_seconds"]),
        )

    @property
    def lines(self) -> ExactStream | None:
        """The stream whose rows come along, if it is another one."""
        return None if self._lines is self._stream else self._lines

    def run(self, commit: Callable[[], None]) -> None:
        """Read all divisions.

        Args:
            commit: called after each.

        Raises:
            ExactError: what ends the run; the other divisions were read before.
        """
        failures: list[Exception] = []
        results = self._tap.turns.run(list(self._divisions()), self._read)
        with closing(results):
            for division, error in results:
                if isinstance(error, RowLimitReached):
                    return
                if error is not None and not self._goes_on_after(error, division, failures):
                    break
                commit()
        if failures:
            raise failures[0]

    def _divisions(self) -> Iterator[int]:
        with self._tap.termination.interruptible():
            divisions = list(self._session.divisions())
        for division in divisions:
            beside = (self._stream.name, division) in self._session.came_along
            if division not in self._session.stopped and not beside:
                yield division

    def _read(self, division: int) -> None:
        announced = self._session.take_announced(division, self._tap.covered(division))
        if self._stream.name == DELETIONS:
            self._tell_deletions(division, announced)
            return
        if announced is not None:
            self._read_announced(division, announced)
        deletions_stream = self._tap.selected_stream(DELETIONS)
        logged = self._source.endpoint.by == "Timestamp" or self._source.name in LOGGED_WHOLE
        deletions = self._log(division, deletions_stream) if deletions_stream and logged else None
        rows_to = None if self._stream.definition.lines_of else self._stream
        with self._costed(division, self._stream):
            DivisionReader(
                self._session,
                division,
                self._source,
                rows_to=rows_to,
                lines_to=self._lines,
                span=self._span,
                limit=self._limit,
                deletions=deletions,
            ).read()

    def _read_announced(self, division: int, announced: Announced) -> None:
        """Read by key; what Exact does not give that way is found by asking, as ever."""
        for output in self._outputs():
            try:
                announced.read(self._session, output, self._limit)
            except (RequestRefused, ServerFailed) as error:
                if getattr(error, "whole_division", False):
                    raise
                self._session.fail(
                    f"{error} What webhooks announced of {output.name} in division {division} "
                    "stays in the inbox."
                )

    def _outputs(self) -> list[ExactStream]:
        """Give the stream, and the lines that have no pass of their own."""
        lines = self.lines
        if lines is None or lines.definition.beside is not None:
            return [self._stream]
        return [self._stream, lines]

    def _tell_deletions(self, division: int, announced: Announced | None) -> None:
        log = self._log(division, self._stream)
        log.emit(self._limit)
        if announced is not None:
            announced.tell_deletions(self._stream, log.told, instant_text(utc_now()))
        for name in SWEPT:
            stream = self._tap.selected_stream(name)
            if stream is None:
                continue
            resource = stream.definition.endpoint.resource
            if (resource, division) not in self._session.refusals:
                self._sweep(division, stream)

    def _sweep(self, division: int, stream: ExactStream) -> None:
        """Tell what of a stream is gone, where all keys are known or it is time to read them."""
        session, name = self._session, stream.name
        state = self._stream.state_of(division)
        state = {} if state is None else state
        sweeps = state.setdefault("sweeps", {})
        today = session.today()
        keys = session.sweeps.whole(division, name)
        if keys is None and stream.definition.replication_key is not None:
            # The first read has seen all there is: the next one to see all comes in some days.
            sweeps.setdefault(name, {"on": today.isoformat(), "number": 0})
            if is_due(sweeps[name], today, self._tap.config["sweep_days"]):
                keys = self._keys(division, stream)
        if keys is None:
            return
        found = session.sweeps.compare(division, name, keys, sweeps.get(name, {}).get("number", 0))
        if found.doubtful:
            session.tell_doubt(division, name, found.doubtful)
        # By Exact's clock: whoever takes it compares it with what Exact says of records.
        now = instant_text(session.client(division).now())
        names = self._stream.names
        gone = [deletion(division, SWEPT[name], key, now, names) for key in found.gone]
        self._stream.write(self._limit.take(gone), now)
        sweeps[name] = {"on": today.isoformat(), "number": found.number}
        self._tap.commit(len(gone))

    def _keys(self, division: int, stream: ExactStream) -> KeySet:
        """Read all keys of a stream."""
        definition = stream.definition
        keys = KeySet()
        client = self._session.client(division)
        for page in self._stream.pages(
            client.walk(division, definition.endpoint.resource, select=[definition.id])
        ):
            keys.add(row[definition.id] for row in page.rows)
        return keys

    def _log(self, division: int, stream: ExactStream) -> DeletionLog:
        """Give the log of a division, read now if it was not read before."""
        logs = self._session.deletions
        if division not in logs:
            log = logs[division] = DeletionLog(stream, division)
            reader = DivisionReader(
                self._session,
                division,
                stream.definition,
                rows_to=log,
                lines_to=None,
                span=self._span,
                limit=Limit(),
            )
            try:
                with self._costed(division, stream):
                    reader.read()
            except ExactError as error:
                log.error = error
        return logs[division]

    @contextmanager
    def _costed(self, division: int, stream: ExactStream) -> Iterator[None]:
        """Note what a read costs that comes to its end."""
        before = self._session.calls(division)
        whole = not (stream.state_of(division) or {}).get("replication_key_value")
        yield
        calls = self._session.calls(division) - before
        self._session.costs.note(division, stream.name, calls, whole=whole)

    def _goes_on_after(self, error: Exception, division: int, failures: list[Exception]) -> bool:
        """Note an error; tell whether the stream is worth asking for in other divisions."""
        session, name = self._session, self._stream.name
        if isinstance(error, DailyLimitReached):
            session.stop(error)
        elif isinstance(error, ServerFailed) and error.status == _INTERNAL_ERROR:
            # Exact's 500 is often about one resource only; the others are not to wait for it.
            session.fail(f"{error} The stream {name} was not read to its end there.")
        elif not isinstance(error, RequestRefused):
            failures.append(error)
        elif error.whole_division:
            session.leave(division, f"{error} Nothing more of division {division} was read.")
        elif self._stream.definition.optional and error.status == _FORBIDDEN:
            self._stream.logger.warning("%s The stream %s stays empty.", error, name)
        else:
            session.fail(
                f"{error} The stream {name} was not read there; deselect it if it is not wanted."
            )
        # A request that is wrong is wrong everywhere, and Exact blocks apps that insist.
        return not isinstance(error, RequestRefused) or error.status == _FORBIDDEN
