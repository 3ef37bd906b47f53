from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2p_console.errors import SettingError
from s2p_console.settings import (
    DEFAULT_STORE_URL,
    MAPPER,
    PREFIXES,
    TAP,
    TARGET,
    Settings,
    by_plugin,
)
from s2p_console.surroundings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import House


def test_file_wins_over_environment() -> None:
    settings = Settings({"TAP_EXACTONLINE_CLIENT_ID": "env"}, {TAP: {"client_id": "file"}})
    assert settings.find(TAP, "client_id") == "file"


def test_empty_texts_count_as_not_set() -> None:
    settings = Settings({"TAP_EXACTONLINE_REGION": ""}, {TAP: {"region": ""}})
    assert settings.find(TAP, "region") is None


def test_shared_store_names_win_and_plugins_names_stand_in() -> None:
    own = {"TAP_EXACTONLINE_STORE_URL": "sqlite:///tap.db", "TARGET_SERVICENOW_S2P_STORE_KEY": "k"}
    assert Settings(own).store_url == "sqlite:///tap.db"
    assert Settings(own).store_key == "k"
    assert Settings({**own, "S2P_STORE_URL": "sqlite:///s.db"}).store_url == "sqlite:///s.db"
    assert Settings().store_url == DEFAULT_STORE_URL


def test_all_missing_settings_are_named_with_their_variables() -> None:
    with pytest.raises(SettingError) as caught:
        Settings({"TAP_EXACTONLINE_CLIENT_ID": "x"}).need(
            TAP, "client_id", "client_secret", "redirect_uri"
        )
    told = str(caught.value)
    assert "TAP_EXACTONLINE_CLIENT_SECRET, TAP_EXACTONLINE_REDIRECT_URI" in told
    assert "TAP_EXACTONLINE_CLIENT_ID" not in told


@pytest.mark.parametrize(
    ("loose", "owner"),
    [
        ({"client_id": "a"}, TAP),
        ({"client_id": "a", "instance_url": "https://x"}, TARGET),
        ({"servicenow_instance_url": "https://x"}, MAPPER),
    ],
)
def test_a_plugins_own_file_is_known_by_its_settings(loose: dict[str, str], owner: str) -> None:
    assert by_plugin(loose) == {owner: loose}


def test_the_targets_client_never_becomes_the_taps() -> None:
    file = by_plugin({"client_id": "snow", "client_secret": "s", "instance_url": "https://x"})
    assert Settings({}, file).find(TAP, "client_id") is None


def test_a_file_for_all_plugins() -> None:
    file = by_plugin(
        {"store_url": "sqlite:///a.db", TAP: {"client_id": "exact"}, TARGET: {"client_id": "snow"}}
    )
    settings = Settings({}, file)
    assert settings.find(TAP, "client_id") == "exact"
    assert settings.find(TARGET, "client_id") == "snow"
    assert settings.store_url == "sqlite:///a.db"


@pytest.mark.parametrize("document", [[], "text", 3, None, {TAP: "client"}])
def test_a_file_of_another_shape_is_refused(document: object) -> None:
    with pytest.raises(SettingError):
        by_plugin(document)


def test_a_list_where_text_belongs_is_refused_without_its_value() -> None:
    with pytest.raises(SettingError, match="'client_id'") as caught:
        Settings({}, {TAP: {"client_id": ["s3cret"]}}).find(TAP, "client_id")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_timeout_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="request_timeout"):
        Settings({"TAP_EXACTONLINE_REQUEST_TIMEOUT": text}).seconds(TAP, "request_timeout", 1)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*PREFIXES, "client_id", "instance_url"]),
        st.dictionaries(st.text(), st.text()),
    )
)
def test_no_setting_is_lost_in_sorting(document: dict[str, dict[str, str]]) -> None:
    sorted_ = by_plugin(document)
    assert sum(len(each) for each in sorted_.values()) >= sum(
        len(value) for name, value in document.items() if name in PREFIXES
    )


def test_repr_shows_no_value() -> None:
    assert "s3cret" not in repr(
        Settings({"S2P_STORE_KEY": "s3cret"}, {TAP: {"client_secret": "s3cret"}})
    )


def test_dotenv_fills_what_the_environment_leaves_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("TAP_EXACTONLINE_REGION=be\nTAP_EXACTONLINE_CLIENT_ID=dotenv\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.setenv("TAP_EXACTONLINE_CLIENT_ID", "environment")
    monkeypatch.delenv("TAP_EXACTONLINE_REGION", raising=False)
    settings = read_settings(None)
    assert settings.find(TAP, "region") == "be"
    assert settings.find(TAP, "client_id") == "environment"


def test_config_names_the_store(house: House) -> None:
    with house.open():
        pass
    config = house.folder / "config.json"
    config.write_text(
        json.dumps(
            {"client_id": "x", "divisions": [1], "store_url": house.url, "store_key": house.key}
        )
    )
    ran = house.run("--config", str(config), "held", "list", S2P_STORE_URL=None, S2P_STORE_KEY=None)
    assert (ran.exit_code, ran.stderr) == (0, "")


def test_config_that_is_missing_or_no_json_is_told_in_one_line(house: House) -> None:
    broken = house.folder / "broken.json"
    broken.write_text('{"client_secret": "s3cret",')
    for path in (broken, house.folder / "none.json"):
        ran = house.run("--config", str(path), "held", "list")
        assert ran.exit_code == 1
        assert str(path) in ran.stderr
        assert "s3cret" not in ran.stderr
