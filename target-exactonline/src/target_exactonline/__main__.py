"""The command ``target-exactonline``."""

from __future__ import annotations

from exactonline_client import ExactError
from s2p_reference.errors import ReferenceSettingError
from s2p_singer import run
from s2p_store import StoreError
from target_exactonline.target import TargetExactOnline

__all__ = ["main"]


def main() -> None:
    """Run the target's command line."""
    run(TargetExactOnline, ExactError, StoreError, ReferenceSettingError)


if __name__ == "__main__":
    main()
