"""A process dies at some point: the next run brings about what an undisturbed one would have."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest
from support.world import MAPPER, TAP, TARGET

if TYPE_CHECKING:
    from support.flow import Flow
    from support.world import Outcome, World


def check_the_same(world: World, undisturbed: Outcome) -> None:
    """One more run, and everything is as if nothing had been: nothing missing, nothing twice."""
    assert world.finish().differences(undisturbed) == []


def test_a_second_run_changes_nothing(world: World, undisturbed: Outcome) -> None:
    assert world.run().ok
    assert world.outcome().differences(undisturbed) == []
    check_the_same(world, undisturbed)


@pytest.mark.parametrize(
    ("step", "lines"), [(TAP, 1), (TAP, 130), (TAP, 700), (MAPPER, 130), (MAPPER, 700)]
)
def test_killed_after_some_lines(world: World, undisturbed: Outcome, step: str, lines: int) -> None:
    ended = world.end(world.flow(on_line={step: (lines, lambda flow: flow.kill(step))}))
    assert ended.codes[step] == -signal.SIGKILL
    check_the_same(world, undisturbed)


@pytest.mark.parametrize(
    ("call", "nth", "after"),
    [
        ("POST .*gl_account_stage/insertMultiple", 1, False),
        ("POST .*gl_account_stage/insertMultiple", 1, True),
        ("GET .*table/sn_spend_intg_imp_invoice", 1, True),
        ("POST .*/v1/batch", 1, False),
        ("POST .*/v1/batch", 1, True),
        ("POST .*imp_invoice/insertMultiple", 2, True),
        ("POST .*table/sys_import_set", 1, True),
        ("POST .*/v1/batch", 4, True),
        ("POST .*imp_invoice_line/insertMultiple", 1, True),
    ],
)
def test_target_killed_at_a_call(
    world: World, undisturbed: Outcome, call: str, nth: int, *, after: bool
) -> None:
    flows: list[Flow] = []
    died = world.servicenow.on(call, lambda: flows[0].kill(TARGET), nth=nth, after=after)
    flows.append(world.flow())
    ended = world.end(flows[0])
    assert died.is_set(), (ended.codes, ended.log)
    assert ended.codes == {TAP: ended.codes[TAP], MAPPER: ended.codes[MAPPER], TARGET: -9}
    check_the_same(world, undisturbed)


def test_killed_at_fifty_moments_one_after_another(world: World, undisturbed: Outcome) -> None:
    """Whoever dies, at whatever call, however often: the next one goes on from there."""
    chance = random.Random(20261127)
    deaths = 0
    for _ in range(120):
        deaths += died_at(world, chance)
        if deaths == 50:
            break
    assert deaths == 50
    check_the_same(world, undisturbed)


def died_at(world: World, chance: random.Random) -> bool:
    """Run once, and kill one of the three at one call; whether it came to that."""
    victim = chance.choice([TAP, MAPPER, TARGET, TARGET])
    system = world.exact if victim == TAP else chance.choice([world.exact, world.servicenow])
    flows: list[Flow] = []
    died = system.on(
        ".*",
        lambda: flows[0].kill(victim),
        nth=chance.randint(1, 14),
        after=chance.random() < 0.5,
    )
    flows.append(world.flow())
    world.end(flows[0])
    if died.is_set():
        return True
    died.set()  # the run was over before: this wire is not to strike in a later one
    return False
