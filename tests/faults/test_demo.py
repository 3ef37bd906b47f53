"""What `make demo` runs: it ends well or when asked, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, str(ROOT / "scripts" / "demo.py")]
MARK = "S2P_DEMO_TEST"

# The demo has one folder of its own in the repository: one at a time.
pytestmark = [
    pytest.mark.xdist_group("demo"),
    pytest.mark.skipif(
        not (ROOT / ".meltano" / "loaders").exists(),
        reason="the plugins' own environments are made by `make setup`",
    ),
    pytest.mark.skipif(
        not Path("/proc/self/environ").exists(), reason="processes are found by /proc"
    ),
]


def start(mark: str) -> subprocess.Popen[str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MELTANO_", "S2P_"))
    }
    return subprocess.Popen(
        DEMO,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**clean, MARK: mark},
    )


def left_running(mark: str) -> list[str]:
    """Command lines of the processes that the demo started and that still live."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and wanted in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended meanwhile, or is not ours
    return found


def test_it_runs_to_the_end() -> None:
    demo = start("whole")
    output, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, output
    assert "purchase_entry_lines" in output
    assert left_running("whole") == []


def test_a_process_that_is_being_started_is_named_before_an_interrupt_is_heeded() -> None:
    script = f"""
import os, runpy, signal
demo = runpy.run_path({str(ROOT / "scripts" / "demo.py")!r})
try:
    with demo["_interrupts_wait"]():
        os.kill(os.getpid(), signal.SIGINT)
        print("started")
    print("not reached")
except KeyboardInterrupt:
    print("interrupted")
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["started", "interrupted"]


def test_it_stops_when_asked() -> None:
    demo = start("stopped")
    assert demo.stdout is not None
    for line in demo.stdout:
        if "Running" in line:
            break
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, output
    assert left_running("stopped") == []
