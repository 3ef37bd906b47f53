from __future__ import annotations

import gc
import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from mapper_glcostcenter.documents import Header, Index
from s2p_store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def store(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder}/store.db")


def guid(number: int) -> str:
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


@contextmanager
def statements(opened: Store) -> Iterator[list[str]]:
    """What the store is asked meanwhile."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = opened._database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("remember", [True, False])
def test_an_entry_is_known_now_and_in_the_next_run(tmp_path: Path, *, remember: bool) -> None:
    with store(tmp_path) as opened:
        index = Index(opened, "i", remember=remember)
        index.learn(1, "a", ("x", ""))
        assert index.find(1, "a") == ("x", "")
        assert index.find(2, "a") is None
        index.learn(1, "a", ("y", "z"))
        assert index.find(1, "a") == ("y", "z")
        index.save()
    with store(tmp_path) as opened:
        assert Index(opened, "i", remember=remember).find(1, "a") == ("y", "z")
        assert Index(opened, "other", remember=remember).find(1, "a") is None


def test_what_is_mostly_not_there_is_found_where_it_is(tmp_path: Path) -> None:
    keys = [guid(number) for number in range(300)]
    with store(tmp_path) as opened:
        index = Index(opened, "i", remember=False, sparse=True, recent=4)
        for key in keys[:200]:
            assert index.find(1, key) is None
            index.learn(1, key, (key,))
        index.save()
        with statements(opened) as seen:
            assert index.find(1, keys[-1]) is None
        assert not seen
        assert [index.find(1, key) for key in keys[:200]] == [(key,) for key in keys[:200]]
    with store(tmp_path) as opened:
        later = Index(opened, "i", remember=False, sparse=True)
        later.learn(1, keys[250], ("new",))
        later.save()
        assert later.find(1, keys[7]) == (keys[7],)
        assert later.find(1, keys[250]) == ("new",)
        assert later.find(1, keys[299]) is None


def test_what_was_not_saved_is_not_there(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        Index(opened, "i", remember=True).learn(1, "a", ("x",))
        assert Index(opened, "i", remember=True).find(1, "a") is None


def test_the_newest_of_many_runs_wins(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        for run in range(30):
            index = Index(opened, "i", remember=False)
            index.learn(1, "same", (str(run),))
            index.learn(1, f"own-{run}", ("x",))
            index.save()
        again = Index(opened, "i", remember=False)
        assert again.find(1, "same") == ("29",)
        assert again.find(1, "own-0") == ("x",)


def test_an_unknown_entry_that_arrives_later_is_found(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        for remember in (True, False):
            index = Index(opened, f"i-{remember}", remember=remember)
            assert index.find(1, "a") is None
            index.learn(1, "a", ("x",))
            assert index.find(1, "a") == ("x",)
            index.save()
            assert index.find(1, "a") == ("x",)


def test_texts_of_any_characters_come_back(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        index = Index(opened, "i", remember=False)
        header = Header("", "2026-11-23", "a\tb\nc", "€", "")
        index.learn(1, "a", header)
        index.save()
        found = Index(opened, "i", remember=False).find(1, "a")
        assert found is not None
        assert Header._make(found) == header


def test_memory_holds_no_more_of_many_documents_than_of_few(tmp_path: Path) -> None:
    def kept(documents: int) -> int:
        """Objects that a run over so many documents leaves alive in its index."""
        with store(tmp_path) as opened:
            index = Index(opened, f"i{documents}", remember=True, recent=400)
            for number in range(documents):
                index.learn(1, guid(number), (guid(number), "2026-11-23"))
                if number % 100 == 0:
                    index.save()
            index.save()
            for number in range(documents):
                assert index.find(1, guid(number)) == (guid(number), "2026-11-23")
            reached = {id(index): index}
            layer: list[object] = [index._recent, index._pending]
            while layer:
                reached.update((id(each), each) for each in layer)
                layer = [each for each in gc.get_referents(*layer) if id(each) not in reached]
                layer = [each for each in layer if isinstance(each, (dict, tuple, str))]
            assert len(index._recent) <= 400
            return sum(1 for each in reached.values() if isinstance(each, (tuple, str)))

    few, many = kept(1_000), kept(6_000)
    assert many <= few * 1.1


def test_lines_in_the_order_of_their_headers_ask_the_store_seldom(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        index = Index(opened, "i", remember=True, recent=800, ahead=200)
        for number in range(4_000):
            index.learn(1, guid(number), (str(number),))
        index.save()
        assert index.find(1, guid(0)) == ("0",)
        with statements(opened) as asked:
            for number in range(4_000):
                for _line in range(4):
                    assert index.find(1, guid(number)) == (str(number),)
        # four statements each time: begin; is all sorted, where is it, what follows
        assert len(asked) <= 4 * (4_000 / 200 + 5)


def test_a_document_without_a_header_asks_the_store_once(tmp_path: Path) -> None:
    with store(tmp_path) as opened:
        index = Index(opened, "i", remember=True)
        assert index.find(1, "none") is None
        with statements(opened) as asked:
            for _line in range(100):
                assert index.find(1, "none") is None
        assert asked == []


_examples = itertools.count()
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.integers(1, 2), st.integers(0, 30), st.text(max_size=3)),
        st.tuples(st.just("find"), st.integers(1, 2), st.integers(0, 30)),
        st.tuples(st.just("save")),
        st.tuples(st.just("next run")),
    ),
    max_size=60,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(steps=_steps, remember=st.booleans(), recent=st.integers(1, 12))
def test_no_answer_is_lost_however_little_is_kept(
    tmp_path: Path,
    *,
    steps: list[tuple[object, ...]],
    remember: bool,
    recent: int,
) -> None:
    with store(tmp_path) as opened:
        name = f"example {next(_examples)}"
        index = Index(opened, name, remember=remember, recent=recent)
        expected: dict[tuple[int, str], tuple[str, ...]] = {}
        for kind, *rest in steps:
            match rest:
                case [int(division), int(number), str(text)]:
                    index.learn(division, guid(number), (text,))
                    expected[division, guid(number)] = (text,)
                case [int(division), int(number)]:
                    key = (division, guid(number))
                    assert index.find(*key) == expected.get(key)
                case _:
                    index.save()
                    if kind == "next run":
                        index = Index(opened, name, remember=remember, recent=recent)
        for key, texts in expected.items():
            assert index.find(*key) == texts
