"""Several import sets on their way at once, parents before children.

Everything here runs in the main thread except the couriers' work; what they find comes back
through one queue, so that ledger, audit trail and states are written in one place.
"""

from __future__ import annotations

import queue
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from target_servicenow_s2p.batches import Batch, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from s2p_staging.columns import Table
    from target_servicenow_s2p.delivery import Courier
    from target_servicenow_s2p.journal import Journal
    from target_servicenow_s2p.rows import Row

__all__ = ["Loader", "Window"]

_FIRST_WINDOW: Final = 2
_LARGEST_WINDOW: Final = 4


class Window:
    """How many import sets may be on their way: grows with success, shrinks with 429."""

    def __init__(self, size: int = _FIRST_WINDOW, largest: int = _LARGEST_WINDOW) -> None:
        self.size = size
        self._largest = largest
        self._good = 0

    def succeeded(self) -> None:
        """A batch went through; every second success in a row widens the window."""
        self._good += 1
        if self._good >= self.size and self.size < self._largest:
            self.size += 1
            self._good = 0

    def throttled(self) -> None:
        """ServiceNow asked us to slow down."""
        self.size = max(1, self.size // 2)
        self._good = 0


@dataclass(frozen=True, slots=True)
class _Posted:
    batch: Batch
    import_set: str


@dataclass(frozen=True, slots=True)
class _Finished:
    batch: Batch
    results: Sequence[Result] = field(default=())
    error: BaseException | None = None


class Loader:
    """Sends batches and writes down what becomes of them.

    Args:
        courier: does the talking.
        journal: intent before, outcome after.
        ancestors: output name → outputs whose rows must be transformed before, at any distance.
        staged: told every batch with its results before they are written down: what it does is
            done again if the process dies in between.
        settled: told every batch with its results after they are written down.
        window: how many batches may be on their way.
    """

    def __init__(  # noqa: PLR0913 - the parts it brings together, one by one
        self,
        courier: Courier,
        journal: Journal,
        ancestors: Mapping[str, Collection[str]],
        *,
        staged: Callable[[Batch, Sequence[Result]], object],
        settled: Callable[[Batch, Sequence[Result]], object],
        window: Window | None = None,
    ) -> None:
        self._courier = courier
        self._journal = journal
        self._ancestors = ancestors
        self._staged = staged
        self._settled = settled
        self.window = window or Window()
        self._events: queue.SimpleQueue[_Posted | _Finished] = queue.SimpleQueue()
        self._flying: dict[str, Batch] = {}
        self._pool = ThreadPoolExecutor(_LARGEST_WINDOW, thread_name_prefix="import-set")
        self._error: BaseException | None = None

    @property
    def in_flight(self) -> int:
        """How many batches are on their way."""
        return len(self._flying)

    def is_flying(self, staging_table: str, key: str) -> bool:
        """Whether a row with this natural key is on its way."""
        return any(
            key in batch.keys and batch.table.output.staging_table == staging_table
            for batch in self._flying.values()
        )

    def send(self, table: Table, rows: Sequence[Row]) -> None:
        """Send rows as one batch, waiting for room, for parents and for their own older versions.

        Raises:
            ServiceNowError: an earlier batch could not be sent.
        """
        batch = Batch(uuid.uuid4().hex, table, rows)
        self.pump()
        while self._must_wait(batch):
            self.pump(wait=True)
        self._journal.intend(batch)
        run_after = next((before.import_set for before in self._before(batch)), None)
        self._flying[batch.id] = batch
        self._pool.submit(self._deliver, batch, run_after)

    def pump(self, *, wait: bool = False) -> None:
        """Write down what has come back meanwhile; with `wait`, at least one thing.

        Raises:
            ServiceNowError: a batch could not be sent.
        """
        while self._flying:
            events = self._arrived(wait=wait)
            if not events:
                break
            wait = False
            over = {
                event.batch.id
                for event in events
                if isinstance(event, _Finished) and event.error is None
            }
            for event in events:
                # What ended well need not be written down as under way: half of the writing. What
                # did not has to be: recovery goes by its import set.
                if isinstance(event, _Finished) or event.batch.id not in over:
                    self._take(event)
        if self._error is not None:
            raise self._error

    def _arrived(self, *, wait: bool) -> list[_Posted | _Finished]:
        """Give all that has come back; with ``wait``, at least one thing."""
        events: list[_Posted | _Finished] = []
        try:
            events.append(self._events.get(block=wait))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    def drain(self) -> None:
        """Wait until nothing is on its way.

        Raises:
            ServiceNowError: a batch could not be sent; everything else is settled first.
        """
        while self._flying:
            self._take(self._events.get())
        if self._error is not None:
            raise self._error

    def settle_rest(self) -> None:
        """After an error: write down what the other batches come back with, raising nothing."""
        while self._flying:
            self._take(self._events.get())

    def close(self) -> None:
        """Let the threads go; what is on its way is left to its intent."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _must_wait(self, batch: Batch) -> bool:
        if len(self._flying) >= self.window.size:
            return True
        if any(self._collides(other, batch) for other in self._flying.values()):
            return True
        before = self._before(batch)
        if before and (batch.table.one_by_one or batch.table.output.load_method == "table"):
            # These rows are transformed or written at once: run_after is for import sets only.
            return True
        # run_after names one import set: with several parents on their way, wait for all but one.
        return len(before) > 1 or any(parent.import_set is None for parent in before)

    @staticmethod
    def _collides(one: Batch, other: Batch) -> bool:
        same_table = one.table.output.staging_table == other.table.output.staging_table
        return same_table and not one.keys.isdisjoint(other.keys)

    def _before(self, batch: Batch) -> list[Batch]:
        ancestors = self._ancestors.get(batch.table.output.name, ())
        return [one for one in self._flying.values() if one.table.output.name in ancestors]

    def _take(self, event: _Posted | _Finished) -> None:
        if isinstance(event, _Posted):
            self._journal.posted(event.batch, event.import_set)
            return
        del self._flying[event.batch.id]
        if event.error is not None:
            # The intent stays open: nobody knows more than that it was to be sent.
            self._error = self._error or event.error
            return
        self.window.succeeded()
        self._staged(event.batch, event.results)
        self._journal.finish(event.batch, event.results)
        self._settled(event.batch, event.results)

    def _deliver(self, batch: Batch, run_after: str | None) -> None:
        """Run in a worker thread: whatever happens, exactly one `_Finished` comes back."""
        try:
            results = self._courier.deliver(
                batch, run_after, lambda made: self._events.put(_Posted(batch, made))
            )
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self._events.put(_Finished(batch, error=error))
        else:
            self._events.put(_Finished(batch, results))
