"""A plugin is asked to stop in the middle: it says so by its code, and the next run goes on."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from support.world import MAPPER, TAP, TARGET

if TYPE_CHECKING:
    from support.flow import Flow
    from support.world import Outcome, World

ASKED = {
    TAP: ("exact", "GET .*purchaseentry/PurchaseEntries", 2),
    MAPPER: ("exact", "GET .*purchase/PurchaseInvoices", 2),
    TARGET: ("servicenow", "POST .*/v1/batch", 1),
}


@pytest.mark.parametrize(
    ("step", "signum"),
    [
        (TAP, signal.SIGTERM),
        (TAP, signal.SIGINT),
        (MAPPER, signal.SIGTERM),
        (MAPPER, signal.SIGINT),
        (TARGET, signal.SIGTERM),
        (TARGET, signal.SIGINT),
    ],
)
def test_asked_to_stop(world: World, undisturbed: Outcome, step: str, signum: int) -> None:
    flows: list[Flow] = []
    system, call, nth = ASKED[step]
    stand_in = world.exact if system == "exact" else world.servicenow
    stand_in.watch(call, lambda: flows[0].signal(step, signum), nth=nth)
    flows.append(world.flow())
    ended = world.end(flows[0])
    assert ended.codes[step] == 128 + signum, (ended.codes, ended.log)
    assert "| ERROR" not in ended.logs[step]
    assert world.finish().differences(undisturbed) == []


def test_the_whole_pipe_is_interrupted(world: World, undisturbed: Outcome) -> None:
    def interrupt() -> None:
        for step in (TAP, MAPPER, TARGET):
            flows[0].signal(step, signal.SIGINT)

    flows: list[Flow] = []
    world.servicenow.watch("POST .*/v1/batch", interrupt)
    flows.append(world.flow())
    ended = world.end(flows[0])
    # Who had ended before the signal came had ended well.
    assert set(ended.codes.values()) <= {0, 130}, ended.log
    assert ended.codes[TARGET] == 130
    assert world.finish().differences(undisturbed) == []
