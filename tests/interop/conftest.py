"""Environments of clients and plugins nobody here wrote, each made once per checkout."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        pytest.fail("uv is missing from the environment: run `make setup`.")
    return found


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [_uv(), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"The environment of other people's clients was not made:\n{done.stderr}")


def _environment(folder: str, lock: str) -> Path:
    """Make the environment that a lock describes, unless it is there; return its ``bin``."""
    environment, locked = ROOT / folder, HERE / lock
    python = environment / "bin" / "python"
    wanted = hashlib.sha256(locked.read_bytes()).hexdigest()
    done = environment / "installed"
    environment.mkdir(exist_ok=True)
    # Several test workers come here at once; the first makes it, the others wait and find it made.
    # Not ".lock": that name is uv's own, and uv would wait for us.
    with (environment / "making").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != wanted:
            _run("venv", "-q", "--allow-existing", "--python", sys.executable, str(environment))
            _run("pip", "sync", "-q", "--require-hashes", "--python", str(python), str(locked))
            done.write_text(wanted)
    return environment / "bin"


@pytest.fixture(scope="session")
def interop_bin() -> Path:
    """Where the commands of the packages in requirements.lock are."""
    return _environment(".venv-interop", "requirements.lock")


@pytest.fixture(scope="session")
def interop_python(interop_bin: Path) -> Path:
    """The Python that has these packages."""
    return interop_bin / "python"


@pytest.fixture(scope="session")
def target_jsonl() -> Path:
    """The command target-jsonl, whose requirements no other plugin can share."""
    return _environment(".venv-interop-jsonl", "target-jsonl.lock") / "target-jsonl"
