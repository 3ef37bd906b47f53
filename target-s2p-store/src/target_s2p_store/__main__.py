"""The command ``target-s2p-store``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_singer import run
from s2p_store import StoreError
from target_s2p_store.target import TargetS2PStore

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the target's command line."""
    run(TargetS2PStore, StoreError)


if __name__ == "__main__":
    main()
