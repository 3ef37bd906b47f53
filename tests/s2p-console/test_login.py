from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from click.testing import CliRunner, Result

from exactonline_client import Tokens
from s2p_console.cli import s2p
from s2p_console.consent import code_of
from s2p_console.errors import LoginError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import House

REDIRECT = "https://app.example.com/callback"
CODE = "stampNL001.AbC+d/e=!"
ENCODED = "stampNL001.AbC+d%2Fe%3D%21"
SECRET = "client-s3cret"


@dataclass
class Exact:
    """A token endpoint that takes one code once."""

    url: str = ""
    answer: tuple[int, str] | None = None
    forms: list[dict[str, str]] = field(default_factory=list)

    def reply(self, form: dict[str, str]) -> tuple[int, str]:
        self.forms.append(form)
        if self.answer is not None:
            return self.answer
        if form.get("code") != CODE or len(self.forms) > 1:
            return 400, json.dumps({"error": "invalid_grant", "error_description": "x"})
        tokens = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": "600"}
        return 200, json.dumps({**tokens, "token_type": "bearer"})


@pytest.fixture
def exact() -> Iterator[Exact]:
    made = Exact()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, text = made.reply(dict(parse_qsl(body)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tap(house: House, exact: Exact) -> House:
    house.environment |= {
        "TAP_EXACTONLINE_API_URL": exact.url,
        "TAP_EXACTONLINE_CLIENT_ID": "app-1",
        "TAP_EXACTONLINE_CLIENT_SECRET": SECRET,
        "TAP_EXACTONLINE_REDIRECT_URI": REDIRECT,
        "DISPLAY": None,
        "WAYLAND_DISPLAY": None,
    }
    return house


def state_of(ran: Result) -> str:
    return parse_qs(urlsplit(ran.stdout.strip()).query)["state"][0]


def stored(house: House) -> Tokens | None:
    with house.open() as store:
        payload = store.vault.load("exactonline", "app-1")
        return Tokens.from_payload(payload) if payload else None


def begun(tap: House) -> str:
    ran = tap.run("login", "--print-url")
    assert ran.exit_code == 0
    return state_of(ran)


def test_printed_address_asks_for_the_consent_of_this_app(tap: House, exact: Exact) -> None:
    ran = tap.run("login", "--print-url")
    address = urlsplit(ran.stdout.strip())
    query = parse_qs(address.query)
    assert f"{address.scheme}://{address.netloc}" == exact.url
    assert (query["client_id"], query["redirect_uri"]) == (["app-1"], [REDIRECT])
    assert len(query["state"][0]) >= 32
    assert SECRET not in ran.output


def test_login_in_two_calls_stores_the_tokens_where_the_tap_reads_them(
    tap: House, exact: Exact
) -> None:
    state = begun(tap)
    ran = tap.run("login", "--redirect-url", f"{REDIRECT}?code={ENCODED}&state={state}")

    assert ran.exit_code == 0, ran.output
    tokens = stored(tap)
    assert tokens is not None
    assert (tokens.access_token, tokens.refresh_token) == ("access-1", "refresh-1")
    assert tokens.expires_in == 600
    assert exact.forms[0]["code"] == CODE
    assert exact.forms[0]["redirect_uri"] == REDIRECT
    assert not any(secret in ran.output for secret in ("access-1", "refresh-1", SECRET, CODE))


def test_login_in_one_call_takes_the_pasted_address(
    tap: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda _length: "known-state")
    pasted = f"{REDIRECT}?state=known-state&code={ENCODED}\n"
    ran = tap.run("login", "--no-browser", stdin=pasted)
    assert ran.exit_code == 0, ran.output
    assert stored(tap) is not None


def test_without_an_answer_the_login_can_be_finished_later(tap: House) -> None:
    ran = tap.run("login", "--no-browser", stdin="")
    assert ran.exit_code == 1
    assert "--redirect-url" in ran.stderr
    ran = tap.run("login", "--redirect-url", f"{REDIRECT}?code={ENCODED}&state={state_of(ran)}")
    assert ran.exit_code == 0


def test_a_foreign_state_stores_nothing_and_asks_nothing(tap: House, exact: Exact) -> None:
    begun(tap)
    ran = tap.run("login", "--redirect-url", f"{REDIRECT}?code={ENCODED}&state=other")
    assert ran.exit_code == 1
    assert "state" in ran.stderr
    assert exact.forms == []
    assert stored(tap) is None


def test_an_address_is_good_once(tap: House, exact: Exact) -> None:
    address = f"{REDIRECT}?code={ENCODED}&state={begun(tap)}"
    assert tap.run("login", "--redirect-url", address).exit_code == 0
    ran = tap.run("login", "--redirect-url", address)
    assert ran.exit_code == 1
    assert "No login was begun" in ran.stderr
    assert len(exact.forms) == 1


def test_a_login_begun_long_ago_is_over(tap: House) -> None:
    with tap.open() as store:
        old = {"state": "s", "asked_at": "2020-01-01T00:00:00+00:00"}
        store.vault.save("exactonline-login", "app-1", old)
    ran = tap.run("login", "--redirect-url", f"{REDIRECT}?code={ENCODED}&state=s")
    assert (ran.exit_code, stored(tap)) == (1, None)


def test_a_refused_code_leaves_the_earlier_login_alone(tap: House, exact: Exact) -> None:
    address = f"{REDIRECT}?code={ENCODED}&state={begun(tap)}"
    assert tap.run("login", "--redirect-url", address).exit_code == 0
    before = stored(tap)
    ran = tap.run("login", "--redirect-url", f"{REDIRECT}?code={ENCODED}&state={begun(tap)}")
    assert ran.exit_code == 1
    assert "three minutes" in ran.stderr
    assert len(exact.forms) == 2
    assert stored(tap) == before


@pytest.mark.parametrize(
    "answer",
    [
        (400, json.dumps({"error": "invalid_client"})),
        (400, json.dumps({"error": "invalid_request"})),
        (200, "<html>Maintenance</html>"),
        (200, ""),
        (200, json.dumps({"token_type": "bearer"})),
        (500, "oops"),
    ],
)
def test_other_answers_are_one_line_without_secrets(
    tap: House, exact: Exact, answer: tuple[int, str]
) -> None:
    exact.answer = answer
    ran = tap.run("login", "--redirect-url", f"{REDIRECT}?code={ENCODED}&state={begun(tap)}")
    assert ran.exit_code == 1
    assert ran.stderr.startswith("Error: ")
    assert ran.stderr.count("\n") == 1
    assert SECRET not in ran.output
    assert stored(tap) is None


def test_missing_settings_are_told_before_anyone_gives_consent(tap: House) -> None:
    ran = tap.run("login", TAP_EXACTONLINE_CLIENT_SECRET=None, TAP_EXACTONLINE_REDIRECT_URI="")
    assert ran.exit_code == 1
    assert "TAP_EXACTONLINE_CLIENT_SECRET, TAP_EXACTONLINE_REDIRECT_URI" in ran.stderr
    assert ran.stdout == ""


def test_without_a_store_key_nobody_is_sent_to_exact(tap: House) -> None:
    ran = tap.run("login", "--no-browser", S2P_STORE_KEY=None)
    assert ran.exit_code == 1
    assert "S2P_STORE_KEY" in ran.stderr
    assert ran.stdout == ""


def test_unknown_region_is_named(tap: House) -> None:
    ran = tap.run("login", TAP_EXACTONLINE_API_URL=None, TAP_EXACTONLINE_REGION="xx")
    assert ran.exit_code == 1
    assert "'xx'" in ran.stderr


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "redirect_uri"),
        ("stampNL001.code", "redirect_uri"),
        ("http://[", "not an address"),
        ("https://elsewhere.example.com/callback?code=a&state=s", "redirect_uri"),
        (f"{REDIRECT}?state=s", "no code"),
        (f"{REDIRECT}?code=&state=s", "no code"),
        (f"{REDIRECT}?code=a", "state"),
        (f"{REDIRECT}?error=access_denied&error_description=User+said+no", "User said no"),
    ],
)
def test_addresses_that_cannot_be_used(address: str, words: str) -> None:
    with pytest.raises(LoginError, match=words):
        code_of(address, "s", REDIRECT)


def test_help_of_login_needs_no_settings(house: House) -> None:
    assert CliRunner().invoke(s2p, ["login", "--help"]).exit_code == 0
    assert not (house.folder / "store.db").exists()
