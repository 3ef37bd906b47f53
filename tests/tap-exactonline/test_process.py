# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""The tap as its users see it: exit codes, one line on what is wrong, no secret, no traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from s2p_sandbox.faults import Fault

ENV = {name: value for name, value in os.environ.items() if not name.startswith("S2P_")}


def _errors(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if "| ERROR" in line]


def _assert_one_clear_line(output, *words: str, secrets: tuple[str, ...] = ()) -> None:
    assert output.code == 1
    assert "Traceback" not in output.stderr
    lines = _errors(output.stderr)
    assert len(lines) == 1, output.stderr
    for word in words:
        assert word in lines[0]
    for secret in secrets:
        assert secret not in output.stderr
        assert all(secret not in json.dumps(message, default=str) for message in output.messages)


def test_discovery_and_about_need_no_settings(runner) -> None:
    for arguments in (["--discover"], runner.command("--discover", config={})[3:]):
        done = subprocess.run(
            [sys.executable, "-m", "tap_exactonline", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=ENV,
        )
        assert len(json.loads(done.stdout)["streams"]) == 18
    about = subprocess.run(
        [sys.executable, "-m", "tap_exactonline", "--about", "--format=json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=ENV,
    )
    settings = json.loads(about.stdout)["settings"]["properties"]
    assert settings["client_secret"]["writeOnly"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_id": None}, ("client_id", "TAP_EXACTONLINE_CLIENT_ID")),
        ({"store_key": None}, ("store_key", "s2p key")),
        ({"region": "at"}, ("region", "nl")),
        ({"api_url": "exact"}, ("api_url",)),
        ({"divisions": ["one"]}, ("divisions",)),
        ({"divisions": [-3]}, ("divisions",)),
        ({"start_date": "last year"}, ("start_date",)),
        ({"overlap_seconds": -1}, ("overlap_seconds",)),
        ({"request_timeout": 0}, ("request_timeout",)),
        ({"divison": [1]}, ("divison",)),
        ({"store_key": "short"}, ("store_key",)),
    ],
)
def test_settings_that_cannot_work_are_named(runner, change, words) -> None:
    config = {name: value for name, value in runner.config(**change).items() if value is not None}
    output = runner.process(config=config)
    _assert_one_clear_line(output, *words, secrets=(runner.key, "sandbox-exact-secret"))
    assert output.messages == []


def test_settings_come_from_the_environment_too(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(1))
    config = runner.config()
    settings = {
        f"TAP_EXACTONLINE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in config.items()
        if not name.startswith("store")
    }
    store = {"S2P_STORE_URL": config["store_url"], "S2P_STORE_KEY": config["store_key"]}
    done = subprocess.run(
        [sys.executable, "-m", "tap_exactonline", "--config=ENV"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=runner.folder,
        env={**ENV, **settings, **store},
    )
    assert done.returncode == 0, done.stderr
    assert '"purchase_entry_lines"' in done.stdout


def test_wrong_credentials(runner) -> None:
    config = runner.config(client_secret="not-the-secret")
    _assert_one_clear_line(
        runner.process(config=config),
        "client_id",
        "client_secret",
        secrets=("not-the-secret", "sandbox-first-refresh-token"),
    )


def test_a_login_that_is_over(runner) -> None:
    config = runner.config(refresh_token="stampNL001.never-issued")
    _assert_one_clear_line(runner.process(config=config), "s2p login", secrets=("never-issued",))


def test_a_wrong_seed_can_be_corrected(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(1))
    assert runner.run("purchase_entries", refresh_token="stampNL001.wrong").error is not None
    assert runner.run("purchase_entries").error is None


def test_no_login_at_all(runner) -> None:
    config = runner.config()
    del config["refresh_token"]
    _assert_one_clear_line(runner.process(config=config), "s2p login", "refresh_token")


def test_an_unknown_division_ends_with_one(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(1))
    output = runner.process(config=runner.config(divisions=[101, 4711]))
    _assert_one_clear_line(output, "4711", "divisions")
    assert output.counts()["purchase_entries"] == 1
    assert output.state


def test_an_unreachable_host(runner, monkeypatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        output = runner.run(api_url=url)
    assert "Cannot reach" in str(output.error)
    assert output.state is None
    assert output.counts() == {}


@pytest.mark.parametrize("match", ["api/v1/101/crm|sync/CRM", "oauth2/token"])
def test_a_page_for_people(runner, match) -> None:
    runner.exact.faults.add(Fault("html", match=match, times=None))
    _assert_one_clear_line(runner.process(), "HTML", "api_url")


def test_a_state_or_catalog_that_is_no_json(runner) -> None:
    path = runner.folder / "bad.json"
    path.write_text('{"bookmarks": ')
    for option in ("--state", "--catalog"):
        _assert_one_clear_line(runner.process(option, str(path)), option)


def test_a_store_that_cannot_be_written(runner) -> None:
    file = runner.folder / "file"
    file.write_text("not a folder")
    config = runner.config(store_url=f"sqlite:///{file}/store.db")
    _assert_one_clear_line(runner.process(config=config), "store")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_in_order(runner, rows, number) -> None:
    """It arrives while the tap waits for an answer; what was written before is in the state."""
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 1500, Division=101), 101)
    runner.exact.faults.add(
        Fault("timeout", match="sync/Logistics/Items", after=1, params={"seconds": 60})
    )
    process = subprocess.Popen(
        runner.command(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=runner.folder,
        env=ENV,
        text=True,
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1]["type"] == "STATE":
            process.send_signal(number)
            break
    rest, stderr = process.communicate()
    watchdog.cancel()
    assert process.returncode == 128 + number, stderr
    assert "Traceback" not in stderr
    lines += [json.loads(line) for line in rest.splitlines()]
    states = [line["value"] for line in lines if line["type"] == "STATE"]
    items = [line for line in lines if line["type"] == "RECORD" and line["stream"] == "items"]
    runner.exact.faults.clear()
    second = runner.run("items", state=states[-1])
    assert second.error is None
    assert len(items) + len(second.records("items")) == 1500


def test_a_reader_that_goes_away_is_told_in_one_line(seeded_runner) -> None:
    process = subprocess.Popen(
        seeded_runner.command(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=seeded_runner.folder,
        env=ENV,
    )
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "Traceback" not in stderr
    assert len(_errors(stderr)) == 1
