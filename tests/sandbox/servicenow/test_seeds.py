"""The seeded instance: what the demo begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from s2p_sandbox import seeds, servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve

if TYPE_CHECKING:
    from pathlib import Path


def test_the_seeds_load_and_their_client_may_read_them(tmp_path: Path) -> None:
    known = seeds.SERVICENOW
    form = {
        "grant_type": "client_credentials",
        "client_id": known.client_id,
        "client_secret": known.client_secret,
    }
    with serve(servicenow.app(tmp_path, Clock())) as url:
        token = requests.post(f"{url}/oauth_token.do", data=form, timeout=20).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}

        def count(table: str, query: str = "") -> int:
            answer = requests.get(
                f"{url}/api/now/table/{table}",
                params={"sysparm_query": query, "sysparm_limit": "1"},
                headers=headers,
                timeout=20,
            )
            return int(answer.headers["X-Total-Count"])

        for division in seeds.DIVISIONS:
            source = f"erp_source.name=EXACT-{division.code}"
            assert count("sn_fin_legal_entity", source) == 1
            assert count("sn_fin_gl_account", source) > 0
            assert count("cmn_cost_center", source) > 0
