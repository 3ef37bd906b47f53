"""Reads from ServiceNow which GL accounts and cost centers exist, as rows.

Column names are asked of `sys_dictionary`, first by the documented column name, then by label.
Newer releases keep the ERP source of cost centers in `sn_fin_erp_source_mapping` instead of a
column: such cost centers serve every ERP source, and this is said once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.errors import ReferenceTableError
from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.snapshot import EVERY_ERP_SOURCE
from servicenow_client import Forbidden, NotFound, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from servicenow_client import Column, ServiceNowClient

__all__ = ["TABLES", "Table", "read_rows"]

logger = logging.getLogger("mapper-glcostcenter")

_ERP_SOURCES = "sn_fin_erp_source"


@dataclass(frozen=True, slots=True)
class Table:
    """Where a dimension lives. Each role lists column names in order of preference, then labels."""

    name: str
    columns: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    required: tuple[str, ...]


TABLES: Mapping[str, Table] = {
    GL_ACCOUNT: Table(
        "sn_fin_gl_account",
        {
            "code": (("gl_account", "ledger_account"), ("gl account", "ledger account")),
            # The documented label decides; a display name may be put together from code and name.
            "account_name": (("account_name",), ("account name",)),
            "name": (("display_name", "name"), ("display name",)),
            "inactive": (("inactive",), ("inactive",)),
            "active": (("active",), ("active",)),
            "erp_source": (("erp_source",), ("erp source",)),
        },
        required=("code", "erp_source"),
    ),
    COST_CENTER: Table(
        "cmn_cost_center",
        {
            "code": (("account_number",), ("account number",)),
            "other_code": (("code",), ("code",)),
            "name": (("name",), ("name",)),
            "active": (("active",), ("active",)),
            "valid_from": (("valid_from",), ("valid from",)),
            "valid_to": (("valid_to",), ("valid to",)),
            "erp_source": (("erp_source",), ("erp source",)),
        },
        required=("code",),
    ),
}
# Without a readable dictionary only what is documented is asked for.
_UNDOCUMENTED = frozenset({"active"})


def read_rows(client: ServiceNowClient, dimension: str) -> Iterator[dict[str, Any]]:
    """All rows of a dimension: id, code, name, active, valid_from, valid_to, erp_source, erp_names.

    Rows are plain JSON, as they are kept in the reference snapshot. Rows without code are left out:
    no line can be booked on them.

    Raises:
        ReferenceTableError: the table lacks a column the mapper cannot do without.
        ServiceNowError: ServiceNow cannot be read.
    """
    table = TABLES[dimension]
    described = _columns(client, table)
    columns = _resolve(table, described)
    names = _erp_source_names(client) if "erp_source" in columns else {}
    fields = tuple(dict.fromkeys(columns.values()))
    rows = client.query(table.name, fields=fields, display="all")
    if not described and "erp_source" not in table.required:
        # Nobody told which columns there are; the first row does.
        first = next(rows, {})
        rows = chain([first] if first else [], rows)
        if first and columns["erp_source"] not in first:
            del columns["erp_source"]
    if "erp_source" in columns:
        rows = _telling(rows, table.name, columns["erp_source"])
    else:
        logger.info(
            "ServiceNow's table %s has no ERP source column: its rows serve every ERP source.",
            table.name,
        )
    for row in rows:
        value = {role: _value(row.get(column)) for role, column in columns.items()}
        code = value.get("code") or value.get("other_code")
        if not code:
            continue
        source = value.get("erp_source", "")
        shown = _shown(row.get(columns.get("erp_source", "")))
        yield {
            "id": _value(row.get("sys_id")),
            "code": code,
            "name": value.get("account_name") or value.get("name", ""),
            "active": value.get("inactive") != "true" and value.get("active") != "false",
            "valid_from": value.get("valid_from", "")[:10] or None,
            "valid_to": value.get("valid_to", "")[:10] or None,
            "erp_source": source if "erp_source" in columns else EVERY_ERP_SOURCE,
            "erp_names": sorted({shown, names.get(source, "")} - {"", source}),
        }


def _columns(client: ServiceNowClient, table: Table) -> Sequence[Column]:
    try:
        return client.columns([table.name])[table.name]
    except (Forbidden, NotFound):
        return ()


def _resolve(table: Table, columns: Sequence[Column]) -> dict[str, str]:
    """The column of each role that the table has."""
    if not columns:
        return {
            role: elements[0]
            for role, (elements, _) in table.columns.items()
            if role not in _UNDOCUMENTED
        }
    names = {column.element for column in columns}
    labels = {column.label.lower(): column.element for column in reversed(columns)}
    found: dict[str, str] = {}
    for role, (elements, texts) in table.columns.items():
        candidates = [name for name in elements if name in names]
        candidates += [labels[text] for text in texts if text in labels]
        if candidates:
            found[role] = candidates[0]
    if "code" not in found and "other_code" in found:
        found["code"] = found["other_code"]
    for role in table.required:
        if role not in found:
            elements, texts = table.columns[role]
            raise ReferenceTableError(
                f"ServiceNow's table {table.name} has no column {elements[0]} and none labelled "
                f"'{texts[0]}'. Let the integration user read its entries in sys_dictionary, or "
                "install the Source-to-Pay application that brings the column."
            )
    return found


def _telling(rows: Iterable[dict[str, Any]], table: str, column: str) -> Iterator[dict[str, Any]]:
    """The rows as they come, unless not one of them brings the column.

    ServiceNow leaves out what does not exist and what the user may not read, without a word. All
    lines would be held for accounts that are there.
    """
    some = told = False
    for row in rows:
        some = True
        told = told or column in row
        yield row
    if some and not told:
        raise ReferenceTableError(
            f"ServiceNow gives no {column} with the rows of {table}, so it cannot be told which "
            "ERP source they belong to. Let the integration user read this column and its entry "
            "in sys_dictionary."
        )


def _erp_source_names(client: ServiceNowClient) -> dict[str, str]:
    """Names of the ERP sources by sys_id; none where the user may not read them."""
    try:
        rows = client.query(_ERP_SOURCES, fields=("name",))
        return {_value(row.get("sys_id")): _value(row.get("name")) for row in rows}
    except (Forbidden, NotFound, Rejected):
        return {}


def _value(cell: object) -> str:
    """A column's stored value, whether or not its display value came along."""
    if isinstance(cell, dict):
        cell = cell.get("value")
    return cell.strip() if isinstance(cell, str) else ""


def _shown(cell: object) -> str:
    shown = cell.get("display_value") if isinstance(cell, dict) else None
    return shown.strip() if isinstance(shown, str) else ""
