"""The conversation as a whole, for any sequence of messages and any moment of death."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapper_glcostcenter.mapping import Requirements
from mapper_glcostcenter.session import Session
from s2p_mapping.reference import Catalogue, Entry, Reference
from s2p_mapping.resolve import Resolver
from s2p_store import Store, generate_key

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 6, 15, tzinfo=timezone.utc)
RESOLVER = Resolver(Reference({"EXACT-1": Catalogue([Entry("7000", "", "g")])}, {}))
STREAMS = ["gl_accounts", "purchase_entries", "purchase_entry_lines", "purchase_order_lines", "odd"]
KEYS = {"purchase_entries": "EntryID"}
_number = itertools.count()
SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def schema(stream: str) -> dict[str, Any]:
    return {"type": "SCHEMA", "stream": stream, "schema": {}, "key_properties": ["ID"]}


def session(store: Store, out: list[dict[str, Any]], *, stage_held: bool = True) -> Session:
    return Session(
        store,
        RESOLVER,
        Requirements(),
        write=lambda line: out.append(json.loads(line)),
        flush=lambda: None,
        run_id=f"run-{next(_number)}",
        clock=lambda: NOW,
        stage_held=stage_held,
    )


RECORDS = st.builds(
    lambda stream, id_, code: {
        "type": "RECORD",
        "stream": stream,
        "record": {"Division": 1, KEYS.get(stream, "ID"): id_, "GLAccountCode": code},
    },
    st.sampled_from(STREAMS),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([None, "7000", "9999"]),
)
STATES = st.integers(0, 9).map(lambda n: {"type": "STATE", "value": {"n": n}})
MESSAGES = st.lists(RECORDS | STATES | st.sampled_from(STREAMS).map(schema), max_size=30)


@given(MESSAGES)
@SLOW
def test_every_message_leaves_once_and_in_order(
    tmp_path: Path, messages: list[dict[str, Any]]
) -> None:
    messages = [*map(schema, STREAMS), *messages]
    out: list[dict[str, Any]] = []
    with Store.open(f"sqlite:///{tmp_path}/{next(_number)}.db", generate_key()) as store:
        conversation = session(store, out)
        for message in messages:
            conversation.take(encode(message))
        conversation.save()
        held = {hold.key for hold in store.holds.open()}
    assert [(m["type"], m.get("stream")) for m in out] == [
        (m["type"], m.get("stream")) for m in messages
    ]
    last: dict[tuple[str, int, str], str] = {}
    for message, written in zip(messages, out, strict=True):
        if message["type"] == "STATE" or message["stream"] == "odd":
            assert written == message
        elif message["type"] == "RECORD":
            record = written["record"]
            assert record.items() >= message["record"].items()
            if "s2p_mapping_status" in record:
                last[message["stream"], 1, record["ID"]] = record["s2p_mapping_status"]
    # What is held in the end is exactly what was held the last time it came.
    assert held == {key for key, status in last.items() if status == "held"}


@given(st.lists(RECORDS | STATES, max_size=20), st.integers(0, 30))
@SLOW
def test_a_death_at_any_moment_loses_no_held_line(
    tmp_path: Path, messages: list[dict[str, Any]], moment: int
) -> None:
    head = list(map(schema, STREAMS))
    with Store.open(f"sqlite:///{tmp_path}/{next(_number)}.db", generate_key()) as store:
        conversation = session(store, [], stage_held=False)
        for message in [*head, *messages[:moment]]:
            conversation.take(encode(message))
        # Dead: nothing is saved. The tap begins again after the last STATE that left.
        states = [n for n, message in enumerate(messages[:moment]) if message["type"] == "STATE"]
        rest = messages[states[-1] + 1 if states else 0 :]
        conversation = session(store, [], stage_held=False)
        for message in [*head, *rest]:
            conversation.take(encode(message))
        conversation.save()
        held = {hold.key for hold in store.holds.open()}
    expected: dict[tuple[str, int, str], bool] = {}
    for message in messages:
        if message["type"] == "RECORD" and message["stream"].endswith("_lines"):
            record = message["record"]
            key = (message["stream"], 1, record["ID"])
            expected[key] = record["GLAccountCode"] != "7000"
    assert held == {key for key, is_held in expected.items() if is_held}
