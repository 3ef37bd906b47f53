"""What reading a stream of a division cost in the latest run, remembered for the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s2p_store.memory import Memory

__all__ = ["Costs"]


class Costs:
    """Calls by division and stream, of reads from the beginning and of others apart."""

    def __init__(self, memory: Memory, client_id: str) -> None:
        """Prepare; reads nothing yet."""
        self._memory = memory
        self._scope = f"exactonline calls {client_id}"
        self._noted: dict[str, bytes] = {}

    def note(self, division: int, stream: str, calls: int, *, whole: bool) -> None:
        """Note what a finished read cost."""
        self._noted[_key(division, stream, whole)] = b"%d" % calls

    def save(self) -> None:
        """Write down what is not known so already: quiet runs cost the same, every time."""
        known = self._memory.get_many(self._scope, self._noted)
        news = {key: value for key, value in self._noted.items() if known.get(key) != value}
        self._memory.put_many(self._scope, news)

    def calls(self, division: int, stream: str, *, whole: bool) -> int | None:
        """Give what the latest read cost, None if there was none."""
        key = _key(division, stream, whole)
        stored = self._memory.get_many(self._scope, [key]).get(key, b"")
        return int(stored) if stored.isdigit() else None


def _key(division: int, stream: str, whole: bool) -> str:  # noqa: FBT001 - a part of the key
    return f"{division} {stream} {'whole' if whole else 'changes'}"
