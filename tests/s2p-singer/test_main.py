"""A plugin ends with one clear line and the right exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from s2p_singer.redaction import redact, register

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
    import os, signal
    from singer_sdk import Stream, Tap, typing as th
    from s2p_singer import BufferedMessageWriter, PluginMixin, UserError, run, strict

    class Rows(Stream):
        name = "rows"
        schema = th.PropertiesList(th.Property("id", th.IntegerType)).to_dict()

        def get_records(self, context):
            yield {"id": 1}
            BEHAVIOUR
            yield {"id": 2}

    class TapRows(PluginMixin, Tap):
        name = "tap-rows"
        message_writer_class = BufferedMessageWriter
        config_jsonschema = strict(
            th.Property("secret", th.StringType, required=True, secret=True),
        )

        def discover_streams(self):
            return [Rows(self)]

    run(TapRows)
"""


def run_plugin(
    tmp_path: Path,
    behaviour: str,
    *args: str,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "plugin.py"
    script.write_text(textwrap.dedent(PLUGIN).replace("BEHAVIOUR", behaviour))
    return subprocess.run(
        [sys.executable, str(script), *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "TAP_ROWS_SECRET": "s3cr3t-value", **(env or {})},
    )


@pytest.mark.parametrize(
    ("behaviour", "code", "line"),
    [
        ("raise UserError('Do this.')", 1, "Do this."),
        ("raise RuntimeError('inner detail')", 1, "Unexpected RuntimeError."),
        ("raise OSError(28, 'No space left on device')", 1, "No space left on device"),
        ("os.kill(os.getpid(), signal.SIGTERM); self._tap.termination.check()", 143, ""),
        ("os.kill(os.getpid(), signal.SIGINT); self._tap.termination.check()", 130, ""),
    ],
)
def test_the_end_is_told_in_one_line(tmp_path: Path, behaviour: str, code: int, line: str) -> None:
    done = run_plugin(tmp_path, behaviour, "--config=ENV")
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "inner detail" not in done.stderr
    assert line in done.stderr
    assert '"record":{"id":1}' in done.stdout
    assert '"record":{"id":2}' not in done.stdout


def test_settings_are_checked_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"secrt": "s3cr3t-value"}')
    done = run_plugin(tmp_path, "pass", "--config", "c.json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Setting 'secret' is missing; set TAP_ROWS_SECRET." in done.stderr
    assert "Unknown setting: secrt." in done.stderr
    assert "s3cr3t-value" not in done.stderr


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "does not exist"), ("{", "not valid JSON")],
)
def test_an_unreadable_settings_file_is_told(
    tmp_path: Path,
    content: str | None,
    expected: str,
) -> None:
    if content is not None:
        (tmp_path / "c.json").write_text(content)
    done = run_plugin(tmp_path, "pass", "--config", "c.json")
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_never_reaches_the_log(tmp_path: Path) -> None:
    done = run_plugin(tmp_path, "raise UserError('got s3cr3t-value back')", "--config=ENV")
    assert "got [redacted] back" in done.stderr
    assert "s3cr3t-value" not in done.stderr


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    script = tmp_path / "plugin.py"
    behaviour = "yield from ({'id': n} for n in range(200000))"
    script.write_text(textwrap.dedent(PLUGIN).replace("BEHAVIOUR", behaviour))
    done = subprocess.run(
        f"{sys.executable} {script} --config=ENV | head -c 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TAP_ROWS_SECRET": "s3cr3t-value"},
    )
    assert done.returncode == 1
    assert "stopped reading" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer AAEAabcdefghijk", "Authorization: Bearer [redacted]"),
        ("refresh_token=abc123xyz&x=1", "refresh_token=[redacted]&x=1"),
        ("postgresql://user:pa55word@host/db", "postgresql://user:[redacted]@host/db"),
        ("postgresql://u:PASSWORD1@host/db", "postgresql://u:[redacted]@host/db"),
        ("postgresql://USER:PASSWORD@HOST/DATABASE", "postgresql://USER:PASSWORD@HOST/DATABASE"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_registered_values_are_masked() -> None:
    register(["zz-very-secret", None, "abc"])
    assert redact("a zz-very-secret abc") == "a [redacted] abc"


def test_signal_numbers_are_what_shells_expect() -> None:
    assert (128 + signal.SIGINT, 128 + signal.SIGTERM) == (130, 143)
