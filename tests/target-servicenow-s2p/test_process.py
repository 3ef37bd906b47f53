"""The command itself: signals, sudden death, exit codes, and what reaches the terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import REFERENCE, gl_account, many, state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .conftest import Feed

COMMAND = [sys.executable, "-m", "target_servicenow_s2p"]
ROWS = [*REFERENCE, state(part=1), *many("gl_accounts", 60, gl_account), state(part=2)]


class Process:
    """The command with its input open."""

    def __init__(self, feed: Feed, **settings: object) -> None:
        config = feed.folder / "config.json"
        config.write_text(json.dumps(feed.config(**settings)))
        self.process = subprocess.Popen(
            [*COMMAND, "--config", str(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=feed.folder,
            env={**os.environ, "S2P_RUN_ID": "run-1"},
        )

    def write(self, *messages: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        for message in messages:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def first_line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def wait_for(self, words: str) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words in line.decode():
                return
        pytest.fail(f"the target ended without saying {words!r}")

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out.decode(), err.decode()


def complete(feed: Feed) -> bool:
    numbers = [row["gl_account"] for row in feed.instance.rows("sn_fin_gl_account")]
    return sorted(numbers) == sorted({"4000", "4100", *(f"{5000 + n}" for n in range(60))})


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_waiting_for_input_keeps_what_is_settled(feed: Feed, signum: int) -> None:
    target = Process(feed, batch_size=5)
    target.write(*ROWS)
    # 50 records after a STATE make the target send what waits: the state that comes out proves it.
    first = target.first_line()
    target.process.send_signal(signum)
    code, out, err = target.end()
    assert code == 128 + signum, err
    assert "Traceback" not in err
    states = [first, *(json.loads(line) for line in out.splitlines())]
    assert states[0] in ({"part": 1}, {"part": 2})
    feed.run(ROWS)
    assert complete(feed)
    with feed.store() as store:
        assert not list(store.ledger.in_flight())


def test_a_signal_ends_the_wait_for_a_transform_that_does_not_come(feed: Feed) -> None:
    feed.run(REFERENCE)
    feed.instance.fault("stuck_transform", "insertMultiple")
    target = Process(feed, batch_size=60)
    target.write(*ROWS[len(REFERENCE) + 1 :])
    for _ in range(3000):
        if feed.instance.rows("sn_fcms_intg_gl_account_stage", "u_gl_account=5059"):
            break
    target.process.send_signal(signal.SIGTERM)
    code, out, err = target.end()
    assert code == 143, err
    # Staged and waiting is safely recorded, so its state may leave; the next run looks it up.
    assert [json.loads(line) for line in out.splitlines()] == [{"part": 2}]
    with feed.store() as store:
        assert {entry.state for entry in store.ledger.in_flight()} == {"sent"}


def test_a_signal_ends_a_wait_that_servicenow_asks_for(feed: Feed) -> None:
    feed.run(REFERENCE)
    feed.instance.fault(
        "status", "insertMultiple", times=None, code=429, headers={"Retry-After": "600"}
    )
    target = Process(feed, batch_size=60)
    target.write(*ROWS[len(REFERENCE) + 1 :])
    with feed.store() as store:
        for _ in range(30_000):
            if list(store.ledger.in_flight()):
                break
    target.process.send_signal(signal.SIGTERM)
    code, out, err = target.end()
    assert code == 143, err
    assert out == ""
    assert "Traceback" not in err
    feed.instance.control("faults", method="DELETE")
    feed.run(ROWS)
    assert complete(feed)


def test_a_reader_of_states_that_has_gone_is_told(feed: Feed) -> None:
    target = Process(feed)
    with target.process as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdin is not None
        process.stdout.close()
        target.write(*REFERENCE, state(part=1))
        process.stdin.close()
        err = process.stderr.read().decode()
    assert (process.returncode, "stopped reading" in err) == (1, True), err


def test_a_killed_target_is_picked_up_without_a_second_effect(feed: Feed) -> None:
    feed.run(REFERENCE)
    feed.instance.fault("slow_transform", "insertMultiple", seconds=1.0)
    target = Process(feed, batch_size=60)
    target.write(*ROWS[len(REFERENCE) + 1 :])
    # The whole batch is on its way and the transform has not begun when the process dies.
    staged: list[Any] = []
    for _ in range(3000):
        staged = feed.instance.rows("sn_fcms_intg_gl_account_stage", "u_gl_account=5059")
        if staged:
            break
    assert staged
    target.process.kill()
    target.process.communicate(timeout=60)
    assert feed.run(ROWS) == [{"part": 2}]
    assert complete(feed)
    rows = feed.instance.rows("sn_fcms_intg_gl_account_stage", "u_gl_account=5059")
    assert len(rows) == 1
    with feed.store() as store:
        assert not list(store.ledger.in_flight())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"instance_url": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"client_secret": "wrong-secret"}, "refused to issue an access token"),
        ({"store_url": "sqlite:////proc/none/store.db"}, "store"),
        ({"store_url": "mysql://me:wrong-secret@db/s2p"}, "//USER:PASSWORD@HOST/DATABASE."),
        ({"surprise": 1}, "Unknown setting: surprise"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_1(
    feed: Feed, settings: dict[str, Any], words: str
) -> None:
    target = Process(feed, **settings)
    try:
        target.write(*REFERENCE)
    except BrokenPipeError:
        target.process.stdin = None
    code, out, err = target.end()
    assert (code, out) == (1, "")
    assert words in err
    assert "Traceback" not in err
    assert sum(" ERROR " in line for line in err.splitlines()) == 1
    assert "wrong-secret" not in err
    assert "servicenow-secret" not in err


def test_fail_on_gives_exit_code_1_after_everything_is_written(feed: Feed) -> None:
    target = Process(feed, fail_on="failed")
    orphan = {"ID": "x", "PurchaseOrderID": "unknown", "LineNumber": 1}
    target.write(*many("purchase_order_lines", 1, lambda _: orphan), state(done=True))
    code, out, err = target.end()
    assert (code, json.loads(out)) == (1, {"done": True})
    assert "1 records were refused" in err


def test_about_lists_the_settings(tmp_path: Path) -> None:
    shown = subprocess.run(
        [*COMMAND, "--about", "--format=json"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    about = json.loads(shown.stdout)
    assert {"instance_url", "erp_sources", "tables", "fail_on", "store_key"} <= set(
        about["settings"]["properties"]
    )
