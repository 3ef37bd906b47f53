"""The environment of clients nobody here wrote, made once per checkout."""

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
LOCK = HERE / "requirements.lock"
ENVIRONMENT = ROOT / ".venv-interop"


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


@pytest.fixture(scope="session")
def interop_python() -> Path:
    """The Python of an environment that holds what requirements.lock names."""
    python = ENVIRONMENT / "bin" / "python"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    done = ENVIRONMENT / "installed"
    ENVIRONMENT.mkdir(exist_ok=True)
    # Several test workers come here at once; the first makes it, the others wait and find it made.
    # Not ".lock": that name is uv's own, and uv would wait for us.
    with (ENVIRONMENT / "making").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != wanted:
            _run("venv", "-q", "--allow-existing", "--python", sys.executable, str(ENVIRONMENT))
            _run("pip", "sync", "-q", "--require-hashes", "--python", str(python), str(LOCK))
            done.write_text(wanted)
    return python
