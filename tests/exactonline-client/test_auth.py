# ruff: noqa: ANN001, ANN002, ANN003, ANN202, ARG001 - what fixtures give stands in conftest.py
from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import NoReturn

import pytest

from exactonline_client import (
    App,
    ClientRefused,
    ConnectionFailed,
    LoginNeeded,
    TokenNotSaved,
    TokenRequestFailed,
    Tokens,
    UnexpectedAnswer,
    authorise_url,
    exchange_code,
)


def _age(kit, seconds: float) -> None:
    kit.time.now = kit.start + timedelta(seconds=seconds)


def _refuse(kit, status: int, code: str, text: str, **options):
    return kit.reply({"error": code, "error_description": text}, status=status, **options)


def test_a_good_token_is_used_without_lock_or_request(kit) -> None:
    assert kit.auth().access_token() == "access-1"
    assert kit.store.locked == 0


def test_an_old_token_is_renewed_once_and_saved_before_use(kit) -> None:
    _age(kit, 700)
    kit.script_forms(kit.token_answer(2))
    auth = kit.auth()
    assert auth.access_token() == "access-2"
    assert auth.access_token() == "access-2"
    assert len(kit.wire.forms) == 1
    assert kit.store.tokens.refresh_token == "refresh-2"
    assert kit.store.tokens.previous_refresh_token == "refresh-1"
    assert kit.store.tokens.expires_in == 600


def test_whoever_waited_for_the_lock_takes_what_the_other_got(kit) -> None:
    _age(kit, 700)
    other = Tokens("access-2", "refresh-2", issued_at=kit.time.now)
    kit.store.on_lock = lambda: setattr(kit.store, "tokens", other)
    assert kit.auth().access_token() == "access-2"
    assert kit.wire.forms == []


@pytest.mark.parametrize(
    "options",
    [
        {"text": "Rate limit exceeded: access_token not expired"},
        {
            "text": "",
            "headers": {"Reason": "TooEarlyToRefreshTokens: Rate limit exceeded"},
        },
    ],
)
def test_too_early_keeps_the_token_in_hand(kit, options) -> None:
    _age(kit, 580)
    text = options.pop("text")
    too_early = _refuse(kit, 400, "access_denied", text, **options)
    kit.script_forms(too_early, kit.token_answer(2))
    auth = kit.auth()
    assert auth.access_token() == "access-1"
    assert auth.access_token() == "access-1"
    assert len(kit.wire.forms) == 1
    _age(kit, 591)
    assert auth.access_token() == "access-2"


def test_too_early_with_no_token_in_hand_needs_a_person(kit) -> None:
    kit.store.tokens = Tokens("", "refresh-1", issued_at=kit.start)
    kit.script_forms(_refuse(kit, 400, "access_denied", "access_token not expired"))
    with pytest.raises(LoginNeeded, match="s2p login"):
        kit.auth().access_token()


def test_a_used_refresh_token_is_looked_up_once_more(kit) -> None:
    _age(kit, 700)

    def answer(form):
        kit.store.tokens = Tokens("access-9", "refresh-9", issued_at=kit.time.now)
        return _refuse(kit, 401, "unauthorized_client", "Old refresh token used.")

    kit.wire.answer_form = answer
    assert kit.auth().access_token() == "access-9"
    assert len(kit.wire.forms) == 1


def test_a_used_refresh_token_with_nothing_newer_needs_a_login(kit) -> None:
    _age(kit, 700)
    kit.script_forms(_refuse(kit, 401, "unauthorized_client", "Old refresh token used."))
    with pytest.raises(LoginNeeded, match="s2p login"):
        kit.auth().access_token()


@pytest.mark.parametrize(
    ("status", "code", "text", "kind"),
    [
        (400, "invalid_request", "The refresh token expired at 10/11/2022 9:18:20 PM", LoginNeeded),
        (400, "invalid_grant", "Token is not allowed, because of invalid chainId", LoginNeeded),
        (401, "unauthorized_client", "", ClientRefused),
        (401, "invalid_client", "", ClientRefused),
        (400, "invalid_request", "", TokenRequestFailed),
        (503, "", "", TokenRequestFailed),
    ],
)
def test_refusals_are_told_apart(kit, status, code, text, kind) -> None:
    _age(kit, 700)
    kit.script_forms(_refuse(kit, status, code, text))
    with pytest.raises(kind) as caught:
        kit.auth().access_token()
    message = str(caught.value)
    assert "secret" not in message.replace("client_secret", "")
    assert "refresh-1" not in message


def test_an_unsent_post_is_repeated_a_sent_one_never(kit) -> None:
    _age(kit, 700)
    kit.script_forms(ConnectionFailed("no route", sent=False), kit.token_answer(2))
    assert kit.auth().access_token() == "access-2"

    _age(kit, 1400)
    kit.script_forms(ConnectionFailed("broke off", sent=True), kit.token_answer(3))
    with pytest.raises(ConnectionFailed, match="s2p login"):
        kit.auth().access_token()
    assert kit.store.tokens.refresh_token == "refresh-2"


def test_an_empty_answer_is_asked_for_again(kit) -> None:
    _age(kit, 700)
    kit.script_forms(kit.reply(), kit.token_answer(2))
    assert kit.auth().access_token() == "access-2"


@pytest.mark.parametrize("told", ["soon", None, 0, -1, "600", 600.0, "9" * 20])
def test_an_odd_lifetime_does_not_cost_the_new_tokens(kit, told) -> None:
    _age(kit, 700)
    answer = {"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": told}
    kit.script_forms(kit.reply(answer))
    assert kit.auth().access_token() == "access-2"
    assert kit.store.tokens.refresh_token == "refresh-2"
    assert kit.store.tokens.expires_in == 600


@pytest.mark.parametrize("body", [b"<html>busy</html>", b'{"access_token":"a"}', b"[]", b"{"])
def test_other_answers_are_not_repeated(kit, body: bytes) -> None:
    _age(kit, 700)
    kit.script_forms(kit.reply(body=body))
    with pytest.raises((UnexpectedAnswer, TokenRequestFailed)):
        kit.auth().access_token()
    assert len(kit.wire.forms) == 1


def test_a_store_that_cannot_be_written_shows_before_the_token_is_spent(kit) -> None:
    _age(kit, 700)

    def refuse(_tokens) -> NoReturn:
        raise OSError("disk full")

    kit.store.save = refuse
    with pytest.raises(OSError, match="disk full"):
        kit.auth().access_token()
    assert kit.wire.forms == []


def test_a_save_that_fails_afterwards_is_tried_again(kit) -> None:
    _age(kit, 700)
    kit.script_forms(kit.token_answer(2))
    failures = iter([None, OSError("busy"), None])
    keep = kit.store.save

    def save(tokens) -> None:
        failure = next(failures)
        if failure:
            raise failure
        keep(tokens)

    kit.store.save = save
    assert kit.auth().access_token() == "access-2"
    assert kit.store.tokens.refresh_token == "refresh-2"


def test_a_save_that_keeps_failing_says_what_is_lost(kit) -> None:
    _age(kit, 700)
    kit.script_forms(kit.token_answer(2))
    failures = iter([None, *[OSError("full")] * 9])

    def save(_tokens) -> None:
        failure = next(failures)
        if failure:
            raise failure

    kit.store.save = save
    with pytest.raises(TokenNotSaved, match="s2p login"):
        kit.auth().access_token()


def test_a_refused_token_is_replaced_by_the_stores_or_renewed(kit) -> None:
    auth = kit.auth()
    auth.access_token()
    kit.store.tokens = Tokens("access-2", "refresh-2", issued_at=kit.start)
    assert auth.replace("access-1") == "access-2"
    assert kit.wire.forms == []
    kit.script_forms(kit.token_answer(3))
    assert auth.replace("access-2") == "access-3"


def test_no_login_says_how_to_get_one(kit) -> None:
    kit.store.tokens = None
    with pytest.raises(LoginNeeded, match="s2p login"):
        kit.auth().access_token()


def test_a_signal_waits_until_the_new_token_is_saved(kit) -> None:
    _age(kit, 700)
    told: list[str] = []

    def answer(_form):
        os.kill(os.getpid(), signal.SIGTERM)
        told.append("answered")
        return kit.token_answer(2)

    def handler(_number, _frame) -> None:
        told.append(f"signal with {kit.store.tokens.refresh_token}")

    kit.wire.answer_form = answer
    before = signal.signal(signal.SIGTERM, handler)
    try:
        kit.auth().access_token()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["answered", "signal with refresh-2"]


def test_consent_and_code(kit) -> None:
    app = App("client id", "client-secret", "https://app.example/callback")
    url = authorise_url(kit.root, app, state="unguessable")
    assert url == (
        "https://exact.example/api/oauth2/auth?client_id=client+id&redirect_uri=https%3A%2F%2F"
        "app.example%2Fcallback&response_type=code&state=unguessable&force_login=0"
    )
    kit.script_forms(kit.token_answer(1))
    tokens = exchange_code(kit.wire, kit.root, app, "stamp%21code ", now=kit.start)
    assert tokens.access_token == "access-1"
    assert kit.wire.forms[0]["code"] == "stamp!code"
    assert "client-secret" not in repr(app)


class Died(BaseException):
    """The process ends here, whatever it was about to do."""


def _die(*_arguments, **_options) -> NoReturn:
    raise Died


@pytest.mark.parametrize("step", ["before the request", "after the request", "after the save"])
def test_a_process_that_dies_at_any_step_of_a_refresh(kit, monkeypatch, step) -> None:
    """What can be saved is saved; where the answer died with the process, a login is asked for."""
    _age(kit, 700)
    spent: list[str] = []

    def exact(form):
        if form["refresh_token"] in spent:
            return _refuse(kit, 401, "unauthorized_client", "Old refresh token used.")
        spent.append(form["refresh_token"])
        return kit.token_answer(len(spent) + 1)

    kit.wire.answer_form = exact
    save = kit.store.save
    with monkeypatch.context() as dying:
        if step == "before the request":
            dying.setattr(kit.wire, "answer_form", _die)
        elif step == "after the request":
            dying.setattr(kit.store, "save", lambda tokens: _die() if spent else save(tokens))
        else:
            dying.setattr(kit.store, "save", lambda tokens: (save(tokens), _die() if spent else 0))
        with pytest.raises(Died):
            kit.auth().access_token()
    again = kit.auth()
    if step == "after the request":
        with pytest.raises(LoginNeeded, match="s2p login"):
            again.access_token()
    else:
        assert again.access_token() == "access-2"
        assert len(spent) == 1


def test_calls_for_tokens_are_counted_across_processes_and_end_before_exact_ends_them(kit) -> None:
    kit.wire.answer_form = lambda _form: kit.reply()  # nothing at all, each time
    asked = 0
    for _ in range(100):
        _age(kit, 700)
        with pytest.raises((UnexpectedAnswer, TokenRequestFailed)):
            kit.auth().access_token()
        asked = len(kit.wire.forms)
    assert asked == 195
    with pytest.raises(TokenRequestFailed, match="200 a day"):
        kit.auth().access_token()
    _age(kit, 700 + 86_400)
    kit.wire.answer_form = lambda _form: kit.token_answer(2)
    assert kit.auth().access_token() == "access-2"
    assert kit.store.tokens.calls == 1
