"""exact-online-sdk, a client nobody here wrote, against the stand-in for Exact Online."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact import app
from s2p_sandbox.server import serve

SCRIPT = Path(__file__).parent / "clients" / "exact_online_sdk_reads.py"


@pytest.mark.xdist_group("interop")
def test_token_paging_and_reading(interop_python: Path, tmp_path: Path) -> None:
    exact = app(tmp_path, Clock())
    with serve(exact) as root:
        environment = {
            "EXACT_BASE_URL": f"{root}/nl",
            "EXACT_CLIENT_ID": exact.registration.client_id,
            "EXACT_CLIENT_SECRET": exact.registration.client_secret,
            "EXACT_REDIRECT_URI": exact.registration.redirect_uri,
        }
        done = subprocess.run(
            [interop_python, SCRIPT],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (division,) = [code for code, region in exact.regions().items() if region == "nl"]
    counts = {
        name: len(exact.store.all_of(name, division))
        for name in (
            "hrm/Costcenters",
            "financial/GLAccounts",
            "purchaseorder/PurchaseOrders",
            "purchaseorder/PurchaseOrderLines",
        )
    }
    exact.store.database.close()
    assert found["token_type"].lower() == "bearer"
    assert "400" in found["refreshed_at_once"]
    assert found["division"] == division
    assert sum(found["cost_center_pages"]) == counts["hrm/Costcenters"]
    assert found["cost_center_pages"][0] == 60
    assert found["order_feed"] == (
        counts["purchaseorder/PurchaseOrders"] + counts["purchaseorder/PurchaseOrderLines"]
    )
    assert all(found["typed_cost_centers"])
    assert found["typed_gl_accounts"] == counts["financial/GLAccounts"]
    assert found["refused"].startswith("400 ")
