from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Client

GL = "sn_fcms_intg_gl_account_stage"
RECORD = {"GL Account": "6000", "ERP source": "EXACT-100"}
ROW = {"u_gl_account": "6000", "u_erp_source": "EXACT-100"}
PATH = f"/api/now/import/{GL}"
ACCOUNTS = "/api/now/table/sn_fin_gl_account"


def made(now: Client) -> int:
    return len(now.rows("sn_fin_gl_account", "gl_account=6000"))


def test_a_hibernating_instance_answers_a_page_everywhere(now: Client) -> None:
    now.fault("hibernation", times=None)
    for path in (ACCOUNTS, "/oauth_token.do", PATH):
        answer = now.call("GET", path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "<title>Instance Hibernating page</title>" in answer.text


def test_403_although_the_row_was_staged(now: Client) -> None:
    now.fault("403_after_commit", "POST /api/now/import")
    assert now.call("POST", PATH, json=ROW).status_code == 403
    assert made(now) == 1


def test_201_without_a_body(now: Client) -> None:
    now.fault("201_empty", "insertMultiple")
    answer = now.call("POST", f"{PATH}/insertMultiple", json={"records": [RECORD]})
    assert (answer.status_code, answer.content) == (201, b"")
    assert now.control("settle") == {"settled": True}
    assert made(now) == 1


def test_202_is_not_done(now: Client) -> None:
    now.fault("202", "POST")
    assert now.call("POST", PATH, json=ROW).status_code == 202
    assert made(now) == 0


def test_429_with_and_without_headers(now: Client) -> None:
    now.fault("429_rule", params={"retry_after": 7, "limit": 50})
    ruled = now.call("GET", ACCOUNTS)
    assert (ruled.status_code, ruled.headers["Retry-After"]) == (429, "7")
    assert ruled.headers["X-RateLimit-Limit"] == "50"
    now.fault("429_semaphore")
    full = now.call("GET", ACCOUNTS)
    assert full.status_code == 429
    assert not [name for name in full.headers if name.lower().startswith("x-ratelimit")]
    assert "Retry-After" not in full.headers


def test_200_with_a_part_of_the_result_and_an_error(now: Client) -> None:
    now.fault("200_partial")
    answer = now.call("GET", ACCOUNTS)
    assert answer.status_code == 200
    assert len(answer.json()["result"]) == 1
    assert "maximum execution time exceeded" in answer.json()["error"]["message"]


def test_a_short_page_that_is_not_the_last(now: Client) -> None:
    now.fault("short_page", params={"rows": 2})
    assert len(now.call("GET", ACCOUNTS).json()["result"]) == 1
    assert len(now.call("GET", ACCOUNTS).json()["result"]) == 3


def test_a_transform_that_never_ends(now: Client) -> None:
    now.fault("stuck_transform", "insertMultiple")
    import_set = now.insert_multiple(GL, [RECORD])
    assert [one["sys_import_state"] for one in now.staged(GL, import_set)] == ["pending"]


def test_a_slow_transform(now: Client) -> None:
    now.fault("slow_transform", "insertMultiple", params={"seconds": 3600})
    import_set = now.insert_multiple(GL, [RECORD])
    assert now.rows(GL, f"sys_import_set={import_set}")[0]["sys_import_state"] == "pending"
    assert now.control("settle", {"timeout_seconds": 0}) == {"settled": False}


@pytest.mark.parametrize(("kind", "records"), [("drop_before", 0), ("drop_after", 1)])
def test_a_connection_lost_before_and_after_the_commit(
    now: Client, kind: str, records: int
) -> None:
    now.fault(kind, "POST")
    with pytest.raises(requests.ConnectionError):
        now.call("POST", PATH, json=ROW)
    assert made(now) == records


def test_a_request_that_waits_too_long_on_its_session_is_answered_202(now: Client) -> None:
    cookies = dict(now.call("GET", ACCOUNTS).cookies)
    assert set(cookies) == {"JSESSIONID", "glide_user_route", "glide_session_store"}
    assert now.call("GET", ACCOUNTS, cookies=cookies).status_code == 200
    now.switch(session_wait_seconds=0.0)
    assert now.call("POST", PATH, json=ROW, cookies=cookies).status_code == 202
    assert made(now) == 0
    assert now.call("POST", PATH, json=ROW).status_code == 201


def test_nothing_is_lost_when_the_sandbox_is_stopped_before_a_transform(tmp_path: Path) -> None:
    auth = ("admin", servicenow.TEST_ACCESS.passwords["admin"])
    with serve(servicenow.app(tmp_path, Clock(), seeds=False)) as url:
        requests.post(
            f"{url}/_sandbox/switches", json={"transform_delay_ms": 3_600_000}, timeout=20
        )
        body = {"table": "sn_fin_erp_source", "rows": [{"name": "EXACT-100"}]}
        requests.post(f"{url}/_sandbox/rows", json=body, timeout=20)
        answer = requests.post(
            f"{url}{PATH}/insertMultiple", json={"records": [RECORD]}, auth=auth, timeout=20
        )
        assert answer.status_code == 201
    with serve(servicenow.app(tmp_path, Clock(), seeds=False)) as url:
        settled = requests.post(f"{url}/_sandbox/settle", json={}, timeout=60)
        assert settled.json() == {"settled": True}
        rows = requests.get(f"{url}/api/now/table/{GL}", auth=auth, timeout=20).json()["result"]
        assert [row["sys_import_state"] for row in rows] == ["inserted"]
