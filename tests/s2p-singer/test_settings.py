"""A wrong setting is told in one sentence that names it and quotes no value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from singer_sdk import typing as th

from s2p_singer.errors import SettingError
from s2p_singer.settings import (
    STORE_SETTINGS,
    explain,
    from_environment,
    parse_texts,
    require,
    secrets_of,
    servicenow_settings,
    strict,
    with_store_environment,
)

SCHEMA = strict(
    th.Property("region", th.StringType, allowed_values=["nl", "be"], default="nl"),
    th.Property("client_id", th.StringType, required=True),
    th.Property("client_secret", th.StringType, required=True, secret=True),
    th.Property("divisions", th.ArrayType(th.IntegerType)),
    th.Property("timeout", th.NumberType),
    th.Property("drain", th.BooleanType),
    th.Property("tables", th.ObjectType(additional_properties=True)),
    *STORE_SETTINGS,
)
GOOD = {"client_id": "id", "client_secret": "s3cret"}


def sentence(config: dict[str, object]) -> str:
    return str(explain(Draft202012Validator(SCHEMA).iter_errors(config), "TAP_X_"))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"client_id": "x"}, "Setting 'client_secret' is missing; set TAP_X_CLIENT_SECRET."),
        (
            {},
            (
                "Settings 'client_id', 'client_secret' are missing; "
                "set TAP_X_CLIENT_ID, TAP_X_CLIENT_SECRET."
            ),
        ),
        (
            GOOD | {"regio": "nl"},
            "Unknown setting: regio. Remove or correct; --about lists the settings there are.",
        ),
        (GOOD | {"region": "xx"}, "Setting 'region' must be one of: nl, be."),
        (GOOD | {"divisions": ["x"]}, "Setting 'divisions.0' must be an integer."),
        (GOOD | {"timeout": "soon"}, "Setting 'timeout' must be a number."),
    ],
)
def test_each_mistake_has_its_sentence(config: dict[str, object], expected: str) -> None:
    assert sentence(config) == expected


def test_no_value_is_quoted() -> None:
    assert "hunter2" not in sentence(
        {"client_id": 1, "client_secret": ["hunter2"], "region": "hunter2"}
    )


def test_text_becomes_what_the_schema_asks_for() -> None:
    texts = {
        "divisions": "[1, 2]",
        "timeout": "1.5",
        "drain": "No",
        "tables": '{"accounts": {}}',
        "region": "be",
    }
    assert parse_texts(SCHEMA, texts) == {
        "divisions": [1, 2],
        "timeout": 1.5,
        "drain": False,
        "tables": {"accounts": {}},
        "region": "be",
    }


@given(st.text())
def test_text_that_cannot_be_read_is_left_for_validation(text: str) -> None:
    parsed = parse_texts(SCHEMA, {"timeout": text})["timeout"]
    assert parsed == text or not isinstance(parsed, str)


def test_environment_is_read_by_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_X_REGION", "be")
    monkeypatch.setenv("TAP_Y_CLIENT_ID", "other")
    assert from_environment(SCHEMA, "TAP_X_") == {"region": "be"}


def test_store_settings_fall_back_to_the_common_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("S2P_STORE_URL", "sqlite:///common.db")
    monkeypatch.setenv("S2P_STORE_KEY", "common")
    assert with_store_environment({"store_key": "own"}, SCHEMA) == {
        "store_key": "own",
        "store_url": "sqlite:///common.db",
    }


def test_what_a_way_of_working_needs_is_required() -> None:
    with pytest.raises(SettingError, match=r"'store_key' is missing.* `s2p key`"):
        require({"client_id": "x", "store_key": ""}, ["client_id", "store_key"], "TAP_X_")


def test_secrets_are_known() -> None:
    assert secrets_of(SCHEMA, GOOD | {"store_key": "k"}) == ["s3cret", "k"]


def test_servicenow_settings_carry_their_prefix() -> None:
    names = [name for p in servicenow_settings("servicenow_") for name in p.to_dict()]
    assert "servicenow_instance_url" in names
    assert all(name.startswith("servicenow_") for name in names)
