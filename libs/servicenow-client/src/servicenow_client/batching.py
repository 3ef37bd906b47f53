"""Many API calls in few requests, each with the answer or the error it would have had alone.

A batch is not atomic: its items are ordinary calls, one after the other. When a limit ends it (30
seconds by default), what was served stays done and the rest comes back unserved. The item at which
it ended may have been begun; those behind it were not.
"""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from servicenow_client import problems
from servicenow_client.answers import Body, outcome, read_body
from servicenow_client.batch_form import (
    EXPECT,
    cut,
    item_of,
    read_batch,
    request_of,
    seconds_at_work,
)
from servicenow_client.calls import ApiAnswer
from servicenow_client.errors import (
    AmbiguousWrite,
    AuthenticationFailed,
    BatchRefused,
    Forbidden,
    Hibernating,
    NotFound,
    NotServiceNow,
    Rejected,
)
from servicenow_client.problems import Attempt
from servicenow_client.retry import Verdict, is_repeatable, judge, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from servicenow_client.batch_form import Item
    from servicenow_client.calls import ApiCall
    from servicenow_client.http import Answer
    from servicenow_client.session import Session

__all__ = ["BatchSize", "Batches"]

PATH: Final = "/api/now/v1/batch"
_HANDS: Final = 4
_LARGEST: Final = 50
_STREAK: Final = 4
"""Batches that must be served whole, one after the other, before the next ones are larger."""
_LONG_SECONDS: Final = 12.0
"""A batch that takes longer comes near the 30 seconds after which it is ended."""
_UNSERVED: Final = Attempt("cancelled", body=Body("error", {}, "batches ended before its turn"))


class BatchSize:
    """How many calls go into one batch: halved when one is too much, then growing slowly."""

    def __init__(self, largest: int = _LARGEST) -> None:
        self.now = largest
        self._largest = largest
        self._whole = 0
        self._lock = threading.Lock()

    def was_too_much(self, sent: int) -> None:
        """Take note that a batch of so many calls was cut short, lost, or took long."""
        with self._lock:
            self.now = max(1, min(self.now, sent // 2))
            self._whole = 0

    def was_fine(self) -> None:
        """Take note that a whole batch was served."""
        with self._lock:
            self._whole += 1
            if self._whole >= _STREAK:
                self.now = min(self._largest, self.now + max(1, self.now // 5))
                self._whole = 0


@dataclass(slots=True)
class _Errands:
    """The calls of one `Batches.run`, and how far they are."""

    calls: Sequence[ApiCall]
    answers: dict[int, ApiAnswer] = field(default_factory=dict)
    last: dict[int, Attempt] = field(default_factory=dict)
    asked: float | None = None

    @property
    def open(self) -> list[int]:
        return [number for number in range(len(self.calls)) if number not in self.answers]


@dataclass(slots=True)
class Batches:
    """The Batch API of one instance; safe to use from several threads.

    Attributes:
        clock: seconds.
        size: adapts itself to what the instance manages.
    """

    session: Session
    clock: Callable[[], float]
    size: BatchSize = field(default_factory=BatchSize)
    refused: BatchRefused | None = None

    def run(self, calls: Sequence[ApiCall]) -> list[ApiAnswer]:
        """Make the calls, in no particular order, and return their answers in the calls' order.

        Raises:
            BatchRefused: the instance has no Batch API for this user; no call was made.
            ServiceNowError: nothing can be sent at all; some of the calls may have been made.
        """
        errands = _Errands(calls)
        waits = self.session.waits()
        while pending := errands.open:
            if self.refused is not None:
                if len(pending) == len(calls):
                    raise self.refused
                # Found out half-way: the others are answered, these were certainly not made.
                for number in pending:
                    errands.answers[number] = self.session.answer(calls[number])
                break
            self._round(errands, pending)
            left = errands.open
            if not left:
                break
            if len(left) < len(pending):
                waits = self.session.waits()
            if len(left) == len(pending) or errands.asked is not None:
                self._pause(errands, left, waits.next(errands.asked))
            errands.asked = None
        return [errands.answers[number] for number in range(len(calls))]

    def _pause(self, errands: _Errands, left: Sequence[int], pause: float | None) -> None:
        """Wait before the next round; without patience left give up on what is open."""
        if pause is not None:
            self.session.sleep(pause)
            return
        for number in left:
            tried = errands.last.get(number, _UNSERVED)
            errands.answers[number] = ApiAnswer(
                error=problems.gave_up(
                    self.session.host, errands.calls[number].path, tried, errands.asked
                )
            )

    def _round(self, errands: _Errands, pending: Sequence[int]) -> None:
        items = [item_of(number, errands.calls[number]) for number in pending]
        pieces = list(cut(items, self.size.now))
        if len(pieces) == 1:
            self._send(errands, pieces[0])
            return
        with ThreadPoolExecutor(min(_HANDS, len(pieces)), thread_name_prefix="batch") as hands:
            list(hands.map(lambda piece: self._send(errands, piece), pieces))

    def _send(self, errands: _Errands, items: Sequence[Item]) -> None:
        """Send one batch and note what it brought; what brought nothing stays open."""
        if self.refused is not None:
            return
        try:
            data = self.session.call(
                "POST", PATH, body=request_of(uuid.uuid4().hex, items), expect=EXPECT
            )
        except Hibernating:
            raise
        except (AuthenticationFailed, Forbidden, NotFound, NotServiceNow, Rejected) as error:
            # If it is not the Batch API alone, the first single call tells.
            self.refused = _refusal(error)
            return
        except AmbiguousWrite as doubt:
            if doubt.status == HTTPStatus.FORBIDDEN:
                self.refused = _refusal(f"{self.session.host} does not permit POST {PATH}.")
            self.size.was_too_much(len(items))
            # The status is the batch's: for its calls no answer came.
            self._lost(errands, [int(item["id"]) for item in items], AmbiguousWrite(str(doubt)))
            return
        served, unserved = read_batch(data)
        if unserved or seconds_at_work(data) > _LONG_SECONDS:
            self.size.was_too_much(len(items))
        elif len(items) >= self.size.now:
            self.size.was_fine()
        self._sort(errands, items, served, unserved)

    def _sort(
        self,
        errands: _Errands,
        items: Sequence[Item],
        served: Mapping[str, Answer],
        unserved: Collection[str],
    ) -> None:
        """Note what an answered batch says of each of its calls."""
        begun = next((item["id"] for item in items if item["id"] in unserved), None)
        for item in items:
            number = int(item["id"])
            if item["id"] in served:
                self._judge(errands, number, served[item["id"]])
            elif item["id"] == begun or item["id"] not in unserved:
                why = f"{self.session.host} ended the batch that held {errands.calls[number].path}"
                ended = AmbiguousWrite(f"{why}: it may have been begun.", HTTPStatus.OK)
                self._lost(errands, [number], ended)

    def _judge(self, errands: _Errands, number: int, answer: Answer) -> None:
        call = errands.calls[number]
        body = read_body(answer)
        what = outcome(answer.status, body, call.expect)
        tried = Attempt(what, answer.status, answer.headers, body)
        if what is None:
            errands.answers[number] = ApiAnswer(body.data)
            return
        verdict = Verdict.FATAL if tried.is_foreign else judge(call.method, what)
        host = self.session.host
        if verdict is Verdict.RETRY:
            errands.last[number] = tried
            asked = retry_after(answer.headers, self.clock())
            if asked is not None:
                errands.asked = max(asked, errands.asked or 0.0)
        elif verdict is Verdict.RENEW:
            error = problems.refused_credentials(host, tried)
            errands.answers[number] = ApiAnswer(error=error)
        elif verdict is Verdict.AMBIGUOUS:
            error = problems.ambiguous(host, call.method, call.path, tried)
            errands.answers[number] = ApiAnswer(error=error)
        else:
            error = problems.fatal(host, call.method, call.path, tried)
            errands.answers[number] = ApiAnswer(error=error)

    def _lost(self, errands: _Errands, numbers: Sequence[int], doubt: AmbiguousWrite) -> None:
        """Take note of calls without an answer: those that may be made twice stay open."""
        for number in numbers:
            call = errands.calls[number]
            if not is_repeatable(call.method):
                errands.answers[number] = ApiAnswer(error=doubt)


def _refusal(error: Exception | str) -> BatchRefused:
    return BatchRefused(f"The Batch API cannot be used, so calls are made one by one: {error}")
