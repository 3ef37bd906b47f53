"""An extractor nobody here wrote reads suppliers from a database; the target stages them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests
from support import postgres

from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("interop")

ACCESS = servicenow.TEST_ACCESS
DIVISION = 100
TABLES = """
CREATE SCHEMA erp;
CREATE TABLE erp.companies ("Code" integer PRIMARY KEY, "Description" text, "Currency" text);
INSERT INTO erp.companies VALUES (100, 'Meridian NL', 'EUR');
CREATE TABLE erp.suppliers (
  "Division" integer, "ID" uuid, "Code" text, "Name" text, "IsSupplier" boolean, "City" text,
  "Country" text, "Modified" timestamptz, PRIMARY KEY ("Division", "ID")
);
INSERT INTO erp.suppliers
SELECT 100, gen_random_uuid(), (9000 + number)::text, 'Supplier ' || number, number % 5 <> 0,
  'Delft', 'NL', now()
FROM generate_series(1, 25) number;
"""
STREAM_MAPS = {
    "erp-companies": {"__alias__": "divisions"},
    "erp-suppliers": {"__alias__": "accounts"},
}
EXPECTED = {str(9000 + number): f"Supplier {number}" for number in range(1, 26) if number % 5}


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres.server() as server, postgres.database(server) as uri:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(TABLES)
        connection.close()
        yield uri


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = servicenow.app(tmp_path_factory.mktemp("servicenow"), Clock(), seeds=False)
    with serve(app) as url:
        requests.post(f"{url}/_sandbox/switches", json={"transform_delay_ms": 5}, timeout=20)
        sources = {"table": "sn_fin_erp_source", "rows": [{"name": f"EXACT-{DIVISION}"}]}
        requests.post(f"{url}/_sandbox/rows", json=sources, timeout=20)
        yield url


def table(instance: str, name: str) -> list[dict[str, Any]]:
    answer = requests.get(
        f"{instance}/api/now/table/{name}",
        params={"sysparm_exclude_reference_link": "true"},
        auth=("admin", ACCESS.passwords["admin"]),
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["result"]
    return rows


def test_tap_postgres(database: str, instance: str, interop_bin: Path, tmp_path: Path) -> None:
    settings = {
        "tap": {
            # It insists on host and password in their usual places; the socket's folder wins.
            "sqlalchemy_url": database.replace(":@/", ":unused@localhost/"),
            "filter_schemas": ["erp"],
            "stream_maps": STREAM_MAPS,
        },
        "target": {
            "instance_url": instance,
            "client_id": ACCESS.client_id,
            "client_secret": ACCESS.client_secret,
            "store_url": f"sqlite:///{tmp_path}/store.db",
        },
    }
    for name, given in settings.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(given))
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_", "TARGET_", "S2P_", "MELTANO_"))
    }
    tap_command = [interop_bin / "tap-postgres", "--config", tmp_path / "tap.json"]
    found = subprocess.run(
        [*tap_command, "--discover"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert found.returncode == 0, found.stderr
    catalog = json.loads(found.stdout)
    for entry in (entry for each in catalog["streams"] for entry in each["metadata"]):
        entry["metadata"]["selected"] = True
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    counts = []
    for _ in range(2):  # the second time nothing has changed, and nothing is staged
        with subprocess.Popen(
            [*tap_command, "--catalog", tmp_path / "catalog.json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        ) as tap:
            target = subprocess.run(
                [sys.executable, "-m", "target_servicenow_s2p", "--config", "target.json"],
                stdin=tap.stdout,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                cwd=tmp_path,
                env=environment,
            )
            _, said = tap.communicate(timeout=60)
        assert tap.returncode == 0, said.decode()
        assert target.returncode == 0, target.stderr
        staged = table(instance, "sn_fcms_intg_imp_supplier")
        counts.append(len(staged))

    assert counts == [len(EXPECTED)] * 2
    assert {row["sys_import_state"] for row in staged} == {"inserted"}
    suppliers = table(instance, "sn_fin_supplier")
    assert {row["erp_supplier_code"]: row["legal_name"] for row in suppliers} == EXPECTED
    (entity,) = table(instance, "sn_fin_legal_entity")
    details = table(instance, "sn_fin_supplier_detail")
    assert {(row["supplier"], row["legal_entity"]) for row in details} == {
        (row["sys_id"], entity["sys_id"]) for row in suppliers
    }
