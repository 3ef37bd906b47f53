"""The main run as users start it: exit codes of `meltano run`, and what its log says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.world import Outcome, World

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
INSTALLED = ("extractors", "mappers", "loaders")

pytestmark = pytest.mark.skipif(
    not all((ROOT / ".meltano" / kind).exists() for kind in INSTALLED),
    reason="the plugins' own environments are made by `make setup`",
)


def meltano(world: World, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Meltano on this repository, with a database and a run folder of the test's own."""
    system = world.home / "meltano"
    system.mkdir(exist_ok=True)
    for kind in INSTALLED:
        link = system / kind
        if not link.exists():
            link.symlink_to(ROOT / ".meltano" / kind)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MELTANO_")}
    return subprocess.run(
        [BIN / "meltano", "--cwd", ROOT, "--log-format=plain", *arguments],
        env={
            **clean,
            **world.environment(**settings),
            "MELTANO_SYS_DIR_ROOT": str(system),
            "MELTANO_DATABASE_URI": f"sqlite:///{world.home / 'meltano.db'}",
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


def run(world: World, **settings: str) -> subprocess.CompletedProcess[str]:
    """The main run."""
    steps = ("tap-exactonline", "glcostcenter", "target-servicenow-s2p")
    return meltano(world, "run", "--no-install", *steps, **settings)


def test_the_main_run(world: World, undisturbed: Outcome) -> None:
    wrong = run(world, TARGET_SERVICENOW_S2P_CLIENT_SECRET="wrong-secret")
    assert wrong.returncode == 1
    (line,) = [line for line in wrong.stdout.splitlines() if "refused to issue" in line]
    assert "client_secret" in line
    assert "wrong-secret" not in wrong.stdout
    done = run(world)
    assert done.returncode == 0, done.stdout
    assert world.outcome().differences(undisturbed) == []
    for text in (wrong.stdout, done.stdout):
        assert not [secret for secret in world.secrets() if secret in text]
