from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from s2p_store import Store

COMMAND = Path(sys.executable).with_name("s2p")


def test_prints_a_key_that_opens_a_store_and_nothing_else(tmp_path: Path) -> None:
    ran = subprocess.run([COMMAND, "key"], capture_output=True, text=True, check=True, cwd=tmp_path)

    key = ran.stdout.removesuffix("\n")
    assert ran.stderr == ""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", key) as store:
        store.vault.save("exactonline", "app", {"a": 1})
        assert store.vault.load("exactonline", "app") == {"a": 1}


def test_every_key_is_another(tmp_path: Path) -> None:
    keys = {
        subprocess.run([COMMAND, "key"], capture_output=True, check=True, cwd=tmp_path).stdout
        for _ in range(2)
    }
    assert len(keys) == 2


def test_a_reader_that_leaves_early_gets_no_complaint(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    Store.open(url).close()
    ran = subprocess.run(
        f"set -o pipefail; S2P_STORE_URL={url} {COMMAND} audit export --json | true",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.stderr == ""
