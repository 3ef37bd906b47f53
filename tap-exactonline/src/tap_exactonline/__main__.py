"""Command line of tap-exactonline."""

from __future__ import annotations

from exactonline_client import ExactError
from s2p_singer import run
from s2p_store import StoreError
from tap_exactonline.tap import TapExactOnline

__all__ = ["main"]


def main() -> None:
    """Run the tap."""
    run(TapExactOnline, ExactError, StoreError)


if __name__ == "__main__":
    main()
