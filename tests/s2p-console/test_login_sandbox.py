"""The login against the sandbox's own consent page, read back by the tap's own token store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from exactonline_client import App, connect
from s2p_sandbox import exact
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from tap_exactonline.vault import VaultTokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import House


@pytest.fixture
def tap(house: House) -> Iterator[House]:
    registration = exact.Registration()
    system = exact.app(house.folder / "sandbox", Clock(), seeds=False, registration=registration)
    with serve(system) as url:
        house.environment |= {
            "TAP_EXACTONLINE_API_URL": url,
            "TAP_EXACTONLINE_CLIENT_ID": registration.client_id,
            "TAP_EXACTONLINE_CLIENT_SECRET": registration.client_secret,
            "TAP_EXACTONLINE_REDIRECT_URI": registration.redirect_uri,
        }
        yield house


def consent(tap: House) -> str:
    address = tap.run("login", "--print-url").stdout.strip()
    return requests.post(address, allow_redirects=False, timeout=30).headers["Location"]


def test_the_tap_reads_with_what_the_login_stored(tap: House) -> None:
    ran = tap.run("login", "--redirect-url", consent(tap))
    assert ran.exit_code == 0, ran.output

    settings = tap.environment
    app = App(
        str(settings["TAP_EXACTONLINE_CLIENT_ID"]), str(settings["TAP_EXACTONLINE_CLIENT_SECRET"])
    )
    with tap.open() as store:
        tokens = VaultTokens(store.vault, app.client_id, seed="a configured token, spent long ago")
        client = connect(str(settings["TAP_EXACTONLINE_API_URL"]), app, tokens)
        assert client.me()["UserID"]
        client.close()


def test_a_refusal_on_the_consent_page_is_told(tap: House) -> None:
    address = tap.run("login", "--print-url").stdout.strip()
    refused = requests.post(address, data={"consent": "no"}, allow_redirects=False, timeout=30)
    ran = tap.run("login", "--redirect-url", refused.headers["Location"])
    assert (ran.exit_code, "access_denied" in ran.stderr) == (1, True)


def test_a_client_secret_that_is_not_the_apps_is_told(tap: House) -> None:
    address = consent(tap)
    ran = tap.run(
        "login", "--redirect-url", address, TAP_EXACTONLINE_CLIENT_SECRET="not-the-secret"
    )
    assert ran.exit_code == 1
    assert ran.stderr.count("\n") == 1
    assert "not-the-secret" not in ran.output
