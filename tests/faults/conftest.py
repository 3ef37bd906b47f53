"""A small world for each test, and how it looks when nothing disturbs the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.world import Outcome, World, make_template, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both stand-ins' databases, filled once."""
    folder = tmp_path_factory.mktemp("template")
    make_template(folder)
    return folder


@pytest.fixture(scope="session")
def undisturbed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What one run brings about when nothing goes wrong."""
    with open_world(template, tmp_path_factory.mktemp("undisturbed")) as world:
        outcome = world.finish()
    assert all(outcome.primary.values())
    assert outcome.holds
    return outcome


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    """A project of its own on stand-ins of its own."""
    with open_world(template, tmp_path) as made:
        yield made
