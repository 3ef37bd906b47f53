from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from servicenow_client import (
    AuthenticationFailed,
    Hibernating,
    NoAnswer,
    SettingsError,
    Tokens,
    Unreachable,
    connect,
)

from .conftest import Network, answer, html, page

if TYPE_CHECKING:
    from collections.abc import Iterator


class SharedStore:
    def __init__(self, tokens: Tokens | None = None, arriving: Tokens | None = None) -> None:
        self.tokens = tokens
        self.arriving = arriving
        self.locked = 0

    def load(self) -> Tokens | None:
        return self.tokens

    def save(self, tokens: Tokens) -> None:
        assert self.locked
        self.tokens = tokens

    @contextmanager
    def lock(self) -> Iterator[None]:
        self.locked += 1
        if self.arriving is not None:
            self.tokens = self.arriving
        yield
        self.locked -= 1


def test_one_token_serves_many_requests(network: Network) -> None:
    client = network.client()
    network.script = [page(), page()]
    list(client.query("a"))
    list(client.query("b"))
    assert [dict(r.headers)["Authorization"] for r in network.requests] == ["Bearer token-1"] * 2
    assert network.forms == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["me"],
            "client_secret": ["hush-hush"],
        }
    ]


def test_the_lifetime_comes_from_the_answer(network: Network) -> None:
    client = network.client()
    network.token_script = [answer(200, {"access_token": "short", "expires_in": 60})]
    network.script = [page(), page(), page()]
    list(client.query("a"))
    network.now += 50
    list(client.query("a"))
    network.now += 6
    list(client.query("a"))
    tokens = [dict(r.headers)["Authorization"] for r in network.requests]
    assert tokens == ["Bearer short", "Bearer short", "Bearer token-2"]


def test_a_401_renews_once_and_then_fails(network: Network) -> None:
    client = network.client()
    network.script = [answer(401, {"error": {"message": "User Not Authenticated"}}), page()]
    assert list(client.query("a")) == []
    network.script = [answer(401), answer(401)]
    with pytest.raises(AuthenticationFailed, match="does not accept these credentials"):
        list(client.query("a"))
    assert len(network.forms) == 3


def test_basic_is_not_tried_twice(network: Network) -> None:
    client = network.client(auth_method="basic", username="u", password="p")
    network.script = [answer(401)]
    with pytest.raises(AuthenticationFailed):
        list(client.query("a"))
    assert dict(network.requests[0].headers)["Authorization"] == "Basic dTpw"


def test_a_refused_grant_says_what_to_check_and_no_secret(network: Network) -> None:
    network.token_script = [answer(401, {"error": "invalid_client"})]
    with pytest.raises(AuthenticationFailed) as caught:
        list(network.client().query("a"))
    assert "invalid_client" in str(caught.value)
    assert "application user" in str(caught.value)
    assert "hush-hush" not in str(caught.value)


def test_the_refresh_token_of_the_store_wins_over_the_seed(network: Network) -> None:
    store = SharedStore(Tokens("old", 0.0, "kept"))
    client = network.client(
        auth_method="authorization_code", refresh_token="seed", token_store=store
    )
    network.token_script = [
        answer(200, {"access_token": "new", "expires_in": 1800, "refresh_token": "next"})
    ]
    network.script = [page()]
    list(client.query("a"))
    assert network.forms[0]["refresh_token"] == ["kept"]
    assert store.tokens == Tokens("new", network.now + 1800, "next")


def test_another_process_that_was_faster_spares_the_renewal(network: Network) -> None:
    fresh = Tokens("theirs", network.now + 900, None)
    store = SharedStore(Tokens("old", 0.0, None), arriving=fresh)
    network.script = [page()]
    list(network.client(token_store=store).query("a"))
    assert network.forms == []
    assert dict(network.requests[0].headers)["Authorization"] == "Bearer theirs"


def test_without_any_refresh_token_the_user_is_told(network: Network) -> None:
    with pytest.raises(AuthenticationFailed, match="set refresh_token"):
        list(network.client(auth_method="authorization_code").query("a"))


def test_the_token_endpoint_may_hibernate_throttle_or_be_away(network: Network) -> None:
    network.token_script = [html("<title>Instance Hibernating page</title>")]
    with pytest.raises(Hibernating, match="wake it"):
        list(network.client().query("a"))
    network.token_script = [answer(429, None, retry_after="3"), answer(200, {"access_token": "t"})]
    network.script = [page()]
    list(network.client().query("a"))
    assert 3 <= network.pauses[-1] < 4
    network.token_script = [NoAnswer("unsent", "the connection was refused") for _ in range(4)]
    with pytest.raises(Unreachable, match="cannot be reached"):
        list(network.client().query("a"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"instance_url": None}, "instance_url is missing"),
        ({"instance_url": "acme"}, "instance_url is malformed"),
        ({"instance_url": "https://acme:port"}, "instance_url is malformed"),
        ({"instance_url": "http://acme.service-now.com"}, "use https"),
        ({"instance_url": "https://u:p@acme.service-now.com"}, "holds credentials"),
        ({"instance_url": "https://acme.service-now.com/now"}, "has a path"),
        ({"auth_method": "magic"}, "must be one of"),
        ({"client_id": ""}, "client_id is missing"),
        ({"auth_method": "basic", "username": "u"}, "password is missing"),
    ],
)
def test_bad_settings_name_themselves(settings: dict[str, str], sentence: str) -> None:
    whole = {
        "instance_url": "https://acme.service-now.com",
        "client_id": "me",
        "client_secret": "hush",
        **settings,
    }
    with pytest.raises(SettingsError, match=sentence):
        connect(**whole)


def test_nothing_secret_in_a_repr(network: Network) -> None:
    client = network.client(auth_method="authorization_code", refresh_token="seed")
    shown = repr(vars(client._session)) + repr(Tokens("a-token", 1.0, "a-refresh"))
    for secret in ("hush-hush", "seed", "a-token", "a-refresh"):
        assert secret not in shown
