from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from s2p_sandbox.servicenow import TEST_ACCESS

if TYPE_CHECKING:
    from conftest import Client

CLIENT = {"client_id": TEST_ACCESS.client_id, "client_secret": TEST_ACCESS.client_secret}
GL = "/api/now/table/sn_fin_gl_account"


def token(now: Client, **form: str) -> requests.Response:
    return requests.post(f"{now.url}/oauth_token.do", data={**CLIENT, **form}, timeout=20)


def granted(now: Client, **form: str) -> dict[str, Any]:
    answer = token(now, **form)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read(now: Client, access_token: str) -> int:
    headers = {"Authorization": f"Bearer {access_token}"}
    return now.call("GET", GL, headers=headers).status_code


def test_client_credentials_give_the_same_token_while_it_lives(now: Client) -> None:
    first = granted(now, grant_type="client_credentials")
    assert first["expires_in"] == 1800
    assert first["token_type"] == "Bearer"
    assert "refresh_token" not in first
    assert read(now, first["access_token"]) == 200
    now.control("clock", {"advance_seconds": 1000})
    second = granted(now, grant_type="client_credentials")
    assert second["access_token"] == first["access_token"]
    assert 700 <= second["expires_in"] <= 800
    now.control("clock", {"advance_seconds": 900})
    assert read(now, first["access_token"]) == 401
    third = granted(now, grant_type="client_credentials")
    assert third["access_token"] != first["access_token"]


def test_password_and_refresh(now: Client) -> None:
    user = "exact.integration"
    made = granted(now, grant_type="password", username=user, password=TEST_ACCESS.passwords[user])
    now.control("clock", {"advance_seconds": 2000})
    assert read(now, made["access_token"]) == 401
    again = granted(now, grant_type="refresh_token", refresh_token=made["refresh_token"])
    assert again["access_token"] != made["access_token"]
    assert again["refresh_token"] == made["refresh_token"]
    now.control("clock", {"advance_seconds": 101 * 86_400})
    late = token(now, grant_type="refresh_token", refresh_token=made["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (401, "invalid_grant")


def test_authorization_code(now: Client) -> None:
    query = {
        "response_type": "code",
        "client_id": CLIENT["client_id"],
        "redirect_uri": "https://app.example.com/back",
        "state": "s1",
    }
    page = requests.get(f"{now.url}/oauth_auth.do", params=query, timeout=20)
    assert '<button type="submit">Allow</button>' in page.text
    approved = requests.post(
        f"{now.url}/oauth_auth.do", data=query, timeout=20, allow_redirects=False
    )
    location = approved.headers["Location"]
    assert location.startswith("https://app.example.com/back?code=")
    assert location.endswith("&state=s1")
    code = location.split("code=")[1].split("&")[0]
    form = {"grant_type": "authorization_code", "code": code}
    wrong = token(now, **form, redirect_uri="https://elsewhere.example.com")
    assert wrong.status_code == 401
    made = granted(now, **form, redirect_uri=query["redirect_uri"])
    assert read(now, made["access_token"]) == 200
    assert token(now, **form, redirect_uri=query["redirect_uri"]).status_code == 401


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password", "username": "x", "password": "y"}, 401, "server_error"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
    ],
)
def test_refused_grants(now: Client, form: dict[str, str], status: int, error: str) -> None:
    answer = token(now, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_parameters_count_in_a_form_body_only(now: Client) -> None:
    everything = {**CLIENT, "grant_type": "client_credentials"}
    assert (
        requests.post(f"{now.url}/oauth_token.do", json=everything, timeout=20).status_code == 400
    )
    in_url = requests.post(
        f"{now.url}/oauth_token.do",
        params=everything,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        timeout=20,
    )
    assert in_url.status_code == 401


def test_the_client_credentials_grant_can_be_off(now: Client) -> None:
    now.switch(client_credentials=False)
    answer = token(now, grant_type="client_credentials")
    assert answer.status_code == 401
    assert answer.json() == {"error": "server_error", "error_description": "access_denied"}


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic nonsense", "Basic YTpi"])
def test_who_is_unknown_is_not_authenticated(now: Client, header: str) -> None:
    answer = requests.get(now.url + GL, headers={"Authorization": header}, timeout=20)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": {
            "message": "User Not Authenticated",
            "detail": "Required to provide Auth information",
        },
        "status": "failure",
    }


def test_basic_authentication_can_be_restricted(now: Client, admin: Client) -> None:
    now.switch(basic_auth=False)
    assert now.call("GET", GL).status_code == 401
    assert admin.call("GET", GL).status_code == 200


def test_without_rest_service_nothing_is_answered(now: Client) -> None:
    now.switch(revoked_roles=["rest_service"])
    answer = now.call("GET", GL)
    assert answer.status_code == 403
    assert answer.json()["error"]["detail"] == "Failed API level ACL Validation"


def test_an_hourly_rule_shows_itself_and_then_refuses(now: Client) -> None:
    now.control(
        "rows",
        {
            "table": "sys_rate_limit_rules",
            "rows": [{"name": "Table API", "resource": "/api/now/table", "requests_per_hour": "2"}],
        },
    )
    first = now.call("GET", GL)
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert "Retry-After" not in first.headers
    now.call("GET", GL)
    third = now.call("GET", GL)
    assert third.status_code == 429
    assert 0 < int(third.headers["Retry-After"]) <= 3600
    assert third.json()["error"]["detail"] == (
        "Rate limit of 2 requests per hour for Table API exceeded"
    )
    now.control("clock", {"advance_seconds": 3600})
    assert now.call("GET", GL).status_code == 200
