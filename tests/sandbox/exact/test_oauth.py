"""Tokens: the consent page, rotation, the 570-second rule, and the refusals users have seen."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from s2p_sandbox.faults import Fault

if TYPE_CHECKING:
    from conftest import Asker, Reply

    from s2p_sandbox.exact import ExactOnline


def authorise_url(exact: ExactOnline, **changes: str) -> str:
    asked = {
        "client_id": exact.registration.client_id,
        "redirect_uri": exact.registration.redirect_uri,
        "response_type": "code",
        "state": "xyz",
        **changes,
    }
    return f"/api/oauth2/auth?{urlencode(asked)}"


def consent(client: Asker, body: bytes = b"") -> dict[str, list[str]]:
    reply = client.ask("POST", authorise_url(client.exact), body)
    assert reply.status == 302
    return parse_qs(urlsplit(reply.headers["location"]).query)


def exchange(client: Asker, code: str) -> Reply:
    return client.refresh(
        "",
        grant_type="authorization_code",
        code=code,
        redirect_uri=client.exact.registration.redirect_uri,
    )


def test_the_success_body(client: Asker) -> None:
    client.clock.advance(600)
    body = client.refresh(client.exact.refresh_token()).json
    assert body["expires_in"] == "600"
    assert body["token_type"].lower() == "bearer"
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token"}


def test_each_use_kills_the_refresh_token(client: Asker) -> None:
    client.clock.advance(600)
    old = client.exact.refresh_token()
    fresh = client.refresh(old).json["refresh_token"]
    client.clock.advance(600)
    refused = client.refresh(old)
    assert refused.status == 401
    assert refused.json == {
        "error": "unauthorized_client",
        "error_description": "Old refresh token used.",
    }
    assert client.refresh(fresh).status == 200


def test_too_early(client: Asker) -> None:
    client.clock.advance(569)
    refused = client.refresh(client.exact.refresh_token())
    assert refused.status == 400
    assert refused.json == {
        "error": "access_denied",
        "error_description": "Rate limit exceeded: access_token not expired",
    }
    assert refused.headers["reason"].startswith("TooEarlyToRefreshTokens: ")
    client.clock.advance(1)
    assert client.refresh(client.exact.refresh_token()).status == 200


def test_thirty_days_of_non_use(client: Asker) -> None:
    client.clock.advance(31 * 86400)
    refused = client.refresh(client.exact.refresh_token())
    assert (refused.status, refused.json["error"]) == (400, "invalid_request")
    assert rb"The refresh token expired at 7\/31\/2026 10:00:30 AM" in refused.body


def test_a_foreign_token(client: Asker) -> None:
    refused = client.refresh("never issued")
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    assert "chainId" in refused.json["error_description"]


def test_a_parameter_is_missing(client: Asker) -> None:
    refused = client.refresh(client.exact.refresh_token(), client_secret="")
    assert (refused.status, refused.json) == (400, {"error": "invalid_request"})


def test_client_and_secret_by_basic(client: Asker) -> None:
    client.clock.advance(600)
    registration = client.exact.registration
    pair = b64encode(f"{registration.client_id}:{registration.client_secret}".encode()).decode()
    form = {"grant_type": "refresh_token", "refresh_token": client.exact.refresh_token()}
    body = urlencode(form).encode()
    reply = client.ask("POST", "/api/oauth2/token", body, authorization=f"Basic {pair}")
    assert reply.status == 200


def test_an_empty_body_now_and_then(client: Asker) -> None:
    client.clock.advance(600)
    client.exact.faults.add(Fault("token_empty_body"))
    token = client.exact.refresh_token()
    empty = client.refresh(token)
    assert (empty.status, empty.body) == (200, b"")
    assert client.refresh(token).status == 200


def test_consent_by_button_and_code(client: Asker) -> None:
    page = client.ask("GET", authorise_url(client.exact))
    assert page.status == 200
    assert b"<button" in page.body
    assert b"Een B.V." in page.body
    found = consent(client)
    assert found["state"] == ["xyz"]
    assert "!" in found["code"][0]
    assert exchange(client, found["code"][0]).status == 200


def test_a_code_works_once_and_for_three_minutes(client: Asker) -> None:
    code = consent(client)["code"][0]
    assert exchange(client, code).status == 200
    assert exchange(client, code).status == 400
    late = consent(client)["code"][0]
    client.clock.advance(181)
    assert exchange(client, late).status == 400


def test_a_new_consent_kills_the_chain(client: Asker) -> None:
    old = client.exact.refresh_token()
    exchange(client, consent(client)["code"][0])
    client.clock.advance(600)
    assert client.refresh(old).status == 401


def test_the_user_chooses_divisions(client: Asker) -> None:
    client.token = exchange(client, consent(client, b"division=200")["code"][0]).json[
        "access_token"
    ]
    assert [row["Code"] for row in client.get("1/system/Divisions").rows] == [200]
    refused = client.get("100/hrm/Costcenters", select="ID")
    assert (refused.status, refused.headers["reason"]) == (403, "NoDivisionAccess")


def test_the_user_refuses(client: Asker) -> None:
    assert consent(client, b"consent=no")["error"] == ["access_denied"]


def test_a_redirect_uri_without_https(client: Asker) -> None:
    url = authorise_url(client.exact, redirect_uri="http://localhost/callback")
    assert client.ask("GET", url).status == 401


@pytest.mark.parametrize("changes", [{"client_id": "other"}, {"response_type": "magic"}])
def test_a_wrong_authorise_request(client: Asker, changes: dict[str, str]) -> None:
    assert client.ask("GET", authorise_url(client.exact, **changes)).status == 400


def test_an_expired_access_token(client: Asker) -> None:
    client.clock.advance(600)
    refused = client.get("current/Me")
    assert refused.status == 401
    assert "access%20token%20expired" in refused.headers["www-authenticate"]


def test_no_access_token(client: Asker) -> None:
    client.token = ""
    assert client.get("current/Me").status == 401


def test_two_hundred_token_calls_a_day(client: Asker) -> None:
    client.exact.switches.set(token_calls_per_day=2)
    client.clock.advance(600)
    assert client.refresh(client.exact.refresh_token()).status == 200
    client.clock.advance(600)
    assert client.refresh(client.exact.refresh_token()).status == 400


def test_a_grace_window_by_switch(client: Asker) -> None:
    client.exact.switches.set(refresh_grace_seconds=60)
    client.clock.advance(600)
    token = client.exact.refresh_token()
    assert client.refresh(token).status == 200
    client.clock.advance(30)
    assert client.refresh(token).status == 200


def test_tokens_survive_a_restart(client: Asker) -> None:
    body = json.dumps(client.get("current/Me").json)
    again = type(client.exact)(
        client.exact.store.database.path.parent,
        client.clock,
        client.exact.registration,
        seeds=False,
    )
    client.exact = again
    assert json.dumps(client.get("current/Me").json) == body
    again.store.database.close()
