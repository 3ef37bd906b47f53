"""The command ``target-servicenow-s2p``."""

from __future__ import annotations

from s2p_singer import run
from s2p_store import StoreError
from servicenow_client import ServiceNowError
from target_servicenow_s2p.target import TargetServiceNowS2P

__all__ = ["main"]


def main() -> None:
    """Run the target's command line."""
    run(TargetServiceNowS2P, StoreError, ServiceNowError)


if __name__ == "__main__":
    main()
