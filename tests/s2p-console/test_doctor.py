"""The doctor against the sandbox: each thing that can be wrong is found, with its remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from s2p_console.doctor.exactonline import RESOURCES
from s2p_sandbox import exact
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from tap_exactonline.definitions import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import House


@pytest.fixture
def tap(house: House) -> Iterator[House]:
    system = exact.app(house.folder / "sandbox", Clock(), seeds=False)
    for division in (101, 102):
        system.add_division(division, f"Division {division}", Status=1, BlockingStatus=0)
    with serve(system) as url:
        house.environment |= {
            "TAP_EXACTONLINE_API_URL": url,
            "TAP_EXACTONLINE_CLIENT_ID": system.registration.client_id,
            "TAP_EXACTONLINE_CLIENT_SECRET": system.registration.client_secret,
            "TAP_EXACTONLINE_REFRESH_TOKEN": system.registration.refresh_token,
            "TAP_EXACTONLINE_REDIRECT_URI": system.registration.redirect_uri,
            "TAP_EXACTONLINE_DIVISIONS": "[101, 102]",
        }
        house.sandbox = system
        yield house


def _examined(tap: House, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    ran = tap.run("doctor", "exactonline", "--json", **environment)
    assert ran.stdout, ran.output
    return ran.exit_code, json.loads(ran.stdout)


def _worse(findings: list[dict[str, Any]]) -> list[tuple[str, str, int | None]]:
    return [
        (one["check"], one["level"], one["division"]) for one in findings if one["level"] != "ok"
    ]


def test_a_sound_set_up_is_all_right(tap: House) -> None:
    code, findings = _examined(tap)
    assert (code, _worse(findings)) == (0, [])
    assert {one["check"] for one in findings} >= {"login", "clock", "divisions", "scopes", "limits"}
    shown = tap.run("doctor")
    assert (shown.exit_code, "calls are left today" in shown.stdout) == (0, True)


def test_a_missing_scope_is_named_with_its_streams_and_asked_for_once(tap: House) -> None:
    tap.sandbox.switches.set(error_limit=2, denied_scopes=["financial.costcenters"])
    code, findings = _examined(tap)
    assert code == 2
    (first, _, _) = [one for one in findings if one["level"] == "error"]
    assert "cost_centers" in first["what"]
    assert "cost centers" in first["remedy"]


def test_a_feed_that_the_package_lacks_is_no_fault(tap: House) -> None:
    tap.sandbox.switches.set(purchase_order_sync=False)
    code, findings = _examined(tap)
    assert code == 0
    assert any("60 rows a call" in one["what"] for one in findings)


def test_a_division_that_is_not_reached_is_told_and_the_others_examined(tap: House) -> None:
    code, findings = _examined(tap, TAP_EXACTONLINE_DIVISIONS="[999, 102]")
    assert code == 2
    assert ("divisions", "error", 999) in _worse(findings)
    assert any(one["check"] == "limits" and one["division"] == 102 for one in findings)


def test_a_division_that_is_blocked_or_inactive_is_told(tap: House) -> None:
    tap.sandbox.store.change("system/Divisions", 101, "101", {"BlockingStatus": 2})
    tap.sandbox.store.change("system/Divisions", 102, "102", {"Status": 0})
    _, findings = _examined(tap)
    assert _worse(findings) == [("divisions", "warning", 101), ("divisions", "warning", 102)]


def test_few_calls_left_are_told(tap: House) -> None:
    tap.sandbox.switches.set(daily_limit=200)
    _, findings = _examined(tap)
    assert ("limits", "warning", 101) in _worse(findings)


def test_a_clock_that_is_wrong_is_told(tap: House) -> None:
    tap.sandbox.clock.advance(3000)
    _, findings = _examined(tap)
    assert ("clock", "warning", None) in _worse(findings)


def test_a_login_that_is_over_is_told_as_a_finding(tap: House) -> None:
    code, findings = _examined(tap, TAP_EXACTONLINE_REFRESH_TOKEN="spent-long-ago")
    assert code == 2
    assert any("s2p login" in one["what"] + one["remedy"] for one in findings)


def test_webhooks_are_examined_where_they_are_used(tap: House) -> None:
    _, findings = _examined(tap, S2P_WEBHOOK_URL="https://hooks.example.com/webhooks/exactonline")
    assert ("webhooks", "warning", 101) in _worse(findings)


def test_settings_that_cannot_work_are_told(tap: House) -> None:
    code, findings = _examined(
        tap, TAP_EXACTONLINE_REDIRECT_URI="http://localhost/", TAP_EXACTONLINE_DIVISIONS="[101]"
    )
    assert code == 2
    assert _worse(findings) == [("registration", "warning", None)]
    missing = tap.run("doctor", TAP_EXACTONLINE_CLIENT_SECRET=None)
    assert (missing.exit_code, "client_secret" in missing.stderr) == (1, True)


def test_what_is_probed_is_what_the_tap_reads() -> None:
    read = {
        each.endpoint.resource
        for each in STREAMS
        if each.lines_of is None and each.name != "divisions"
    }
    assert set(RESOURCES) == read
