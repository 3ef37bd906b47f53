"""One sign-in at ServiceNow for whoever shares a store, against the sandbox over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from s2p_sandbox import servicenow as sandbox
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from s2p_servicenow import connected, needed
from s2p_store import Store, generate_key
from servicenow_client import AuthenticationFailed, Call, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENT = {
    "client_id": sandbox.TEST_ACCESS.client_id,
    "client_secret": sandbox.TEST_ACCESS.client_secret,
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(sandbox.app(tmp_path_factory.mktemp("servicenow"), Clock(), seeds=False)) as url:
        yield url


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", generate_key()) as opened:
        yield opened


def endpoints(store: Store, settings: dict[str, str], prefix: str = "") -> list[str]:
    """Read one table, and give the endpoints of the calls that took."""
    calls: list[Call] = []
    with connected(settings, store, prefix=prefix, on_call=calls.append) as client:
        list(client.query("sn_fin_erp_source"))
    return [call.endpoint for call in calls]


def refresh_token(instance: str) -> str:
    user = sandbox.TEST_ACCESS.integration_user
    answer = requests.post(
        f"{instance}/oauth_token.do",
        data={
            **CLIENT,
            "grant_type": "password",
            "username": user,
            "password": sandbox.TEST_ACCESS.passwords[user],
        },
        timeout=20,
    )
    return str(answer.json()["refresh_token"])


def test_the_second_plugin_finds_the_token_of_the_first(instance: str, store: Store) -> None:
    settings = {"instance_url": instance, **CLIENT}
    assert "oauth_token.do" in endpoints(store, settings)
    prefixed = {f"servicenow_{name}": value for name, value in settings.items()}
    assert "oauth_token.do" not in endpoints(store, prefixed, "servicenow_")


def test_one_refresh_token_is_enough_for_all(instance: str, store: Store) -> None:
    settings = {"instance_url": instance, "auth_method": "authorization_code", **CLIENT}
    with pytest.raises(AuthenticationFailed, match="set refresh_token"):
        endpoints(store, settings)
    endpoints(store, {**settings, "refresh_token": refresh_token(instance)})
    assert "oauth_token.do" not in endpoints(store, settings)


def test_a_wrong_secret_is_told_though_another_has_a_token(instance: str, store: Store) -> None:
    settings = {"instance_url": instance, **CLIENT}
    endpoints(store, settings)
    with pytest.raises(AuthenticationFailed):
        endpoints(store, {**settings, "client_secret": "wrong"})
    assert "oauth_token.do" not in endpoints(store, settings)


def test_another_instance_has_tokens_of_its_own(instance: str, store: Store) -> None:
    endpoints(store, {"instance_url": instance, **CLIENT})
    elsewhere = instance.replace("127.0.0.1", "localhost")
    assert "oauth_token.do" in endpoints(store, {"instance_url": elsewhere, **CLIENT})


def test_without_a_store_key_tokens_live_as_long_as_the_process(
    instance: str, tmp_path: Path
) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'open.db'}", None) as keyless:
        settings = {"instance_url": instance, **CLIENT}
        assert "oauth_token.do" in endpoints(keyless, settings)
        assert "oauth_token.do" in endpoints(keyless, settings)


def test_what_a_method_needs_is_named(store: Store) -> None:
    assert needed("basic") == ("username", "password")
    assert needed(None) == ("client_id", "client_secret")
    with (
        pytest.raises(SettingsError, match="password is missing"),
        connected(
            {"instance_url": "http://127.0.0.1:1", "auth_method": "basic", "username": "u"}, store
        ),
    ):
        pass
