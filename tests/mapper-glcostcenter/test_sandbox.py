"""The mapper against the ServiceNow of the sandbox, over real HTTP and with OAuth."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from s2p_sandbox import servicenow as sandbox
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from servicenow_client import AuthenticationFailed, ServiceNowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Mapper

LINES = {
    "type": "SCHEMA",
    "stream": "purchase_entry_lines",
    "schema": {"type": "object", "properties": {}},
    "key_properties": ["Division", "ID"],
}


def line(id_: str, account: str, center: str | None = None) -> dict[str, Any]:
    values = {"Division": 101, "ID": id_, "GLAccountCode": account, "CostCenter": center}
    return {"type": "RECORD", "stream": "purchase_entry_lines", "record": values}


@dataclass
class Instance:
    """An empty instance with one ERP source."""

    url: str
    erp_source: str = ""

    def control(self, path: str, body: object = None, method: str = "POST") -> None:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text

    def add(self, table: str, **values: str) -> str:
        sys_id = uuid.uuid4().hex
        self.control("rows", {"table": table, "rows": [{"sys_id": sys_id, **values}]})
        return sys_id

    def account(self, code: str, **more: str) -> str:
        values = {"gl_account": code, "erp_source": self.erp_source, **more}
        return self.add("sn_fin_gl_account", **values)

    def center(self, code: str, **more: str) -> str:
        values = {"account_number": code, "erp_source": self.erp_source, **more}
        return self.add("cmn_cost_center", **values)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(sandbox.app(tmp_path_factory.mktemp("servicenow"), Clock(), seeds=False)) as url:
        yield url


@pytest.fixture
def instance(served: str, mapper: Mapper) -> Instance:
    found = Instance(served)
    found.control("reset")
    found.control("faults", method="DELETE")
    found.erp_source = found.add("sn_fin_erp_source", name="EXACT-101")
    mapper.config |= {
        "servicenow_instance_url": served,
        "servicenow_auth_method": "client_credentials",
        "servicenow_client_id": sandbox.TEST_ACCESS.client_id,
        "servicenow_client_secret": sandbox.TEST_ACCESS.client_secret,
    }
    return found


def test_lines_are_mapped_held_and_released(instance: Instance, mapper: Mapper) -> None:
    account = instance.account("7000", display_name="Purchases")
    instance.account("7100", display_name="Energy", inactive="true")
    instance.account("4711", display_name="Travel costs")
    center = instance.center("CC1", name="Logistics", valid_to="2999-12-31 00:00:00")
    instance.center("CC2", name="Old", valid_to="2001-12-31 00:00:00")
    gl = {"type": "SCHEMA", "stream": "gl_accounts", "schema": {}, "key_properties": ["ID"]}
    travel = {"Division": 101, "ID": "t", "Code": "7200", "Description": "TRAVEL-COSTS"}
    first = mapper.feed(
        gl,
        {"type": "RECORD", "stream": "gl_accounts", "record": travel},
        LINES,
        line("1", "7000", "CC1"),
        line("2", "7100"),
        line("3", "7000", "CC2"),
        line("4", "7200"),
        line("5", "9999"),
    )
    found = {r["ID"]: r for r in first.records("purchase_entry_lines")}
    assert {id_: r["s2p_hold_reasons"] for id_, r in found.items()} == {
        "1": [],
        "2": ["GL_ACCOUNT_INACTIVE"],
        "3": ["COST_CENTER_INACTIVE"],
        "4": [],
        "5": ["GL_ACCOUNT_MISSING"],
    }
    assert found["1"]["s2p_gl_account_sys_id"] == account
    assert found["1"]["s2p_cost_center_sys_id"] == center
    assert found["4"]["s2p_gl_account"] == "4711"
    instance.account("9999")
    second = mapper.feed(LINES)
    assert [r["ID"] for r in second.records("purchase_entry_lines")] == ["5"]


def test_an_erp_source_setting_points_elsewhere(instance: Instance, mapper: Mapper) -> None:
    instance.erp_source = instance.add("sn_fin_erp_source", name="Exact Benelux")
    instance.account("7000")
    mapper.config["erp_sources"] = {"101": "Exact Benelux"}
    (mapped,) = mapper.feed(LINES, line("1", "7000")).records("purchase_entry_lines")
    assert mapped["s2p_mapping_status"] == "mapped"


def test_a_refused_client_and_a_sleeping_instance_end_the_run(
    instance: Instance, mapper: Mapper
) -> None:
    mapper.config["servicenow_client_secret"] = "wrong-secret"
    with pytest.raises(AuthenticationFailed) as refused:
        mapper.feed(LINES)
    assert "wrong-secret" not in str(refused.value)
    mapper.config["servicenow_client_secret"] = sandbox.TEST_ACCESS.client_secret
    instance.control("faults", {"kind": "hibernation", "match": "/api/now", "times": 100})
    with pytest.raises(ServiceNowError):
        mapper.feed(LINES)
    assert mapper.written == b""
