"""The command ``target-servicenow-s2p``."""

from __future__ import annotations

import gc
from typing import Final

from s2p_reference.errors import ReferenceSettingError
from s2p_singer import run
from s2p_staging.errors import StagingError
from s2p_store import StoreError
from servicenow_client import ServiceNowError
from target_servicenow_s2p.target import TargetServiceNowS2P

__all__ = ["main"]

_COLLECT_AFTER: Final = 20_000
"""Objects made before the next search for circles of them: a portion of records makes more than
Python's usual 700 all the time, hardly ever in circles, and the searches took a twentieth of the
time."""


def main() -> None:
    """Run the target's command line."""
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    run(TargetServiceNowS2P, ReferenceSettingError, StagingError, StoreError, ServiceNowError)


if __name__ == "__main__":
    main()
