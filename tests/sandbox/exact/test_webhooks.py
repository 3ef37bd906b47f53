"""Subscriptions and deliveries as documented."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING

import pytest
from support.receiver import Receiver, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Asker

NL = 100
SUBSCRIPTIONS = f"{NL}/webhooks/WebhookSubscriptions"
ITEMS = f"{NL}/logistics/Items"


@pytest.fixture
def receiver(client: Asker) -> Iterator[Receiver]:
    client.exact.switches.set(webhook_worker=False)
    with receiving() as made:
        yield made


def _subscribe(client: Asker, receiver: Receiver, topic: str = "Items", **values: object) -> int:
    asked = {"CallbackURL": receiver.url, "Topic": topic, **values}
    return client.send("POST", SUBSCRIPTIONS, asked).status


def _change(client: Asker) -> str:
    reply = client.send("POST", ITEMS, {"Code": "A", "Description": "Alpha"})
    return str(reply.json["d"]["ID"])


def test_a_subscription_is_tried_with_an_empty_post(client: Asker, receiver: Receiver) -> None:
    assert _subscribe(client, receiver) == 201
    assert receiver.bodies == [b""]
    row = client.get(SUBSCRIPTIONS, select="ClientID,Topic,CallbackURL,Division").rows[0]
    assert (row["Topic"], row["CallbackURL"], row["Division"]) == ("Items", receiver.url, NL)
    assert row["ClientID"] == client.exact.registration.client_id


def test_a_callback_that_does_not_answer_is_refused(client: Asker, receiver: Receiver) -> None:
    receiver.status = 500
    asked = {"CallbackURL": receiver.url, "Topic": "Items"}
    refused = client.send("POST", SUBSCRIPTIONS, asked)
    assert refused.status == 500
    assert refused.error.startswith("Invalid: Post to callback URL endpoint returns 500")
    nobody = {"CallbackURL": "http://127.0.0.1:9/", "Topic": "Items"}
    assert client.send("POST", SUBSCRIPTIONS, nobody).status == 500


def test_a_second_subscription_of_a_topic_is_refused(client: Asker, receiver: Receiver) -> None:
    _subscribe(client, receiver)
    other = {"CallbackURL": receiver.url + "2", "Topic": "Items"}
    refused = client.send("POST", SUBSCRIPTIONS, other)
    assert (refused.status, refused.error) == (500, "Data already exists.")
    assert _subscribe(client, receiver, "Accounts") == 201


@pytest.mark.parametrize("values", [{"topic": "Costcenters"}, {"IsInstant": True}])
def test_what_there_is_no_topic_for(client: Asker, receiver: Receiver, values: dict) -> None:
    assert _subscribe(client, receiver, **values) == 400


def test_a_change_is_delivered_signed(client: Asker, receiver: Receiver) -> None:
    _subscribe(client, receiver)
    key = _change(client)
    client.exact.webhooks.flush()
    body = receiver.bodies[-1]
    found = re.fullmatch(rb'{"Content":(.*),"HashCode":"([0-9A-F]{64})"}', body)
    assert found
    secret = client.exact.registration.webhook_secret.encode()
    expected = hmac.new(secret, found[1], hashlib.sha256).hexdigest().upper()
    assert found[2].decode() == expected
    content = json.loads(found[1])
    assert list(content) == [
        "Topic",
        "ClientId",
        "Division",
        "Action",
        "Key",
        "ExactOnlineEndpoint",
        "EventCreatedOn",
    ]
    assert (content["Topic"], content["Action"], content["Key"]) == ("Items", "Create", key)
    assert content["EventCreatedOn"].startswith("2026-07-01T12:00:30")
    client.send("PUT", f"{ITEMS}(guid'{key}')", {"Description": "Beta"})
    client.ask("DELETE", f"/api/v1/{ITEMS}(guid'{key}')")
    client.exact.webhooks.flush()
    actions = [json.loads(body)["Content"]["Action"] for body in receiver.bodies[1:]]
    assert actions == ["Create", "Update", "Delete"]


def test_a_delivery_that_fails_is_tried_ten_times_more(client: Asker, receiver: Receiver) -> None:
    _subscribe(client, receiver)
    receiver.status = 503
    _change(client)
    for tries in range(1, 14):
        client.exact.webhooks.flush()
        client.exact.webhooks.flush()
        assert len(receiver.bodies) == 1 + min(tries, 11)
        client.clock.advance(2**tries * 60)
    (delivery,) = client.exact.webhooks.flush()["deliveries"]
    assert (delivery["attempts"], delivery["done"], delivery["status"]) == (11, True, 503)


@pytest.mark.parametrize(("mode", "times"), [("twice", 2), ("lost", 0)])
def test_deliveries_may_come_twice_or_never(
    client: Asker, receiver: Receiver, mode: str, times: int
) -> None:
    client.exact.switches.set(webhook_delivery=mode)
    _subscribe(client, receiver)
    _change(client)
    client.exact.webhooks.flush()
    assert len(receiver.bodies) == 1 + times


def test_other_divisions_and_topics_are_not_delivered(client: Asker, receiver: Receiver) -> None:
    _subscribe(client, receiver, "Accounts")
    _change(client)
    assert client.exact.webhooks.flush()["deliveries"] == []
