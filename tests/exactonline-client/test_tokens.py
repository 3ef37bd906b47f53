from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client import Advice, SettingError, Tokens, advise, root_url, seed_tokens
from exactonline_client.filters import any_of, equals, guid_literal, timestamp_after
from exactonline_client.regions import origin

ISSUED = datetime(2026, 6, 25, 12, tzinfo=timezone.utc)
TOKENS = Tokens("secret-access", "secret-refresh", ISSUED, 600, "secret-previous")


@pytest.mark.parametrize(
    ("age", "advice"),
    [
        (0, Advice.USE),
        (574, Advice.USE),
        (575, Advice.RENEW_IF_FREE),
        (589, Advice.RENEW_IF_FREE),
        (590, Advice.RENEW),
        (601, Advice.RENEW),
        (-30, Advice.USE),
        (-3600, Advice.RENEW_IF_FREE),
    ],
)
def test_advice_by_age(age: int, advice: Advice) -> None:
    assert advise(TOKENS, ISSUED + timedelta(seconds=age)) is advice


def test_a_seed_has_to_be_renewed() -> None:
    assert advise(seed_tokens("r"), ISSUED) is Advice.RENEW


@given(st.integers(-10_000, 10_000), st.integers(1, 3600))
def test_an_expired_token_is_never_used(age: int, life: int) -> None:
    tokens = Tokens("a", "r", ISSUED, life)
    if age >= life:
        assert advise(tokens, ISSUED + timedelta(seconds=age)) is Advice.RENEW


def test_tokens_do_not_show_and_survive_their_payload() -> None:
    assert "secret" not in repr(TOKENS)
    assert Tokens.from_payload(TOKENS.to_payload()) == TOKENS
    for broken in ({}, {**TOKENS.to_payload(), "issued_at": "yesterday"}, {"issued_at": None}):
        assert Tokens.from_payload(broken) is None


def test_regions_and_urls() -> None:
    assert root_url("uk") == "https://start.exactonline.co.uk"
    assert root_url("nl", "http://127.0.0.1:8801/nl/") == "http://127.0.0.1:8801/nl"
    for bad in ("exact", "ftp://x", "https://", "https://u:p@x", "https://x?y", "http://x:99999"):
        with pytest.raises(SettingError, match="api_url"):
            root_url("nl", bad)
    with pytest.raises(SettingError, match="choose one of nl"):
        root_url("at")
    assert origin("https://a.example/x") == origin("https://a.example:443/y")
    assert origin("/relative") is None
    assert origin("http://user@a.example/") is None


def test_literals() -> None:
    guid = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
    assert equals("EntryID", guid) == f"EntryID eq guid'{guid.lower()}'"
    assert timestamp_after(1) == "Timestamp gt 1L"
    assert [len(part.split(" or ")) for part in any_of("ID", [guid] * 130)] == [60, 60, 10]
    for bad in ("x' or true or ID eq guid'", None, 3):
        with pytest.raises(SettingError):
            guid_literal(bad)
