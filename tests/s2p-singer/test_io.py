"""Messages survive reading and writing; what is no message is refused without being quoted."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib.messages import RecordMessage, StateMessage

from s2p_singer.errors import InputError
from s2p_singer.io import BufferedMessageWriter, MessageReader, encode_line


def read(*lines: bytes) -> list[dict[str, object]]:
    seen: list[dict[str, object]] = []
    kinds = ("RECORD", "SCHEMA", "STATE")
    MessageReader().process_lines(io.BytesIO(b"".join(lines)), dict.fromkeys(kinds, seen.append))
    return seen


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_amounts_keep_their_digits(amount: Decimal) -> None:
    line = encode_line({"type": "RECORD", "stream": "s", "record": {"amount": amount}})
    (message,) = read(line)
    back = Decimal(message["record"]["amount"])  # type: ignore[index]
    assert back == amount


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"type": "RECORD", "record": {"Name": "Jansen"\n', "not valid JSON"),
        (b'{"type": "RECORD", "record": {"Name": "Jansen"', "ends in the middle"),
        (b'["Jansen"]\n', "not a JSON object"),
        (b'{"Name": "Jansen"}\n', "no message type"),
        (b'{"type": "RECRD", "Name": "Jansen"}\n', "unknown type 'RECRD'"),
        (b'{"type": ["Jansen"]}\n', "no message type"),
        (b"\xff\xfe\n", "not valid JSON"),
    ],
)
def test_a_line_that_is_no_message_ends_the_reading(line: bytes, expected: str) -> None:
    with pytest.raises(InputError, match="Line 2") as error:
        read(encode_line({"type": "STATE", "value": {}}), line)
    assert expected in str(error.value)
    assert "Jansen" not in str(error.value)


def test_a_missing_part_is_named_without_the_record() -> None:
    with pytest.raises(InputError, match="A RECORD message of stream 's' lacks record") as error:
        MessageReader.assert_line_requires({"type": "RECORD", "stream": "s"}, {"record"})
    assert "Line" not in str(error.value)


def test_records_wait_and_a_state_takes_them_along(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = BufferedMessageWriter()
    writer.write_message(RecordMessage(stream="s", record={"id": 1}))
    assert capfdbinary.readouterr().out == b""
    writer.write_message(StateMessage(value={"a": 1}))
    assert capfdbinary.readouterr().out == (
        b'{"type":"RECORD","stream":"s","record":{"id":1}}\n{"type":"STATE","value":{"a":1}}\n'
    )


def test_a_large_buffer_is_written_without_waiting(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = BufferedMessageWriter()
    writer.write_record("s", {"text": "x" * 70_000})
    assert len(capfdbinary.readouterr().out) > 70_000
