# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""One chain of single-use tokens, many processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from s2p_exactonline import SYSTEM, VaultTokens
from s2p_store import Store

PROGRAM = textwrap.dedent(
    """
    import sys
    from exactonline_client import App, ExactAuth, Transport, utc_now
    from s2p_store import Store
    from s2p_exactonline import VaultTokens
    import time

    url, client, secret, seed, store_url, key = sys.argv[1:]
    with Store.open(store_url, key) as store:
        sys.stdin.readline()
        auth = ExactAuth(
            url,
            App(client, secret),
            VaultTokens(store.vault, client, seed),
            transport=Transport(url),
            clock=utc_now,
            sleep=time.sleep,
        )
        print(auth.access_token())
    """
)


def test_eight_processes_use_the_refresh_token_once(runner) -> None:
    config = runner.config()
    arguments = [
        config[name]
        for name in (
            "api_url",
            "client_id",
            "client_secret",
            "refresh_token",
            "store_url",
            "store_key",
        )
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=90) for process in processes]
    tokens = {out.strip() for out, _ in ends}
    assert len(tokens) == 1, [err[-300:] for _, err in ends]
    assert tokens != {""}
    with Store.open(config["store_url"], config["store_key"]) as store:
        payload = store.vault.load(SYSTEM, config["client_id"])
    assert payload["access_token"] in tokens
    assert payload["previous_refresh_token"] == config["refresh_token"]


def test_runs_share_one_chain_and_never_refresh_a_good_token(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(1))
    for _ in range(3):
        assert runner.run("purchase_entries").error is None
    with Store.open(runner.config()["store_url"], runner.key) as store:
        tokens = VaultTokens(store.vault, runner.config()["client_id"], None).load()
    assert tokens.previous_refresh_token == runner.exact.registration.refresh_token


def test_a_token_that_died_early_is_renewed_on_the_way(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(1))
    assert runner.run("purchase_entries").error is None
    runner.exact.clock.advance(3600)
    output = runner.run("purchase_entries")
    assert output.error is None
    assert len(output.records("purchase_entries")) == 1


@pytest.mark.parametrize("payload", [{}, {"access_token": "a"}, {"issued_at": "x"}])
def test_a_vault_with_something_else_in_it_falls_back_to_the_seed(runner, payload) -> None:
    config = runner.config()
    with Store.open(config["store_url"], config["store_key"]) as store:
        store.vault.save(SYSTEM, config["client_id"], payload)
        tokens = VaultTokens(store.vault, config["client_id"], "seed").load()
        assert tokens.refresh_token == "seed"
        assert VaultTokens(store.vault, config["client_id"], None).load() is None
