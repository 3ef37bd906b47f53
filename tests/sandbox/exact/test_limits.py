"""Calls per minute and day, the two 429 families, and the block after ten errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s2p_sandbox.faults import Fault

if TYPE_CHECKING:
    from conftest import Asker

NL, BE = 100, 200
MINUTELY = {
    "x-ratelimit-minutely-limit",
    "x-ratelimit-minutely-remaining",
    "x-ratelimit-minutely-reset",
}
DAILY = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}


def families(headers: dict[str, str]) -> set[str]:
    return {name for name in headers if name.startswith("x-ratelimit")}


def test_headers_of_a_good_reply(client: Asker) -> None:
    headers = client.get(f"{NL}/hrm/Costcenters").headers
    assert families(headers) == MINUTELY | DAILY
    assert headers["x-ratelimit-minutely-remaining"] == "59"
    assert headers["x-ratelimit-minutely-reset"] == "1782900060000"
    assert headers["x-ratelimit-remaining"] == "4999"
    assert headers["x-ratelimit-reset"] == "1782950400000"


def test_the_sixty_first_call_of_a_clock_minute(client: Asker) -> None:
    for _ in range(60):
        assert client.get(f"{NL}/hrm/Costunits", top="1").status == 200
    refused = client.get(f"{NL}/hrm/Costunits", top="1")
    assert (refused.status, refused.body) == (429, b"")
    assert families(refused.headers) == MINUTELY
    assert refused.headers["x-ratelimit-minutely-remaining"] == "0"
    assert client.get(f"{BE}/hrm/Costunits", top="1").status == 200
    client.clock.advance(30)
    assert client.get(f"{NL}/hrm/Costunits", top="1").status == 200


def test_the_daily_limit(client: Asker) -> None:
    client.exact.switches.set(daily_limit=2)
    statuses = [client.get(f"{NL}/hrm/Costunits", top="1").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = client.get(f"{NL}/hrm/Costunits", top="1")
    assert families(refused.headers) == DAILY
    client.clock.advance(14 * 3600)
    client.login()
    assert client.get(f"{NL}/hrm/Costunits", top="1").status == 200


def test_calls_without_a_division_are_free(client: Asker) -> None:
    client.exact.switches.set(daily_limit=1)
    statuses = {client.get("current/Me").status for _ in range(5)}
    assert statuses == {200}
    assert client.get(f"{NL}/hrm/Costunits", top="1").status == 200


@pytest.mark.parametrize(("kind", "family"), [("429_minute", MINUTELY), ("429_day", DAILY)])
def test_either_limit_as_a_fault(client: Asker, kind: str, family: set[str]) -> None:
    client.exact.faults.add(Fault(kind, "Costunits"))
    refused = client.get(f"{NL}/hrm/Costunits")
    assert (refused.status, families(refused.headers)) == (429, family)
    assert client.get(f"{NL}/hrm/Costunits").status == 200


def test_ten_errors_block_the_endpoint_for_an_hour(client: Asker) -> None:
    for _ in range(10):
        assert client.get(f"{NL}/hrm/Costunits", filter="wrong").status == 400
    blocked = client.get(f"{NL}/hrm/Costunits")
    assert blocked.status == 429
    assert families(blocked.headers) == set()
    assert client.get(f"{NL}/hrm/Costcenters").status == 200
    assert client.get(f"{BE}/hrm/Costunits").status == 200
    client.clock.advance(3601)
    client.login()
    assert client.get(f"{NL}/hrm/Costunits").status == 200


def test_expired_tokens_count_as_errors(client: Asker) -> None:
    client.clock.advance(600)
    for _ in range(10):
        assert client.get(f"{NL}/hrm/Costunits").status == 401
    client.login()
    assert client.get(f"{NL}/hrm/Costunits").status == 429


def test_errors_spread_over_hours_do_not_block(client: Asker) -> None:
    for _ in range(12):
        client.get(f"{NL}/hrm/Costunits", filter="wrong")
        client.clock.advance(590)
        client.login()
    assert client.get(f"{NL}/hrm/Costunits").status == 200


def test_limits_survive_a_restart(client: Asker) -> None:
    client.get(f"{NL}/hrm/Costunits")
    again = type(client.exact)(
        client.exact.store.database.path.parent,
        client.clock,
        client.exact.registration,
        seeds=False,
    )
    client.exact = again
    headers = client.get(f"{NL}/hrm/Costunits").headers
    assert headers["x-ratelimit-remaining"] == "4998"
    again.store.database.close()
