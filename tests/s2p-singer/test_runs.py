"""The plugins of one pipe agree on one run identifier, whoever names it."""

from __future__ import annotations

import pytest
from singer_sdk.singerlib.messages import SchemaMessage

from s2p_singer.io import BufferedMessageWriter
from s2p_singer.runs import announced, run_id


@pytest.fixture(autouse=True)
def _no_run_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what the test leaves in the environment is undone.
    for name in ("S2P_RUN_ID", "MELTANO_RUN_ID"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)


def test_what_the_environment_names_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELTANO_RUN_ID", "from-meltano")
    assert run_id(b'{"type":"SCHEMA","s2p_run_id":"announced","stream":"s"}\n') == "from-meltano"


def test_what_the_plugin_before_announces_is_taken() -> None:
    assert run_id(b'{"type":"SCHEMA","s2p_run_id":"announced","stream":"s"}\n') == "announced"
    assert run_id() == "announced"


def test_otherwise_one_is_made_up_once() -> None:
    first = run_id(b'{"type":"SCHEMA","stream":"s"}\n')
    assert run_id() == first
    assert len(first) == 36


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b'{"type":"RECORD","s2p_run_id":"x"}',
        b'{"type":"SCHEMA","s2p_run_id":"' + b"x" * 65 + b'"}',
        b'{"type":"SCHEMA","s2p_run_id":"a\\"b"}',
    ],
)
def test_anything_else_announces_nothing(line: bytes) -> None:
    assert announced(line) is None


def test_a_schema_that_is_written_announces_the_run() -> None:
    message = SchemaMessage(stream="s", schema={"properties": {}}, key_properties=["id"])
    assert announced(BufferedMessageWriter().serialize_message(message)) == run_id()
