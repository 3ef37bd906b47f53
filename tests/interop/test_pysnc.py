"""PySNC, ServiceNow's own client, against the stand-in instance over TLS."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pysnc
import pytest
import requests
from pysnc.exceptions import AuthenticationException, RoleException

from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from target_servicenow_s2p import TargetServiceNowS2P

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCESS = servicenow.TEST_ACCESS
TABLE = "cmn_cost_center"
COUNT = 25


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificate") / "certificate.pem"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[str]:
    app = servicenow.app(tmp_path_factory.mktemp("servicenow"), Clock(), seeds=False)
    with serve(app, tls=True, certificate_dir=certificate.parent) as url:
        yield url


@pytest.fixture
def client(
    instance: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pysnc.ServiceNowClient]:
    trusted = str(certificate)
    # PySNC asks the environment whom to trust, before its own argument.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
    requests.post(f"{instance}/_sandbox/reset", verify=trusted, timeout=20)
    sources = {"table": "sn_fin_erp_source", "rows": [{"name": "EXACT-100"}]}
    requests.post(f"{instance}/_sandbox/rows", json=sources, verify=trusted, timeout=20)
    rows = [
        {
            "name": f"Center {number}",
            "account_number": f"CC{number:02d}",
            "erp_source": {"ref": ["sn_fin_erp_source", "name", "EXACT-100"]},
        }
        for number in range(COUNT)
    ]
    body = {"table": TABLE, "rows": rows}
    requests.post(f"{instance}/_sandbox/rows", json=body, verify=trusted, timeout=20)
    made = pysnc.ServiceNowClient(
        instance, ("admin", ACCESS.passwords["admin"]), verify=trusted, auto_retry=False
    )
    yield made
    made.session.close()


def test_queries_page_through_everything(client: pysnc.ServiceNowClient) -> None:
    record = client.GlideRecord(TABLE, batch_size=10)
    record.add_query("erp_source.name", "EXACT-100")
    record.query()
    assert record.get_row_count() == COUNT
    assert sorted(str(one.account_number) for one in record) == [
        f"CC{number:02d}" for number in range(COUNT)
    ]


def test_conditions_order_and_display_values(client: pysnc.ServiceNowClient) -> None:
    record = client.GlideRecord(TABLE)
    record.add_query("account_number", "IN", "CC03,CC07").add_or_condition("name", "Center 9")
    record.order_by_desc("account_number")
    record.query()
    found = [(str(one.account_number), one.get_display_value("erp_source")) for one in record]
    assert found == [("CC09", "EXACT-100"), ("CC07", "EXACT-100"), ("CC03", "EXACT-100")]


def test_get_insert_update_delete(client: pysnc.ServiceNowClient) -> None:
    record = client.GlideRecord(TABLE)
    record.initialize()
    record.name = "New"
    record.set_value("bunk_field", "ignored")
    record.set_new_guid_value("a" * 32)
    assert str(record.insert()) == "a" * 32

    record = client.GlideRecord(TABLE)
    assert record.get("a" * 32)
    assert str(record.name) == "New"
    record.name = "Renamed"
    assert record.update() is not None

    again = client.GlideRecord(TABLE)
    assert again.get("name", "Renamed")
    assert str(again.sys_mod_count) == "1"
    assert again.delete()
    assert not client.GlideRecord(TABLE).get("a" * 32)


def test_batches_update_and_delete_many(client: pysnc.ServiceNowClient) -> None:
    record = client.GlideRecord(TABLE)
    record.add_query("account_number", "STARTSWITH", "CC1")
    record.query()
    for one in record:
        one.manager = "Desk"
    record.rewind()
    assert record.update_multiple()

    record = client.GlideRecord(TABLE)
    record.add_query("manager", "Desk")
    assert record.delete_multiple()

    left = client.GlideRecord(TABLE)
    left.query()
    assert left.get_row_count() == COUNT - 10


def test_a_query_too_long_for_a_url_goes_through_the_batch_api(
    client: pysnc.ServiceNowClient,
) -> None:
    record = client.GlideRecord(TABLE)
    record.add_query("account_number", "IN", ",".join(["CC01", *("x" * 40,) * 300]))
    record.query()
    assert [str(one.account_number) for one in record] == ["CC01"]


def test_client_credentials(
    client: pysnc.ServiceNowClient, instance: str, certificate: Path
) -> None:
    del client  # resets the instance
    flow = pysnc.ServiceNowClientCredentialsFlow(ACCESS.client_id, ACCESS.client_secret)
    integration = pysnc.ServiceNowClient(instance, flow, verify=str(certificate))
    record = integration.GlideRecord(TABLE)
    record.query()
    assert record.get_row_count() == COUNT
    denied = integration.GlideRecord("sn_fin_gl_account")
    denied.initialize()
    denied.gl_account = "1"
    with pytest.raises(RoleException):
        denied.insert()
    integration.session.close()


def test_a_wrong_password(client: pysnc.ServiceNowClient, instance: str, certificate: Path) -> None:
    del client  # trusts the certificate
    stranger = pysnc.ServiceNowClient(instance, ("admin", "wrong"), verify=str(certificate))
    with pytest.raises(AuthenticationException):
        stranger.GlideRecord(TABLE).query()
    stranger.session.close()


def test_what_the_target_staged_reads_back_with_the_same_figures(
    client: pysnc.ServiceNowClient, instance: str, tmp_path: Path
) -> None:
    amounts = [Decimal(cents) / 100 for cents in range(1_001, 1_041)]
    records: dict[str, list[dict[str, object]]] = {
        "divisions": [{"Code": 100, "Description": "Meridian", "Currency": "EUR"}],
        "accounts": [{"ID": "a1", "Code": "9001", "Name": "Paper Ltd", "IsSupplier": True}],
        "purchase_entries": [
            {
                "EntryID": f"e{number}",
                "EntryNumber": number,
                "Supplier": "a1",
                "Currency": "EUR",
                "Type": 30,
                "EntryDate": "2026-03-05",
                "AmountFC": str(amount),
                "VATAmountFC": "0.10",
            }
            for number, amount in enumerate(amounts)
        ],
    }
    lines = [
        json.dumps(message).encode() + b"\n"
        for stream, rows in records.items()
        for message in (
            {"type": "SCHEMA", "stream": stream, "schema": {"properties": {}},
             "key_properties": []},
            *({"type": "RECORD", "stream": stream, "record": {"Division": 100, **row}}
              for row in rows),
        )
    ]  # fmt: skip
    TargetServiceNowS2P(
        config={
            "instance_url": instance,
            "client_id": ACCESS.client_id,
            "client_secret": ACCESS.client_secret,
            "store_url": f"sqlite:///{tmp_path / 'store.db'}",
        }
    ).listen(iter(lines))

    staged = client.GlideRecord("sn_spend_intg_imp_invoice", batch_size=7)
    staged.query()
    read = {str(one.u_external_invoice_number): Decimal(str(one.u_amount_invoiced))
            for one in staged}  # fmt: skip
    assert read == {f"e{number}": amount for number, amount in enumerate(amounts)}
    invoices = client.GlideRecord("sn_shop_invoice", batch_size=7)
    invoices.add_query("supplier.erp_supplier_code", "9001")
    invoices.query()
    assert sum(Decimal(str(one.subtotal)) for one in invoices) == sum(amounts) - 4
    assert invoices.get_row_count() == len(amounts)
