"""The target as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from support.reference_rows import center

if TYPE_CHECKING:
    from conftest import Feed

COMMAND = [sys.executable, "-m", "target_exactonline"]


def test_a_signal_while_it_waits_for_input_ends_it_in_order(feed: Feed) -> None:
    config = feed.folder / "config.json"
    config.write_text(json.dumps(feed.config()))
    environment = {name: value for name, value in os.environ.items() if name != "S2P_RUN_ID"}
    with subprocess.Popen(
        [*COMMAND, "--config", str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=feed.folder,
        env=environment,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        schema = {"type": "SCHEMA", "s2p_run_id": "of-the-pipe", "stream": "cost_centers"}
        for message in (
            {**schema, "schema": {"properties": {}}, "key_properties": ["sys_id"]},
            {"type": "RECORD", "stream": "cost_centers", "record": center("s1", "A", "Alpha")},
            {"type": "STATE", "value": {"upto": 1}},
        ):
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"upto": 1}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
        assert "Traceback" not in process.stderr.read()
    with feed.store() as store:
        report = store.runs.report("of-the-pipe")
        assert [plugin.ok for plugin in report.plugins] == [False]
    assert feed.calls() == {}


def test_about_lists_the_settings(feed: Feed) -> None:
    done = subprocess.run(
        [*COMMAND, "--about", "--format=json"],
        cwd=feed.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    settings = json.loads(done.stdout)["settings"]["properties"]
    assert {"ownership", "create", "templates", "erp_sources", "store_key"} <= set(settings)
    assert settings["client_secret"]["secret"]
