"""The target fed in this process, against the stand-in instance over real HTTP."""

from __future__ import annotations

import io
import json
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests

from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from s2p_store import Store
from target_servicenow_s2p import TargetServiceNowS2P

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

SOURCE = "EXACT-100"
_waiter = threading.Event()


class QuickTarget(TargetServiceNowS2P):
    """Waits a hundredth of a second where the real one waits longer."""

    sleep = staticmethod(lambda seconds: _waiter.wait(min(seconds, 0.01)))


@dataclass
class Instance:
    url: str

    def rows(self, table: str, query: str = "") -> list[dict[str, Any]]:
        answer = requests.get(
            f"{self.url}/api/now/table/{table}",
            params={
                "sysparm_query": query,
                "sysparm_exclude_reference_link": "true",
                "sysparm_limit": "10000",
            },
            auth=("admin", servicenow.TEST_ACCESS.passwords["admin"]),
            timeout=20,
        )
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["result"]
        return found

    def delete(self, table: str, sys_id: str) -> None:
        answer = requests.delete(
            f"{self.url}/api/now/table/{table}/{sys_id}",
            auth=("admin", servicenow.TEST_ACCESS.passwords["admin"]),
            timeout=20,
        )
        assert answer.status_code == 204, answer.text

    def add_columns(self, table: str, columns: Mapping[str, str]) -> None:
        """Add columns (element → label) to a staging table, as an administrator does."""
        for element, label in columns.items():
            answer = requests.post(
                f"{self.url}/api/now/table/sys_dictionary",
                json={
                    "name": table,
                    "element": element,
                    "column_label": label,
                    "internal_type": "string",
                    "max_length": "100",
                    "active": "true",
                },
                auth=("admin", servicenow.TEST_ACCESS.passwords["admin"]),
                timeout=20,
            )
            assert answer.status_code == 201, answer.text

    def control(self, path: str, body: object = None, method: str = "POST") -> None:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text

    def fault(self, kind: str, match: str = "", **more: object) -> None:
        own = {name: more.pop(name) for name in ("times", "after") if name in more}
        self.control("faults", {"kind": kind, "match": match, **own, "params": more})

    def switch(self, **values: object) -> None:
        self.control("switches", values)

    def calls(self) -> int:
        status = requests.get(f"{self.url}/_sandbox/status", timeout=20).json()
        return sum(status["calls"].values())


@dataclass
class Feed:
    """Runs the target over messages and keeps what it said."""

    instance: Instance
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)

    def config(self, **settings: object) -> dict[str, Any]:
        return {
            "instance_url": self.instance.url,
            "client_id": servicenow.TEST_ACCESS.client_id,
            "client_secret": servicenow.TEST_ACCESS.client_secret,
            "store_url": f"sqlite:///{self.folder}/store.db",
            **self.settings,
            **settings,
        }

    def run(
        self,
        messages: Iterable[Mapping[str, Any]],
        target: type[TargetServiceNowS2P] = QuickTarget,
        **settings: object,
    ) -> list[dict[str, Any]]:
        lines = (json.dumps(message).encode() + b"\n" for message in messages)
        return self.lines(lines, target, **settings)

    def lines(
        self,
        lines: Iterable[bytes],
        target: type[TargetServiceNowS2P] = QuickTarget,
        **settings: object,
    ) -> list[dict[str, Any]]:
        out = io.StringIO()
        self.states = []
        try:
            with redirect_stdout(out):
                target(config=self.config(**settings)).listen(lines)
        finally:
            self.states = [json.loads(line) for line in out.getvalue().splitlines()]
        return self.states

    def store(self) -> Store:
        return Store.open(f"sqlite:///{self.folder}/store.db")


def schema(stream: str, *keys: str) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": {}},
        "key_properties": list(keys),
    }


def record(stream: str, **values: object) -> dict[str, Any]:
    whole = {"Division": 100, **values}
    whole.setdefault("s2p_run_id", "run-1")
    return {"type": "RECORD", "stream": stream, "record": whole}


def state(**value: object) -> dict[str, Any]:
    return {"type": "STATE", "value": value}


def stream(name: str, *records: Mapping[str, object]) -> list[dict[str, Any]]:
    return [schema(name), *(record(name, **one) for one in records)]


REFERENCE: list[dict[str, Any]] = [
    *stream(
        "divisions", {"Code": 100, "Description": "Meridian NL", "Currency": "EUR", "City": "Delft"}
    ),
    *stream(
        "payment_conditions",
        {"ID": "pc", "Code": "30", "Description": "30 days", "PaymentDays": 30},
    ),
    *stream(
        "gl_accounts",
        {"ID": "g1", "Code": "4000", "Description": "Office costs", "BalanceType": "W"},
        {"ID": "g2", "Code": "4100", "Description": "Travel", "BalanceType": "W"},
    ),
    *stream(
        "cost_centers",
        {"ID": "c1", "Code": "CC1", "Description": "Sales", "Active": True},
    ),
    *stream(
        "accounts",
        {
            "ID": "a1",
            "Code": "9001",
            "Name": "Paper Ltd",
            "IsSupplier": True,
            "Country": "NL",
            "GLAccountPurchase": "g1",
            "PaymentConditionPurchase": "30",
        },
        {"ID": "a2", "Code": "1", "Name": "A customer", "IsSupplier": False},
    ),
]
ORDERS: list[dict[str, Any]] = [
    *stream(
        "purchase_orders",
        {
            "PurchaseOrderID": "p1",
            "OrderNumber": 4711,
            "Supplier": "a1",
            "SupplierCode": "9001",
            "Currency": "EUR",
            "AmountFC": 30.5,
        },
    ),
    *stream(
        "purchase_order_lines",
        {
            "ID": "pl1",
            "PurchaseOrderID": "p1",
            "LineNumber": 1,
            "ItemDescription": "Paper",
            "QuantityInPurchaseUnits": 2,
            "NetPrice": 15.25,
            "s2p_gl_account": "4000",
            "s2p_cost_center": "CC1",
            "s2p_mapping_status": "mapped",
            "s2p_mapping_rule": "same code",
        },
    ),
]
ENTRIES: list[dict[str, Any]] = [
    *stream(
        "purchase_entries",
        {
            "EntryID": "e1",
            "EntryNumber": 1001,
            "Supplier": "a1",
            "Currency": "EUR",
            "Type": 30,
            "EntryDate": "2026-03-04",
            "AmountFC": 121,
            "VATAmountFC": 21,
            "YourRef": "INV-7",
        },
        {
            "EntryID": "e2",
            "EntryNumber": 1002,
            "Supplier": "a1",
            "Currency": "EUR",
            "Type": 31,
            "EntryDate": "2026-03-05",
            "AmountFC": -50,
            "VATAmountFC": 0,
            "YourRef": "CR-1",
        },
    ),
    *stream(
        "purchase_entry_lines",
        {
            "ID": "el1",
            "EntryID": "e1",
            "LineNumber": 1,
            "AmountFC": 100,
            "VATAmountFC": 21,
            "Description": "Envelopes",
            "s2p_gl_account": "4000",
            "s2p_cost_center": "CC1",
            "s2p_mapping_status": "mapped",
        },
    ),
]
EVERYTHING = [*REFERENCE, *ORDERS, *ENTRIES, state(bookmarks=1)]


def many(stream_name: str, count: int, make: Callable[[int], Mapping[str, object]]) -> list[Any]:
    return [schema(stream_name), *(record(stream_name, **make(n)) for n in range(count))]


def gl_account(number: int) -> dict[str, object]:
    return {"ID": f"g{number}", "Code": f"{5000 + number}", "Description": f"Account {number}"}


class DiedError(BaseException):
    """The process dies here: nothing that follows runs."""


def die(feed: Feed, messages: list[dict[str, Any]], **settings: object) -> None:
    target = QuickTarget(config=feed.config(**settings))
    with pytest.raises(DiedError):
        target.listen(as_lines(messages))
    engine = target._engine
    assert engine is not None
    assert engine._loader is not None
    engine._loader.close()
    engine._loader._pool.shutdown(wait=True)
    engine._resources.close()  # what the operating system does for a dead process


def as_lines(messages: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - lines, where the SDK says file
    return iter([json.dumps(message).encode() + b"\n" for message in messages])


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("servicenow")
    with serve(servicenow.app(folder, Clock(), seeds=False)) as url:
        yield Instance(url)


@pytest.fixture
def instance(served: Instance) -> Instance:
    served.control("reset")
    served.control("faults", method="DELETE")
    served.switch(transform_delay_ms=5)
    served.control("rows", {"table": "sn_fin_erp_source", "rows": [{"name": SOURCE}]})
    return served


@pytest.fixture
def feed(instance: Instance, tmp_path: Path) -> Feed:
    return Feed(instance, tmp_path)
