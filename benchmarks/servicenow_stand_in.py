"""ServiceNow, as fast as can be: every staged row is inserted at once.

``python -m benchmarks.servicenow_stand_in``: tokens, sys_dictionary, the reference tables,
insertMultiple, single rows, batches of them, and the outcomes of staged rows. ``POST /stock`` takes
whatever a plain target posts.
"""

from __future__ import annotations

import base64
import itertools
import re
from collections import OrderedDict
from typing import Any

import msgspec

from benchmarks.orders import DIVISION
from benchmarks.stand_in import Reply, Request, serve
from s2p_staging.definitions import load_definitions

_IMPORT = "/api/now/import/"
_TABLE = "/api/now/table/"
_SOURCE = {"sys_id": "e" * 32, "name": f"EXACT-{DIVISION}"}
_BATCH = "/api/now/v1/batch"
_KEPT_SETS = 64
_encode = msgspec.json.Encoder().encode
_MADE = _encode({"result": {"sys_id": "a" * 32}})


def element(label: str) -> str:
    """The column name of a label."""
    return re.sub(r"\W+", "_", label.lower())


def _dictionary() -> dict[str, list[dict[str, str]]]:
    """Columns by table: of the staging tables all labels that the target knows."""
    tables = {
        "sn_fin_gl_account": ["GL account", "Display name", "Inactive", "ERP source"],
        "cmn_cost_center": ["Account number", "Code", "Name", "Valid from", "ERP source"],
    }
    for definition in load_definitions({}, {}, "").values():
        for output in definition.outputs:
            # One that closes what another stages shares its table.
            labels = tables.setdefault(output.staging_table, [])
            labels += [field.label for field in output.fields if field.label not in labels]
    return {
        table: [
            {
                "sys_id": f"{table}.{element(label)}",
                "name": table,
                "element": element(label),
                "column_label": label,
                "internal_type": "string",
                "max_length": "255",
                "mandatory": "false",
                "reference": "",
            }
            for label in labels
        ]
        for table, labels in tables.items()
    }


def _coalesced() -> list[dict[str, str]]:
    """One transform map per staging table, which coalesces on the natural key."""
    return [
        {
            "sys_id": f"{output.staging_table}.{element(label)}",
            "source_field": element(label),
            "target_field": element(label),
            "coalesce": "true",
            "map.source_table": output.staging_table,
            "map.name": output.name,
            "map.active": "true",
            "map.order": "100",
            "map.target_table": f"primary_{output.name}",
        }
        for definition in load_definitions({}, {}, "").values()
        for output in definition.outputs
        if not output.closes
        for label in output.key
    ]


def _reference() -> dict[str, list[dict[str, Any]]]:
    source = {"erp_source": _SOURCE["sys_id"]}
    return {
        "sn_fin_erp_source": [_SOURCE],
        "sn_fin_gl_account": [
            {
                "sys_id": f"g{n:031d}",
                "gl_account": str(4000 + n),
                "display_name": f"Costs {n}",
                "inactive": "false",
                **source,
            }
            for n in range(100)
        ],
        "cmn_cost_center": [
            {
                "sys_id": f"c{n:031d}",
                "account_number": f"CC{n:03d}",
                "code": f"CC{n:03d}",
                "name": f"Center {n}",
                "valid_from": "",
                **source,
            }
            for n in range(50)
        ],
    }


class ServiceNowStandIn:
    """Answers what mapper and target ask."""

    def __init__(self) -> None:
        self._columns = _dictionary()
        self._tables = {**_reference(), "sys_transform_entry": _coalesced()}
        self._keys: dict[str, dict[str, str]] = {}
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        for definition in load_definitions({}, {}, "").values():
            for output in definition.outputs:
                keys = {element(label): label for label in output.key}
                row = msgspec.defstruct("Row", [(name, str, "") for name in keys], rename=keys)
                # The type is made here, so no checker can know it.
                body = msgspec.defstruct("Body", [("records", list[row])])  # type: ignore[valid-type]
                self._keys[output.staging_table] = keys
                self._decoders[output.staging_table] = msgspec.json.Decoder(body)
        self._numbers = itertools.count(1)
        # Import set → rows; a set whose outcomes nobody asked for is forgotten in time.
        self._sets: OrderedDict[str, list[Any]] = OrderedDict()

    def answer(self, request: Request) -> Reply:
        """Give the answer to one request."""
        path = request.path
        if path == "/stock":
            return Reply("stock", b"{}", rows=request.body.count(b'"PurchaseOrderID"'))
        if path == "/oauth_token.do":
            token = {"access_token": "token", "token_type": "Bearer", "expires_in": 1799}
            return Reply("token", _encode(token))
        if path.startswith(_IMPORT):
            staging, _, many = path.removeprefix(_IMPORT).partition("/")
            return self._stage(staging, request.body) if many else self._stage_one(staging)
        if path == _BATCH:
            return self._batch(request.body)
        return self._table(path.removeprefix(_TABLE), request)

    def _table(self, table: str, request: Request) -> Reply:
        if request.method == "POST":
            return Reply("table row", _MADE, 201, rows=1)
        query = request.query.get("sysparm_query", "")
        if table in self._keys:
            return Reply("outcomes", self._outcomes(table, query, request))
        return Reply("tables", self._rows(table, query, request))

    def _stage(self, staging: str, body: bytes) -> Reply:
        rows = self._decoders[staging].decode(body).records
        number = f"{next(self._numbers):024x}"
        self._sets[number] = rows
        if len(self._sets) > _KEPT_SETS:
            self._sets.popitem(last=False)
        told = {"import_set_id": number, "multi_import_set_id": "f" * 32}
        return Reply("insertMultiple", _encode(told), 201, rows=len(rows))

    def _stage_one(self, staging: str) -> Reply:
        result = {
            "transform_map": "map",
            "table": f"primary_{staging}",
            "sys_id": "a" * 32,
            "status": "inserted",
        }
        told = {"import_set": "ISET1", "staging_table": staging, "result": [result]}
        return Reply("import row", _encode(told), 201, rows=1)

    def _batch(self, body: bytes) -> Reply:
        """Take rows that came together; each is answered for itself."""
        asked = msgspec.json.decode(body)
        made = base64.b64encode(_MADE).decode()
        served = [
            {"id": one["id"], "status_code": 201, "status_text": "Created", "headers": [],
             "body": made}
            for one in asked["rest_requests"]
        ]  # fmt: skip
        number = str(asked["batch_request_id"])
        told = {
            "batch_request_id": number,
            "serviced_requests": served,
            "unserviced_requests": [],
        }
        return Reply("batch", _encode(told), rows=len(served))

    def _outcomes(self, staging: str, query: str, request: Request) -> bytes:
        found = re.search(r"sys_import_set=(\w+)", query)
        rows = self._sets.get(found[1], []) if found and "sys_id>" not in query else []
        known = found[1] if found else ""
        wanted = [name for name in self._keys[staging] if name in request.query["sysparm_fields"]]
        target = f"primary_{staging}"
        return _encode(
            {
                "result": [
                    {
                        "sys_id": f"{known}{number:08x}",
                        "sys_import_set": known,
                        "sys_import_row": str(number),
                        "sys_import_state": "inserted",
                        "sys_import_state_comment": "",
                        "sys_target_table": target,
                        "sys_target_sys_id": f"{number:08x}{known}",
                        **{name: getattr(row, name) for name in wanted},
                    }
                    for number, row in enumerate(rows)
                ]
            }
        )

    def _rows(self, table: str, query: str, request: Request) -> bytes:
        rows = self._tables.get(table, [])
        if table == "sys_dictionary":
            named = re.search(r"nameIN([\w,]+)", query) or re.search(r"name=(\w+)", query)
            names = named[1].split(",") if named else []
            rows = [row for name in names for row in self._columns.get(name, [])]
        elif table == "sys_transform_entry":
            named = re.search(r"source_tableIN([\w,]+)", query)
            names = named[1].split(",") if named else []
            rows = [row for row in rows if row["map.source_table"] in names]
        if "sys_id>" in query:
            rows = []
        if request.query.get("sysparm_display_value") == "all":
            rows = [
                {name: {"value": value, "display_value": value} for name, value in row.items()}
                for row in rows
            ]
        return _encode({"result": sorted(rows, key=lambda row: str(row["sys_id"]))})


if __name__ == "__main__":
    serve(ServiceNowStandIn())
