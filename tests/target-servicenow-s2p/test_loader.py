"""What comes back at once, and what of it has to be written down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from target_servicenow_s2p.batches import Batch
from target_servicenow_s2p.loader import Loader, _Finished, _Posted


class Journal:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def posted(self, _batch: Batch, import_set: str) -> None:
        self.told.append(f"posted {import_set}")

    def finish(self, _batch: Batch, _results: object) -> None:
        self.told.append("finished")


def _loader(journal: Journal, error: Exception | None) -> Loader:
    nothing: Any = lambda *_: None  # noqa: E731 - a stand-in for two callbacks
    stand_in: Any = journal
    loader = Loader(SimpleNamespace(), stand_in, {}, staged=nothing, settled=nothing)  # type: ignore[arg-type]  # no courier is needed
    output: Any = SimpleNamespace(output=SimpleNamespace(staging_table="t", name="t"))
    batch = Batch("b", output, [])
    loader._flying["b"] = batch
    loader._events.put(_Posted(batch, "set-1"))
    loader._events.put(_Finished(batch, error=error))
    return loader


def test_a_batch_that_is_over_is_written_down_once() -> None:
    journal = Journal()
    _loader(journal, None).pump()
    assert journal.told == ["finished"]


def test_a_batch_whose_outcome_could_not_be_read_keeps_its_import_set() -> None:
    journal = Journal()
    with pytest.raises(ValueError, match="lost"):
        _loader(journal, ValueError("lost")).pump()
    assert journal.told == ["posted set-1"]
