"""A user's mistake or a machine's: one clear line, exit code 1, nothing lost."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.few_rows import DIVISIONS
from support.world import MAPPER, TAP, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.flow import Ended
    from support.world import Outcome, World


def one_clear_line(ended: Ended, step: str) -> str:
    """The one error of the plugin that ended the run."""
    assert ended.codes[step] == 1, (ended.codes, ended.log)
    errors = [line for line in ended.logs[step].splitlines() if "| ERROR" in line]
    assert len(errors) == 1, errors
    assert "defect of the plugin" not in errors[0]
    return errors[0]


@pytest.fixture
def nobody() -> Iterator[str]:
    """The root URL of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken.listen(0)
        number = taken.getsockname()[1]
    return f"http://127.0.0.1:{number}"


@pytest.mark.parametrize(
    ("settings", "step", "words"),
    [
        ({"TAP_EXACTONLINE_CLIENT_SECRET": "wrong-secret"}, TAP, "client_secret"),
        ({"TAP_EXACTONLINE_REFRESH_TOKEN": "wrong-secret"}, TAP, "s2p login"),
        ({"MAPPER_GLCOSTCENTER_SERVICENOW_CLIENT_SECRET": "wrong-secret"}, MAPPER, "token"),
        ({"TARGET_SERVICENOW_S2P_CLIENT_SECRET": "wrong-secret"}, TARGET, "token"),
        ({"TAP_EXACTONLINE_API_URL": "nobody"}, TAP, "127.0.0.1"),
        ({"MAPPER_GLCOSTCENTER_SERVICENOW_INSTANCE_URL": "nobody"}, MAPPER, "127.0.0.1"),
        ({"TARGET_SERVICENOW_S2P_INSTANCE_URL": "nobody"}, TARGET, "127.0.0.1"),
        ({"TAP_EXACTONLINE_DIVISIONS": "[4711]"}, TAP, "4711"),
    ],
)
def test_wrong_settings(
    world: World,
    nobody: str,
    settings: dict[str, str],
    step: str,
    words: str,
) -> None:
    settings = {name: value.replace("nobody", nobody) for name, value in settings.items()}
    ended = world.run(**settings)
    assert words in one_clear_line(ended, step)
    assert "wrong-secret" not in ended.log
    assert ended.errors()[0].count("| ERROR") == 1


def test_an_unknown_division_beside_good_ones(world: World, undisturbed: Outcome) -> None:
    ended = world.run(TAP_EXACTONLINE_DIVISIONS=json.dumps([*DIVISIONS, 4711]))
    assert "4711" in one_clear_line(ended, TAP)
    assert (ended.codes[MAPPER], ended.codes[TARGET]) == (0, 0)
    # What could be read has arrived.
    assert world.outcome().differences(undisturbed) == []


@pytest.mark.parametrize(
    ("step", "place"), [(TAP, "file/store.db"), (MAPPER, "folder"), (TARGET, "file/store.db")]
)
def test_a_store_that_cannot_be_written(world: World, step: str, place: str) -> None:
    (world.home / "file").write_text("")
    (world.home / "folder").mkdir()
    path = world.home / place
    prefix = step.upper().replace("-", "_")
    ended = world.run(**{f"{prefix}_STORE_URL": f"sqlite:///{path}"})
    assert "store" in one_clear_line(ended, step)


@pytest.mark.parametrize("step", [TAP, MAPPER, TARGET])
def test_the_disk_under_the_store_is_full(world: World, undisturbed: Outcome, step: str) -> None:
    # The schema of the store fits; what a run writes does not.
    with world.store():
        pass
    ended = world.end(world.flow(room={step: 300_000 if step != TAP else 4096}))
    assert "store" in one_clear_line(ended, step)
    assert world.finish().differences(undisturbed) == []


@pytest.mark.parametrize("step", [TAP, MAPPER, TARGET])
def test_nothing_can_be_written_to_standard_output(world: World, step: str) -> None:
    messages = [
        {"type": "SCHEMA", "stream": "cost_units", "schema": {"properties": {}}},
        {"type": "STATE", "value": {"bookmarks": {}}},
    ]
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [step, "--config=ENV"],
            input="" if step == TAP else lines,
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=world.home,
            env=world.environment(),
            text=True,
            check=False,
        )
    errors = [line for line in done.stderr.splitlines() if "| ERROR" in line]
    assert (done.returncode, len(errors)) == (1, 1), done.stderr
    assert "No space left on device" in errors[0]
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("step", [MAPPER, TARGET])
@pytest.mark.parametrize(
    "line",
    [
        b'{"type": "RECORD", "stream": "accounts", "record": {"Name": "Jansen',
        b"[]\n",
        b"Jansen\n",
        b"\xff\xfe\x00\n",
        b'{"type": "RECORD", "stream": "accounts", "record": {"Name": "Jansen"}}\n',
        b'{"type": "GREETING", "text": "Jansen"}\n',
        b'{"type": "STATE"}\n',
        b'{"type": "SCHEMA", "stream": "accounts"}\n',
    ],
)
def test_malformed_input(world: World, step: str, line: bytes) -> None:
    before = b'{"type": "SCHEMA", "stream": "vat_codes", "schema": {"properties": {}}}\n'
    done = _feed(world, step, before + line)
    log = done.stderr.decode()
    errors = [line for line in log.splitlines() if "| ERROR" in line]
    assert (done.returncode, len(errors)) == (1, 1), log
    assert "Jansen" not in log
    assert "Traceback" not in log
    assert "defect of the plugin" not in errors[0]


def test_an_unknown_stream_passes_the_mapper_and_ends_the_target(world: World) -> None:
    strangers = (
        b'{"type":"SCHEMA","stream":"strangers","schema":{"properties":{}},"key_properties":[]}\n'
        b'{"type":"RECORD","stream":"strangers","record":{"Amount":0.10,"x":[{}]}}\n'
        b'{"type":"STATE","value":{"bookmarks":{"strangers":1}}}\n'
    )
    mapped = _feed(world, MAPPER, strangers)
    assert (mapped.returncode, mapped.stdout) == (0, strangers), mapped.stderr
    loaded = _feed(world, TARGET, mapped.stdout)
    assert (loaded.returncode, loaded.stdout) == (1, b""), loaded.stderr
    errors = [line for line in loaded.stderr.splitlines() if b"| ERROR" in line]
    assert len(errors) == 1
    assert b"tables.strangers.enabled" in errors[0]


def _feed(world: World, step: str, lines: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [step, "--config=ENV"],
        input=lines,
        capture_output=True,
        cwd=world.home,
        env=world.environment(),
        check=False,
    )
