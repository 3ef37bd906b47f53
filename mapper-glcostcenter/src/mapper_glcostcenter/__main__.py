"""The command `mapper-glcostcenter`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapper_glcostcenter.mapper import MapperGLCostCenter
from s2p_mapping.errors import RulesFileError
from s2p_singer import run
from s2p_store import StoreError
from servicenow_client import ServiceNowError

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the mapper; errors a person can put right end it with one line and exit code 1."""
    run(MapperGLCostCenter, RulesFileError, StoreError, ServiceNowError)


if __name__ == "__main__":
    main()
