"""The control plane, the seeds' weeks, and Exact's own faults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact import app

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Asker

NL = 100


def post(client: Asker, name: str, body: object) -> dict[str, object]:
    reply = client.ask("POST", f"/_sandbox/{name}", json.dumps(body).encode())
    return {"status": reply.status, **reply.json}


def test_status_counts_calls_without_identifiers(client: Asker) -> None:
    client.get(f"{NL}/hrm/Costcenters", select="ID")
    client.get(f"{NL}/hrm/Costcenters(guid'00000000-0000-0000-0000-000000000001')")
    status = client.ask("GET", "/_sandbox/status").json
    assert status["calls"]["GET /api/v1/*/hrm/Costcenters"] == 1
    assert status["calls"]["GET /api/v1/*/hrm/Costcenters(*)"] == 1
    assert status["rows"]["system/Divisions"] == 2


@pytest.mark.parametrize(
    ("name", "body", "hint"),
    [
        ("switches", {"minutely_limits": 1}, "minutely_limit"),
        ("switches", {"minutely_limit": "many"}, "its default is 60"),
        ("switches", {"purchase_module": 1}, "its default is True"),
        ("faults", {"kind": "earthquake"}, "Known:"),
        ("faults", {"kind": "status", "match": "("}, "regular expression"),
        ("faults", {"kind": "status", "when": 1}, "object of"),
        ("load", {"resource": "hrm/Nothing", "rows": [{}]}, "hrm/Nothing"),
    ],
)
def test_mistakes_are_named(client: Asker, name: str, body: object, hint: str) -> None:
    answer = post(client, name, body)
    assert answer["status"] == 400
    assert hint in str(answer["error"])


def test_rows_can_be_loaded_and_reset(client: Asker) -> None:
    rows = [{"ID": "00000000-0000-0000-0000-000000000001", "Code": "A", "Description": "x"}]
    body = {"resource": "hrm/Costcenters", "division": NL, "rows": rows}
    assert post(client, "load", body)["rows"] == 1
    assert len(client.get(f"{NL}/hrm/Costcenters").rows) == 1
    post(client, "switches", {"minutely_limit": 5})
    assert post(client, "reset", None)["status"] == 200
    status = client.ask("GET", "/_sandbox/status").json
    assert status["rows"] == {}
    assert status["switches"]["minutely_limit"] == 60


def test_short_pages_and_repeated_rows(client: Asker) -> None:
    rows = [
        {"ID": f"00000000-0000-0000-0000-{n:012}", "Code": str(n), "Division": NL}
        for n in range(20)
    ]
    client.exact.load("hrm/Costcenters", rows)
    post(client, "faults", {"kind": "short_page", "params": {"rows": 3}})
    pages = client.every_page(f"{NL}/hrm/Costcenters", select="ID")
    assert [len(page) for page in pages] == [3, 17]
    post(client, "faults", {"kind": "repeat_row"})
    assert len(client.get(f"{NL}/hrm/Costcenters").rows) == 21
    post(client, "faults", {"kind": "late_row"})
    assert len(client.get(f"{NL}/hrm/Costcenters").rows) == 19
    assert len(client.get(f"{NL}/hrm/Costcenters").rows) == 20


def test_an_access_token_dies_early_and_the_server_fails(client: Asker) -> None:
    post(client, "faults", [{"kind": "token_expired"}, {"kind": "server_error"}])
    assert client.get(f"{NL}/hrm/Costcenters").status == 401
    failed = client.get(f"{NL}/hrm/Costcenters")
    assert failed.status == 500
    assert failed.error.startswith("A problem has occurred.")


def test_clock_by_request(client: Asker) -> None:
    before = client.clock.now()
    post(client, "clock", {"advance_seconds": 90})
    assert (client.clock.now() - before).total_seconds() == 90


def test_the_seeds_and_their_weeks(tmp_path: Path) -> None:
    exact = app(tmp_path, Clock())
    before = exact.store.counts()
    assert before["system/Divisions"] == 3
    first, second = exact.advance(), exact.advance()
    assert (first["week"], second["week"]) == (1, 2)
    assert first["insert"] > 0
    assert first["update"] > 0
    assert first["delete"] > 0
    after = exact.store.counts()
    assert after["sync/Deleted"] > 0
    exact.reset()
    assert exact.store.counts() == before
    exact.store.database.close()
