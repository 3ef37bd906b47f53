"""Suppliers that ServiceNow has already, under the same name but without the ERP's code.

ServiceNow's transform map knows a supplier by ERP supplier code and ERP source. Where suppliers
were entered by hand before, each would be made a second time. With the setting
`match_suppliers_by_name` the one supplier of the same normalised name that carries no code is given
this one, and the map then finds it. Similarity decides nothing; several of one name wait for a
person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from s2p_mapping.normalise import normalise_name
from servicenow_client import AmbiguousWrite, Forbidden, NotFound, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicenow_client import Column, ServiceNowClient
    from target_servicenow_s2p.journal import Journal
    from target_servicenow_s2p.rows import Row

__all__ = ["AMBIGUOUS", "OUTPUT", "UNWRITABLE", "SupplierNames"]

OUTPUT: Final = "accounts"
AMBIGUOUS: Final = "SUPPLIER_NAME_AMBIGUOUS"
UNWRITABLE: Final = "SUPPLIER_NOT_WRITABLE"
_TABLE: Final = "sn_fin_supplier"
_CODE, _SOURCE, _NAME = "ERP supplier code", "ERP source", "Legal name"
_ELEMENTS: Final = {_CODE: "erp_supplier_code", _SOURCE: "erp_source", _NAME: "legal_name"}
"""Labels of the supplier table (documentation, *Supplier table*), and names seen in use."""


class SupplierNames:
    """Finds, and adopts, the supplier a row is about."""

    def __init__(self, client: ServiceNowClient, journal: Journal) -> None:
        self._client = client
        self._journal = journal
        self._elements: dict[str, str] = {}
        self._coded: set[tuple[str, str]] = set()
        self._free: dict[str, list[str]] = {}
        self._sources: dict[str, str] = {}
        self._read = False

    def reasons(self, row: Row) -> tuple[str, ...]:
        """Why a row has to wait; empty where it may be staged.

        Raises:
            ServiceNowError: the suppliers cannot be read.
        """
        if not self._read:
            self._load()
        source, code = row.values.get(_SOURCE, ""), row.values.get(_CODE, "")
        found = self._free.get(normalise_name(row.values.get(_NAME, "")), [])
        if (source, code) in self._coded or not found:
            return ()
        if len(found) > 1:
            return (AMBIGUOUS,)
        if not self._adopt(found[0], source, code):
            return (UNWRITABLE,)
        self._coded.add((source, code))
        self._journal.adopted(row, _TABLE, found.pop())
        return ()

    def _load(self) -> None:
        self._elements = _elements_of(self._client.columns([_TABLE])[_TABLE])
        names = {
            str(one.get("sys_id")): str(one.get("name"))
            for one in self._client.query("sn_fin_erp_source", fields=("name",))
        }
        self._sources = {name: sys_id for sys_id, name in names.items()}
        for one in self._client.query(_TABLE, fields=tuple(self._elements.values())):
            value = {label: str(one.get(name) or "") for label, name in self._elements.items()}
            if value[_CODE]:
                self._coded.add((names.get(value[_SOURCE], value[_SOURCE]), value[_CODE]))
            elif name := normalise_name(value[_NAME]):
                self._free.setdefault(name, []).append(str(one["sys_id"]))
        self._read = True

    def _adopt(self, sys_id: str, source: str, code: str) -> bool:
        """Give a supplier the ERP's code. A protected column stays as it was, without an error."""
        wanted = {
            self._elements[_CODE]: code,
            self._elements[_SOURCE]: self._sources.get(source, ""),
        }
        try:
            stored = self._client.update(_TABLE, sys_id, wanted)
        except AmbiguousWrite:
            stored = self._client.get(_TABLE, sys_id)
        except (Forbidden, NotFound, Rejected):
            return False
        return str(stored.get(self._elements[_CODE])) == code


def _elements_of(columns: Iterable[Column]) -> dict[str, str]:
    """The column of each label; the shipped name where the dictionary does not tell."""
    labels = {column.label.strip().casefold(): column.element for column in columns}
    return {label: labels.get(label.casefold(), name) for label, name in _ELEMENTS.items()}
