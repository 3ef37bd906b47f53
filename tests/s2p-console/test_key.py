from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from s2p_store import AuditEvent, Store, generate_key

if TYPE_CHECKING:
    from conftest import House

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
    with Store.open(url) as store:
        at = datetime(2026, 11, 20, tzinfo=timezone.utc)
        event = AuditEvent("run", at, "accounts", 1, "id", "staged", "key", {"message": "x" * 1000})
        store.audit.append([event] * 1000)
    ran = subprocess.run(
        f"{COMMAND} audit export --json | head -c 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "S2P_STORE_URL": url},
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("[", "", 128 + signal.SIGPIPE)


def test_a_key_is_changed_and_the_old_one_no_longer_needed(house: House, store: Store) -> None:
    store.vault.save("exactonline", "app-1", {"secret": "kept"})
    new = generate_key()
    wrong = house.run("key", "rotate", S2P_STORE_KEY=new)
    assert (wrong.exit_code, "not the key" in wrong.stderr) == (1, True)

    ran = house.run("key", "rotate", S2P_STORE_KEY=f"{new},{house.key}")
    assert ran.exit_code == 0, ran.stderr
    assert new not in ran.output
    with Store.open(house.url, new) as opened:
        assert opened.vault.load("exactonline", "app-1") == {"secret": "kept"}
        assert [event.kind for event in opened.audit.events()] == ["key_changed"]
    again = house.run("key", "rotate", S2P_STORE_KEY=f"{new},{house.key}")
    assert "0 values" in again.stderr


def test_a_key_file_holds_the_key_and_may_hold_the_one_before(house: House, store: Store) -> None:
    store.vault.save("exactonline", "app-1", {"secret": "kept"})
    file = house.folder / "key.txt"
    file.write_text(f"{generate_key()}\n{house.key}\n")
    assert house.run("key", "rotate", S2P_STORE_KEY=f"file:{file}").exit_code == 0
    missing = house.run("key", "rotate", S2P_STORE_KEY=f"file:{file}x")
    assert (missing.exit_code, "key.txtx" in missing.stderr) == (1, True)
