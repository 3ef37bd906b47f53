"""Subscribing at Exact, and receiving what it delivers: against the sandbox, over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from support.receiver import Receiver, receiving

from s2p_console.deliveries import TOPICS as RECEIVED
from s2p_console.deliveries import content_of, event_of
from s2p_console.follow_up import RUN_LOCK
from s2p_console.receiver import PATH
from s2p_console.receiver import Receiver as DeliveryReceiver
from s2p_console.subscriptions import Subscription, changes
from s2p_exactonline import mark_silent
from s2p_sandbox import exact
from s2p_sandbox.clock import Clock
from s2p_sandbox.faults import Fault
from s2p_sandbox.server import serve
from s2p_store import StoreFull
from tap_exactonline import announced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import House

SECRET = "hook-secret"
S2P = Path(sys.executable).with_name("s2p")
SUBSCRIPTIONS = "webhooks/WebhookSubscriptions"


@pytest.fixture
def tap(house: House) -> Iterator[House]:
    system = exact.app(house.folder / "sandbox", Clock(), seeds=False)
    system.switches.set(webhook_worker=False)
    for division in (101, 102):
        system.add_division(division, f"Division {division}")
    with serve(system) as url:
        house.environment |= {
            "TAP_EXACTONLINE_API_URL": url,
            "TAP_EXACTONLINE_CLIENT_ID": system.registration.client_id,
            "TAP_EXACTONLINE_CLIENT_SECRET": system.registration.client_secret,
            "TAP_EXACTONLINE_REFRESH_TOKEN": system.registration.refresh_token,
            "TAP_EXACTONLINE_DIVISIONS": "[101, 102]",
        }
        house.sandbox = system
        yield house


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def _there(tap: House) -> list[tuple[int, str, str]]:
    rows = tap.sandbox.store.all_of(SUBSCRIPTIONS)
    return sorted((row.division, row.values["Topic"], row.values["CallbackURL"]) for row in rows)


def _posts(hook: Receiver) -> int:
    return len(hook.bodies)


# Subscribing


def test_one_subscription_for_each_topic_and_division(tap: House, hook: Receiver) -> None:
    ran = tap.run("webhooks", "subscribe", "--url", hook.url, "--json")
    assert ran.exit_code == 0, ran.output
    assert {one["state"] for one in json.loads(ran.stdout)} == {"subscribed"}
    assert len(_there(tap)) == 12
    assert _posts(hook) == 12

    again = tap.run("webhooks", "subscribe", S2P_WEBHOOK_URL=hook.url)
    assert (again.exit_code, _posts(hook)) == (0, 12)
    listed = json.loads(tap.run("webhooks", "list", "--json", S2P_WEBHOOK_URL=hook.url).stdout)
    assert {one["state"] for one in listed} == {"ours"}


def test_others_are_left_alone(tap: House, hook: Receiver) -> None:
    other = {"Topic": "Items", "CallbackURL": "https://other.example/x", "ClientID": "other-app"}
    tap.sandbox.store.load(SUBSCRIPTIONS, [{"ID": _guid(1), **other}], 101)
    ran = tap.run("webhooks", "subscribe", "--url", hook.url, "--division", "101")
    assert ran.exit_code == 0, ran.output
    removed = tap.run("webhooks", "remove", "--url", hook.url)
    assert removed.exit_code == 0
    assert _there(tap) == [(101, "Items", "https://other.example/x")]


def test_one_of_ours_that_calls_elsewhere_is_replaced_only_when_asked(
    tap: House, hook: Receiver
) -> None:
    tap.run("webhooks", "subscribe", "--url", hook.url, "--division", "101", "--topic", "Items")
    with receiving() as moved:
        arguments = ["webhooks", "subscribe", "--url", moved.url, "--division", "101"]
        arguments += ["--topic", "Items"]
        ran = tap.run(*arguments)
        assert (ran.exit_code, "--replace" in ran.stdout) == (2, True)
        assert _there(tap) == [(101, "Items", hook.url)]
        assert tap.run(*arguments, "--replace").exit_code == 0
        assert _there(tap) == [(101, "Items", moved.url)]
        assert tap.run(*arguments, "--renew").exit_code == 0
        assert _posts(moved) == 2


def test_a_callback_that_does_not_answer_is_asked_once_for_each_division(
    tap: House, hook: Receiver
) -> None:
    hook.status = 500
    ran = tap.run("webhooks", "subscribe", "--url", hook.url)
    assert ran.exit_code == 2
    assert "s2p webhooks serve" in ran.stdout.replace("\n", " ")
    assert _posts(hook) == 2
    assert _there(tap) == []


def test_what_is_missing_is_named(tap: House) -> None:
    ran = tap.run("webhooks", "subscribe")
    assert (ran.exit_code, "S2P_WEBHOOK_URL" in ran.stderr) == (1, True)
    ran = tap.run("webhooks", "subscribe", "--url", "http://hooks.example.com/")
    assert (ran.exit_code, "HTTPS" in ran.stderr) == (1, True)
    ran = tap.run("webhooks", "serve")
    assert (ran.exit_code, "S2P_WEBHOOK_SECRET" in ran.stderr) == (1, True)


SUBSCRIPTION = st.builds(
    Subscription,
    st.uuids().map(str),
    st.sampled_from([1, 2]),
    st.sampled_from(["Items", "Accounts"]),
    st.sampled_from(["https://us/", "https://old/", "https://x/"]),
    st.sampled_from(["us", "other"]),
)


@given(st.lists(SUBSCRIPTION, max_size=12), st.booleans())
def test_after_the_changes_there_is_nothing_left_to_change(
    there: list[Subscription],
    replace: bool,  # noqa: FBT001 - hypothesis gives it by name
) -> None:
    def plan(now: list[Subscription]) -> list[Any]:
        return changes(
            now,
            client_id="us",
            url="https://us/",
            divisions=[1, 2],
            topics=["Items", "Accounts"],
            replace=replace,
        )

    after = list(there)
    for change in plan(there):
        assert all(one.client_id == "us" for one in change.remove)
        after = [one for one in after if one not in change.remove]
        if change.create:
            after.append(Subscription("n", change.division, change.topic, "https://us/", "us"))
    assert not any(change.is_needed for change in plan(after))
    if replace:
        ours = [(one.division, one.topic) for one in after if one.client_id == "us"]
        assert sorted(ours) == [(1, "Accounts"), (1, "Items"), (2, "Accounts"), (2, "Items")]


# What a delivery says


def _guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _content(**changes: object) -> bytes:
    values: dict[str, object] = {
        "Topic": "Items",
        "ClientId": "c",
        "Division": 101,
        "Action": "Update",
        "Key": _guid(7),
        "ExactOnlineEndpoint": "https://x",
        "EventCreatedOn": "2026-03-02T12:00:00.1",
    }
    return json.dumps({**values, **changes}, separators=(",", ":")).encode()


def _signed(content: bytes, secret: str = SECRET) -> bytes:
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest().upper()
    return b'{"Content":' + content + b',"HashCode":"' + digest.encode() + b'"}'


def test_a_genuine_delivery_is_read() -> None:
    content = content_of(_signed(_content()), ["old", SECRET])
    event = event_of(content or b"")
    assert event
    assert (event.division, event.topic, event.key, event.action) == (
        101,
        "Items",
        _guid(7),
        "Update",
    )


@given(st.binary(max_size=80), st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_nothing_else_is_genuine(junk: bytes, place: int, change: bytes) -> None:
    whole = _signed(_content())
    assert content_of(junk, [SECRET]) is None
    place %= len(whole)
    changed = whole[:place] + change + whole[place + len(change) :]
    if changed.strip() != whole and b'"HashCode"' in changed:
        content = content_of(changed, [SECRET])
        assert content is None or content == _content()
    assert content_of(whole, ["other"]) is None


@pytest.mark.parametrize(
    "changes",
    [{"Topic": 1}, {"Division": "101"}, {"Key": "x"}, {"Key": None}, {"Action": "Drop"}],
)
def test_what_cannot_be_read_is_nothing(changes: dict[str, object]) -> None:
    assert event_of(_content(**changes)) is None
    assert event_of(b"[]") is None
    assert event_of(b"{") is None


# Receiving


@dataclass
class Served:
    url: str
    process: subprocess.Popen[str]

    def post(self, body: bytes) -> int:
        return requests.post(self.url, data=body, timeout=30).status_code


@contextmanager
def _serving(house: House, *arguments: str, **environment: str) -> Iterator[Served]:
    named = {"S2P_WEBHOOK_SECRET": SECRET, **environment}
    known = {name: str(value) for name, value in {**house.environment, **named}.items()}
    with subprocess.Popen(
        [S2P, "webhooks", "serve", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **known},
        cwd=house.folder,
    ) as process:
        assert process.stderr
        line = process.stderr.readline()
        assert "Listening on " in line, line + process.stderr.read()
        try:
            yield Served(line.split("Listening on ")[1].strip().rstrip("."), process)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _waiting(house: House) -> dict[str, str]:
    with house.open() as store:
        return {one.event.key: one.event.action for one in store.inbox.waiting()}


def test_what_is_answered_is_kept_and_the_rest_refused(house: House) -> None:
    with _serving(house) as served:
        assert served.post(b"") == 200
        assert served.post(_signed(_content())) == 200
        assert served.post(_signed(_content(Key=_guid(8)), "other")) == 401
        assert served.post(b"x" * 10) == 401
        assert served.post(b"x" * 70_000) == 413
        assert served.post(_signed(_content(Topic="SalesOrders", Key=_guid(9)))) == 200
        assert served.post(_signed(_content(Division="x"))) == 200
        assert requests.get(served.url, timeout=30).status_code == 405
        health = requests.get(served.url.replace("/webhooks/exactonline", "/healthz"), timeout=30)
        assert health.json()["deliveries"]["kept"] == 1
        served.process.kill()
    assert _waiting(house) == {_guid(7): "Update"}


def test_many_at_once_are_all_kept(house: House) -> None:
    with _serving(house) as served:
        bodies = [_signed(_content(Key=_guid(number))) for number in range(60)] * 2
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(served.post, bodies)) == {200}
    assert len(_waiting(house)) == 60


def test_who_hangs_up_leaves_no_traceback(house: House) -> None:
    with _serving(house) as served:
        where = urlsplit(served.url)
        head = f"POST {where.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        with socket.create_connection((where.hostname, where.port), timeout=30) as caller:
            caller.sendall(head.encode() + b"abc")
        assert served.post(_signed(_content())) == 200
        served.process.terminate()
        assert served.process.stderr
        told = served.process.stderr.read()
    assert "Traceback" not in told
    assert "1 broken off" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(house: House, number: signal.Signals) -> None:
    with _serving(house) as served:
        assert served.post(_signed(_content())) == 200
        served.process.send_signal(number)
        assert served.process.wait(timeout=60) == 128 + number
    assert _waiting(house) == {_guid(7): "Update"}


def test_a_store_that_keeps_nothing_makes_exact_deliver_again() -> None:
    kept: list[object] = []

    async def keep(_: object) -> None:
        raise StoreFull("The disk is full.")

    assert asyncio.run(_status(DeliveryReceiver([SECRET], keep, kept.append), _content())) == 503
    assert kept == []


async def _status(receiver: DeliveryReceiver, content: bytes) -> int:
    """Ask the application without a server in between."""
    sent: list[Any] = []
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "query_string": b""}
    body = {"type": "http.request", "body": _signed(content), "more_body": False}

    async def receive() -> dict[str, Any]:
        return body

    async def send(message: object) -> None:
        sent.append(message)

    await receiver.app(scope, receive, send)
    status: int = sent[0]["status"]
    return status


def test_a_port_that_is_taken_is_told(house: House, hook: Receiver) -> None:
    port = hook.url.split(":")[2].split("/")[0]
    ran = house.run("webhooks", "serve", "--port", port, S2P_WEBHOOK_SECRET=SECRET)
    assert (ran.exit_code, "cannot be listened on" in ran.stderr) == (1, True)


def test_exact_delivers_to_it(tap: House) -> None:
    """The sandbox subscribes, changes a record and signs what it sends."""
    secret = tap.sandbox.registration.webhook_secret
    with _serving(tap, S2P_WEBHOOK_SECRET=secret) as served:
        ran = tap.run("webhooks", "subscribe", "--url", served.url)
        assert ran.exit_code == 0, ran.output
        tap.sandbox.store.change("logistics/Items", 101, _guid(1), {"Code": "A"})
        (delivery,) = tap.sandbox.webhooks.flush()["deliveries"]
        assert delivery["status"] == 200
    assert _waiting(tap) == {_guid(1): "Create"}


def test_a_run_follows_when_it_is_quiet_with_the_divisions_touched(house: House) -> None:
    """Changes that come during a run start one more, never two at once."""
    log = house.folder / "runs.txt"
    log.touch()
    first, second = (house.folder / f"gate-{lines}" for lines in (0, 2))
    os.mkfifo(first)
    os.mkfifo(second)
    program = house.folder / "run.sh"
    program.write_text(
        f"#!/bin/sh\nlines=$(wc -l < {log} | tr -d ' ')\n"
        f"echo begin $TAP_EXACTONLINE_DIVISIONS >> {log}\n"
        f"cat {house.folder}/gate-$lines > /dev/null\necho end >> {log}\n"
    )
    program.chmod(0o755)
    with _serving(house, "--run", str(program), "--quiet-seconds", "0.01") as served:
        assert served.post(_signed(_content())) == 200
        with first.open("w"):  # opens when the first run waits here
            assert served.post(_signed(_content(Division=102))) == 200
            assert house.run("run", "true").exit_code == 2
        with second.open("w"):  # opens when the second one does
            assert log.read_text().splitlines() == ["begin [101]", "end", "begin [102]"]


def test_a_command_of_its_own_ends_with_its_code(house: House) -> None:
    assert house.run("run", "--", "sh", "-c", "exit 7").exit_code == 7
    missing = house.run("run", "no-such-command-here")
    assert (missing.exit_code, "cannot be started" in missing.stderr) == (1, True)


def test_a_lost_answer_does_not_make_two(tap: House, hook: Receiver) -> None:
    """The POST arrived, its answer did not: the next call finds what is there."""
    arguments = ["webhooks", "subscribe", "--url", hook.url, "--division", "101"]
    arguments += ["--topic", "Items"]
    tap.sandbox.faults.add(Fault("drop_after", match="POST .*WebhookSubscriptions"))
    assert tap.run(*arguments).exit_code == 2
    assert tap.run(*arguments).exit_code == 0
    assert _there(tap) == [(101, "Items", hook.url)]


def test_a_subscription_that_has_gone_silent_is_made_anew_once(tap: House, hook: Receiver) -> None:
    arguments = ["webhooks", "subscribe", "--url", hook.url, "--division", "101"]
    tap.run(*arguments)
    before = _posts(hook)
    with tap.open() as store:
        mark_silent(store.memory, 101, "Items")
    renewed = json.loads(tap.run(*arguments, "--json").stdout)
    assert [one["topic"] for one in renewed if one["state"] == "subscribed"] == ["Items"]
    tap.run(*arguments)
    assert _posts(hook) == before + 1


def test_it_ends_at_once_although_another_run_is_under_way(house: House) -> None:
    with (
        house.open() as store,
        store.lock(RUN_LOCK),
        _serving(house, "--run", "true", "--quiet-seconds", "0") as served,
    ):
        assert served.post(_signed(_content())) == 200
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=60) == 143
    assert _waiting(house) == {_guid(7): "Update"}


def test_what_is_told_to_end_ends_its_command_first(house: House) -> None:
    """Else the lock would be free while the command still works."""
    gate = house.folder / "gate"
    os.mkfifo(gate)
    program = f"trap 'exit 3' TERM; : > {gate}; while :; do sleep 0.01; done"
    environment = {name: str(value) for name, value in house.environment.items()}
    with subprocess.Popen(
        [S2P, "run", "sh", "-c", program], env={**os.environ, **environment}, cwd=house.folder
    ) as running:
        gate.read_text()  # until the command is there
        running.terminate()
        assert running.wait(timeout=60) == 3
    assert house.run("run", "true").exit_code == 0


def test_a_command_that_a_signal_ended_is_told_as_everywhere(house: House) -> None:
    assert house.run("run", "sh", "-c", "kill -9 $$").exit_code == 137


def test_only_divisions_that_are_read_start_a_run(house: House) -> None:
    log = house.folder / "runs.txt"
    gate = house.folder / "gate"
    os.mkfifo(gate)
    command = f"sh -c 'echo $TAP_EXACTONLINE_DIVISIONS >> {log}; : > {gate}'"
    arguments = ("--run", command, "--quiet-seconds", "0.01")
    with _serving(house, *arguments, TAP_EXACTONLINE_DIVISIONS="[102]") as served:
        assert served.post(_signed(_content())) == 200
        assert served.post(_signed(_content(Division=102))) == 200
        gate.read_text()
    assert log.read_text() == "[102]\n"


def test_what_is_received_is_what_the_tap_reads() -> None:
    assert set(announced.TOPICS) == RECEIVED
