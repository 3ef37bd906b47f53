"""API calls as values: what is sent alone or, many at a time, through the Batch API; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from servicenow_client.errors import AmbiguousWrite
from servicenow_client.import_sets import import_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicenow_client.errors import ServiceNowError
    from servicenow_client.import_sets import ImportResult

__all__ = [
    "ApiAnswer",
    "ApiCall",
    "import_call",
    "import_path",
    "imported",
    "insert_call",
    "record_path",
    "table_path",
    "update_call",
]

_PLAIN: Final = {"sysparm_exclude_reference_link": "true"}
_STAGED: Final = 201


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the Table or Import Set API, not yet sent.

    Attributes:
        path: below the instance's root, without query.
        expect: key that a usable body must hold.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: object = field(default=None, repr=False)
    expect: str = "result"


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What became of one call: the decoded body, or the error that the call alone would raise."""

    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    error: ServiceNowError | None = None

    def read(self) -> Mapping[str, Any]:
        """Return the body.

        Raises:
            ServiceNowError: there is none, see the tree in `servicenow_client.errors`.
        """
        if self.error is not None:
            raise self.error
        return self.data


def insert_call(table: str, values: Mapping[str, str]) -> ApiCall:
    """Create one record; ``result`` is the record as stored."""
    return ApiCall("POST", table_path(table), _PLAIN, dict(values))


def update_call(table: str, sys_id: str, values: Mapping[str, str]) -> ApiCall:
    """Change some columns of one record; ``result`` is the record as stored."""
    return ApiCall("PATCH", record_path(table, sys_id), _PLAIN, dict(values))


def import_call(staging: str, row: Mapping[str, str]) -> ApiCall:
    """Stage one row by column names; read the answer with `imported`."""
    return ApiCall("POST", import_path(staging), {}, dict(row))


def imported(staging: str, data: Mapping[str, Any]) -> ImportResult:
    """Read the answer to an `import_call`.

    Raises:
        AmbiguousWrite: the row was staged, but its result is hidden.
    """
    result = import_result(data)
    if result is None:
        raise AmbiguousWrite(
            f"{staging} took a row but shows no result: the integration user may not read the "
            "staging or the target table.",
            _STAGED,
        )
    return result


def import_path(staging: str) -> str:
    """Return the path to which rows of a staging table are posted."""
    return f"/api/now/import/{quote(staging, safe='')}"


def table_path(table: str) -> str:
    """Return the path of a table."""
    return f"/api/now/table/{quote(table, safe='')}"


def record_path(table: str, sys_id: str) -> str:
    """Return the path of a record."""
    return f"{table_path(table)}/{quote(sys_id, safe='')}"
