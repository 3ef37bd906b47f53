"""What networks and busy servers do during a run: in the end everything is as if nothing had been.

Either the run goes on, or it ends with exit code 1 and a sentence, and the next one goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.world import MAPPER, TAP, TARGET

if TYPE_CHECKING:
    from support.flow import Ended
    from support.world import Outcome, World

EXACT_LIST = r"GET .*/(bulk|sync|purchase|purchaseentry|hrm)/"
PARKED = r"POST .*table/sn_(fcms|spend)_intg_imp"
SERVICENOW_READ = r"GET /api/now/table/(sn_fin|cmn|sys_dict|sn_spend_intg|sn_fcms_intg)"
ROW = r"POST .*import/sn_fcms_intg_imp_supplier"
ROWS = r"POST .*/insertMultiple"
BATCH = r"POST /api/now/v1/batch"
"""Suppliers one by one, then held lines: some of each."""
PARKING_PLACE = r"POST .*table/sys_import_set"


def _each(kind: str, **params: object) -> list[dict[str, Any]]:
    """A fault at every kind of call the target makes, suppliers and held lines included."""
    struck = [(SERVICENOW_READ, 1), (ROWS, 1), (BATCH, 0), (BATCH, 2)]
    return [
        {"kind": kind, "match": match, "after": after, "params": params} for match, after in struck
    ]


EXACT_PASSES: dict[str, list[dict[str, Any]]] = {
    "refusals": [
        {"kind": "429_minute", "match": EXACT_LIST, "after": 3, "times": 2},
        {"kind": "status", "match": EXACT_LIST, "after": 6, "times": 2, "params": {"code": 503}},
        {"kind": "server_error", "match": EXACT_LIST, "after": 9},
        {"kind": "token_empty_body", "match": "oauth2/token"},
    ],
    "connections": [
        {"kind": "drop_before", "match": EXACT_LIST, "after": 2},
        {"kind": "drop_after", "match": EXACT_LIST, "after": 4},
        {"kind": "truncate", "match": EXACT_LIST, "after": 6},
        {"kind": "timeout", "match": EXACT_LIST, "after": 8, "params": {"seconds": 0.2}},
    ],
    "pages": [
        {"kind": "short_page", "match": EXACT_LIST, "after": 4, "times": 3},
        {"kind": "repeat_row", "match": r"GET .*/(sync|purchase)", "times": 3},
    ],
}
SERVICENOW_PASSES: dict[str, list[dict[str, Any]]] = {
    "429": [
        {"kind": kind, "match": match, "after": after, "params": {"retry_after": 0}}
        for kind in ("429_rule", "429_semaphore")
        for match in (SERVICENOW_READ, ROWS, BATCH)
        for after in (0, 2)
    ],
    "5xx": [
        *(
            {"kind": "status", "match": match, "after": 1, "params": {"code": 503}}
            for match in (SERVICENOW_READ, ROWS, BATCH, PARKING_PLACE)
        ),
        {"kind": "status", "match": BATCH, "after": 3, "params": {"code": 500}},
        {"kind": "status", "match": "oauth_token", "params": {"code": 503}},
    ],
    "dropped before": _each("drop_before"),
    "dropped after the commit": _each("drop_after"),
    "cut short": _each("truncate"),
    "no answer": _each("timeout", seconds=0.2),
    "refused batches, and writes that are done but refused or empty": [
        {"kind": "status", "match": BATCH, "times": None, "params": {"code": 403}},
        *({"kind": "403_after_commit", "match": match} for match in (ROW, ROWS, PARKED)),
        *({"kind": "201_empty", "match": match, "after": 1} for match in (ROW, ROWS, PARKED)),
    ],
    "half a result": [
        {"kind": "200_partial", "match": SERVICENOW_READ, "after": 2, "times": 3},
        {"kind": "short_page", "match": SERVICENOW_READ, "after": 2, "times": 3},
        {"kind": "unserviced", "match": BATCH, "times": 2},
    ],
    "slow transforms": [
        {"kind": "slow_transform", "match": ROWS, "times": 4, "params": {"seconds": 0.7}},
    ],
}


def one_clear_line(ended: Ended, step: str) -> str:
    """The one error of the plugin that ended the run."""
    assert ended.codes[step] == 1, (ended.codes, ended.log)
    errors = [line for line in ended.logs[step].splitlines() if "| ERROR" in line]
    assert len(errors) == 1, errors
    assert "defect of the plugin" not in errors[0]
    return errors[0]


@pytest.mark.parametrize("name", EXACT_PASSES)
def test_a_run_gets_over_trouble_at_exact(world: World, undisturbed: Outcome, name: str) -> None:
    for fault in EXACT_PASSES[name]:
        world.pipeline.control("exact", "faults", **fault)
    ended = world.run()
    assert ended.ok, ended.log
    assert world.struck("exact")
    assert world.outcome().differences(undisturbed) == []


@pytest.mark.parametrize("name", SERVICENOW_PASSES)
def test_a_run_gets_over_trouble_at_servicenow(
    world: World, undisturbed: Outcome, name: str
) -> None:
    for fault in SERVICENOW_PASSES[name]:
        world.pipeline.control("servicenow", "faults", **fault)
    ended = world.run()
    assert ended.ok, ended.log
    assert world.struck("servicenow")
    assert world.outcome().differences(undisturbed) == []


ENDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a page for people": ("exact", {"kind": "html", "match": "purchase/"}, TAP, "page"),
    "a gateway": (
        "exact",
        {"kind": "status", "match": "/sync/", "params": {"code": 502}},
        TAP,
        "502",
    ),
    "a lost line": ("exact", {"kind": "drop_before", "match": "crm|CRM"}, TAP, "broke off"),
    "damaged answers": ("exact", {"kind": "truncate", "match": "PurchaseEnt"}, TAP, "broke off"),
    "a blocked key": ("exact", {"kind": "error_block", "match": "ItemGroups"}, TAP, "ItemGroups"),
    "no end of 429": ("exact", {"kind": "429_minute", "match": "VATCodes"}, TAP, "too many calls"),
    "asleep at start": ("servicenow", {"kind": "hibernation"}, MAPPER, "hibernat"),
    "asleep later": (
        "servicenow",
        {"kind": "hibernation", "match": "insertMultiple", "after": 3},
        TARGET,
        "hibernat",
    ),
    "202 for ever": ("servicenow", {"kind": "202", "match": ROWS, "after": 2}, TARGET, "run again"),
    "lost outcomes": (
        "servicenow",
        {"kind": "drop_after", "match": "GET .*imp_invoice_line"},
        TARGET,
        "closed before the answer",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_does_not_pass_ends_in_a_line_and_the_next_run_goes_on(
    world: World, undisturbed: Outcome, name: str
) -> None:
    system, fault, step, words = ENDS[name]
    world.pipeline.control(system, "faults", times=None, **fault)
    ended = world.run()
    assert words in one_clear_line(ended, step)
    world.clear()
    assert world.finish().differences(undisturbed) == []


def test_the_days_calls_are_used_up(world: World, undisturbed: Outcome) -> None:
    world.fault("exact", "429_day", "PurchaseEntries")
    ended = world.run()
    assert ended.ok
    assert "the next run goes on where this one stops" in ended.logs[TAP]
    assert world.finish().differences(undisturbed) == []


def test_tokens_that_expire_in_the_middle(world: World, undisturbed: Outcome) -> None:
    # Both systems share a clock: half an hour later every token of the run is too old.
    world.exact.watch("purchase/PurchaseInvoices", lambda: world.clock.advance(2000))
    world.servicenow.watch(BATCH, lambda: world.clock.advance(2000), nth=2)
    ended = world.run()
    assert ended.ok, ended.log
    assert world.outcome().differences(undisturbed) == []
