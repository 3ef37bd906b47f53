"""A small instance over real HTTP, put back to the same few rows before each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "EXACT-100"
OTHER = "EXACT-200"


def _ref(table: str, column: str, value: str) -> dict[str, list[str]]:
    return {"ref": [table, column, value]}


def _source(name: str = SOURCE) -> dict[str, list[str]]:
    return _ref("sn_fin_erp_source", "name", name)


ROWS: list[tuple[str, list[dict[str, Any]]]] = [
    ("sn_fin_erp_source", [{"name": SOURCE}, {"name": OTHER}]),
    (
        "sn_fin_legal_entity",
        [
            {"legal_name": "Meridian NL", "erp_company_code": "100", "erp_source": _source()},
            {"legal_name": "Meridian UK", "erp_company_code": "200", "erp_source": _source(OTHER)},
        ],
    ),
    (
        "sn_shop_payment_term",
        [{"name": "30 days", "payment_term": "30", "erp_source": _source()}],
    ),
    (
        "sn_fin_gl_account",
        [
            {"gl_account": "4000", "display_name": "Office costs", "erp_source": _source()},
            {"gl_account": "4100", "display_name": "Travel", "erp_source": _source()},
            {"gl_account": "4000", "display_name": "Sundries", "erp_source": _source(OTHER)},
        ],
    ),
    (
        "cmn_cost_center",
        [{"account_number": "CC1", "code": "CC1", "name": "Sales", "erp_source": _source()}],
    ),
    (
        "sn_fin_supplier",
        [
            {
                "erp_supplier_code": "9001",
                "legal_name": "Paper Ltd",
                "name": "Paper Ltd",
                "erp_source": _source(),
            }
        ],
    ),
]


class Client:
    """Calls one served instance as the integration user, or as admin."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.user = "exact.integration"

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:  # noqa: ANN401 -- requests' own
        if "auth" not in kwargs and "Authorization" not in kwargs.get("headers", {}):
            kwargs["auth"] = (self.user, servicenow.TEST_ACCESS.passwords[self.user])
        return requests.request(method, self.url + path, timeout=20, **kwargs)

    def control(self, path: str, body: object = None, method: str = "POST") -> Any:  # noqa: ANN401 -- any JSON
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def switch(self, **values: object) -> None:
        self.control("switches", values)

    def fault(self, kind: str, match: str = "", **more: object) -> None:
        self.control("faults", {"kind": kind, "match": match, **more})

    def rows(self, table: str, query: str = "", **params: object) -> list[dict[str, Any]]:
        answer = self.call(
            "GET",
            f"/api/now/table/{table}",
            params={"sysparm_query": query, "sysparm_exclude_reference_link": "true", **params},
        )
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["result"]
        return found

    def import_row(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        answer = self.call("POST", f"/api/now/import/{table}", json=row)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["result"][0]
        return found

    def insert_multiple(self, table: str, records: list[dict[str, Any]], **params: str) -> str:
        answer = self.call(
            "POST",
            f"/api/now/import/{table}/insertMultiple",
            json={"records": records},
            params=params,
        )
        assert answer.status_code == 201, answer.text
        import_set: str = answer.json()["import_set_id"]
        return import_set

    def staged(self, table: str, import_set: str) -> list[dict[str, Any]]:
        assert self.control("settle", {"timeout_seconds": 30}) == {"settled": True}
        return self.rows(table, f"sys_import_set={import_set}^ORDERBYsys_import_row")

    def stage(self, table: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return self.staged(table, self.insert_multiple(table, records))


@pytest.fixture(scope="session")
def instance_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("servicenow")
    with serve(servicenow.app(folder, Clock(), seeds=False)) as url:
        yield url


@pytest.fixture
def now(instance_url: str) -> Client:
    client = Client(instance_url)
    client.control("reset")
    client.switch(transform_delay_ms=0)
    for table, rows in ROWS:
        client.control("rows", {"table": table, "rows": rows})
    return client


@pytest.fixture
def admin(now: Client) -> Client:
    client = Client(now.url)
    client.user = "admin"
    return client
