"""The login against the sandbox's own consent page, read back by the tap's own token store."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from exactonline_client import App, connect
from s2p_exactonline import VaultTokens, load_grant
from s2p_sandbox import exact
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve

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
        house.sandbox = system
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


def test_a_login_remembers_who_may_read_what(tap: House) -> None:
    tap.sandbox.add_division(101, "Een B.V.")
    ran = tap.run("login", "--redirect-url", consent(tap))
    assert ran.exit_code == 0, ran.output
    assert "101 Een B.V." in ran.stderr
    with tap.open() as store:
        grant = load_grant(store.vault, str(tap.environment["TAP_EXACTONLINE_CLIENT_ID"]))
    assert (grant.division, grant.divisions) == (101, (101,))
    assert grant.user_id


def test_the_answer_is_taken_where_the_tunnel_ends(tap: House) -> None:
    """A browser that was sent elsewhere, or by somebody else, does not end the waiting."""
    program = [Path(sys.executable).with_name("s2p"), "login", "--no-browser", "--listen", "0"]
    environment = {**os.environ, **{name: str(value) for name, value in tap.environment.items()}}
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as login:
        assert login.stdout
        assert login.stderr
        port = int(login.stderr.readline().rpartition(" ")[2].strip().rstrip("."))
        address = login.stdout.readline().strip()
        here = f"http://127.0.0.1:{port}"
        # As browsers do, ahead of time and without a word.
        idle = socket.create_connection(("127.0.0.1", port))
        assert requests.get(f"{here}/?code=x&state=y", timeout=30).status_code == 404
        sent_to = requests.post(address, allow_redirects=False, timeout=30).headers["Location"]
        query = sent_to.partition("?")[2]
        assert requests.get(f"{here}/through/the/tunnel?{query}", timeout=30).status_code == 200
        said = login.stderr.read()
        idle.close()
    assert login.returncode == 0, said
    assert "Logged in." in said


@pytest.mark.parametrize("place", ["x", "127.0.0.1:", "127.0.0.1:70000"])
def test_a_place_that_cannot_be_listened_on_is_told(tap: House, place: str) -> None:
    ran = tap.run("login", "--listen", place)
    assert (ran.exit_code, "--listen takes" in ran.stderr) == (1, True)
