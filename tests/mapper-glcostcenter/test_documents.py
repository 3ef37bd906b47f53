from __future__ import annotations

from typing import TYPE_CHECKING

from mapper_glcostcenter.documents import Index
from s2p_store import Store

if TYPE_CHECKING:
    from pathlib import Path


def store(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder}/store.db")


def test_an_entry_is_known_now_and_in_the_next_run(tmp_path: Path) -> None:
    for remember in (True, False):
        name = f"index-{remember}"
        with store(tmp_path) as opened:
            index = Index(opened, name, remember=remember)
            index.learn(1, "a", ("x", ""))
            assert index.find(1, "a") == ("x", "")
            assert index.find(2, "a") is None
            index.learn(1, "a", ("y", "z"))
            assert index.find(1, "a") == ("y", "z")
            index.save()
        with store(tmp_path) as opened:
            assert Index(opened, name, remember=remember).find(1, "a") == ("y", "z")


def test_what_was_not_saved_is_not_there(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        Index(opened, "i", remember=True).learn(1, "a", ("x",))
        assert Index(opened, "i", remember=True).find(1, "a") is None


def test_many_small_packs_become_few_and_the_newest_wins(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        for run in range(30):
            index = Index(opened, "i", remember=False)
            index.learn(1, "same", (str(run),))
            index.learn(1, f"own-{run}", ("x",))
            index.save()
        assert Index(opened, "i", remember=False).find(1, "same") == ("29",)
        assert len(opened.reference.load("exactonline", "1", "i")) == 1
        again = Index(opened, "i", remember=False)
        assert again.find(1, "own-0") == ("x",)
        assert again.find(1, "same") == ("29",)
