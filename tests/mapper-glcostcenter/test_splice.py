from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mapper_glcostcenter.splice import add_properties, members

ADDED = {"s2p_a": "ü", "s2p_b": None}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.text().filter(lambda key: not key.startswith("s2p_")), JSON)


@given(
    record=RECORDS,
    separators=st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    ascii_only=st.booleans(),
)
def test_what_is_there_stays_and_what_is_added_follows(
    record: dict[str, Any], *, separators: tuple[str, str] | None, ascii_only: bool
) -> None:
    whole = {"type": "RECORD", "stream": "s", "record": record, "version": 1}
    body = json.dumps(record, separators=separators, ensure_ascii=ascii_only).encode()
    line = json.dumps(whole, separators=separators, ensure_ascii=ascii_only).encode()
    out = add_properties(line + b"\n", body, members(ADDED))
    assert out.endswith(b"\n")
    assert out.count(b"\n") == 1
    assert json.loads(out) == {**whole, "record": {**record, **ADDED}}


def test_a_look_alike_of_the_record_is_left_alone() -> None:
    line = b'{"type":"RECORD","note":{"a":1},"record":{"a":1}}'
    out = json.loads(add_properties(line, b'{"a":1}', members(ADDED)))
    assert out["note"] == {"a": 1}
    assert out["record"] == {"a": 1, **ADDED}


def test_properties_of_an_earlier_mapper_are_replaced() -> None:
    line = b'{"type":"RECORD","record":{"s2p_a":"old","x":1.50}}'
    out = add_properties(line, b'{"s2p_a":"old","x":1.50}', members(ADDED), replace=True)
    assert out == '{"type":"RECORD","record":{"s2p_a":"ü","x":1.50,"s2p_b":null}}\n'.encode()


def test_an_empty_record_gets_no_comma() -> None:
    out = add_properties(b'{"record":{ }}', b"{ }", members(ADDED))
    assert json.loads(out)["record"] == ADDED
