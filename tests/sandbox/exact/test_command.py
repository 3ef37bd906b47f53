"""``s2p-sandbox`` as its users run it."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from click.testing import CliRunner

from s2p_sandbox.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served(data: Path, *options: str) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "s2p_sandbox", "serve", "--data", str(data), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline().split() for _ in range(2)]
            yield dict(lines)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def told(*arguments: str) -> Any:  # noqa: ANN401  # any JSON
    code, output = run(*arguments)
    assert code == 0, output
    return json.loads(output)


def test_serve_steer_and_stop(tmp_path: Path) -> None:
    data, env_file = tmp_path / "data", tmp_path / "plugins.env"
    at = ("--data", str(data))
    with served(data, "--env-file", str(env_file)) as urls:
        assert set(urls) == {"exact-online", "servicenow"}
        named = dict(
            shlex.split(line.removeprefix("export "))[0].split("=", 1)
            for line in env_file.read_text().splitlines()
        )
        assert named["TAP_EXACTONLINE_API_URL"] == urls["exact-online"]
        assert named["TARGET_SERVICENOW_S2P_INSTANCE_URL"] == urls["servicenow"]
        assert named["MAPPER_GLCOSTCENTER_SERVICENOW_INSTANCE_URL"] == urls["servicenow"]
        assert len(json.loads(named["TAP_EXACTONLINE_DIVISIONS"])) == 3
        assert stat.S_IMODE(env_file.stat().st_mode) == 0o600

        status = told("status", *at)
        assert status["exact"]["rows"]["system/Divisions"] == 3
        assert status["servicenow"]["rows"]
        (waiting,) = told("fault", "status", "--param", "code=503", "--match", "Me", *at)
        assert waiting["left"] == 1
        me = f"{urls['exact-online']}/api/v1/current/Me"
        assert requests.get(me, timeout=10).status_code == 503
        assert requests.get(me, timeout=10).status_code == 401
        assert told("fault", "--clear", *at) == []
        assert told("switch", "minutely_limit=7", *at)["minutely_limit"] == 7
        assert told("advance", *at)["week"] == 1
        assert "now" in told("clock", "60", *at)
        assert run("reset", *at) == (0, "")
        code, output = run("fault", "earthquake", *at)
        assert code == 1
        assert "There is no fault 'earthquake'" in output
    assert not (data / "sandbox.json").exists()


def test_a_restart_goes_on_where_it_was_also_with_tls(tmp_path: Path) -> None:
    with served(tmp_path):
        told("advance", "--data", str(tmp_path))
    with served(tmp_path, "--tls") as urls:
        certificate = str(tmp_path / "certificate.pem")
        reply = requests.get(
            f"{urls['exact-online']}/_sandbox/status", verify=certificate, timeout=10
        )
        assert reply.json()["rows"]["sync/Deleted"]
        assert told("status", "--data", str(tmp_path))["servicenow"]["now"]


def test_nothing_runs(tmp_path: Path) -> None:
    code, output = run("status", "--data", str(tmp_path))
    assert code == 1
    assert "Start one with `s2p-sandbox serve`" in output
    code, output = run("advance", "--exact-url", "http://127.0.0.1:9")
    assert code == 1
    assert "No sandbox answers" in output


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "s2p_sandbox", "serve", "--data", str(tmp_path)]
        done = subprocess.run(
            [*command, "--exact-port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert "The sandbox cannot serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_impossible_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, output = run("serve", "--data", str(tmp_path / "file" / "data"))
    assert code == 1
    assert "The sandbox cannot serve" in output
    (tmp_path / "exact.db").mkdir()
    code, output = run("serve", "--data", str(tmp_path))
    assert code == 1
    assert "The sandbox cannot serve" in output
