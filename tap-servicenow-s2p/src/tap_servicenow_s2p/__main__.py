"""The command ``tap-servicenow-s2p``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_singer import run
from s2p_store import StoreError
from servicenow_client import ServiceNowError
from tap_servicenow_s2p.tap import TapServiceNowS2P

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the tap's command line."""
    run(TapServiceNowS2P, StoreError, ServiceNowError)


if __name__ == "__main__":
    main()
