from __future__ import annotations

import csv
import io
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2p_console.trail import is_guid

if TYPE_CHECKING:
    from uuid import UUID

    from conftest import House, Make

    from s2p_store import Store

HELD = {"reasons": ["COST_CENTER_MISSING"], "waiting_for": [["cost_center", "CC12"]]}
STAGED = {"staging_table": "sn_fin_staging", "outcome": "inserted", "gl_account": "7000"}


@pytest.fixture
def trail(house: House, store: Store, make: Make) -> House:
    line = {"stream": "purchase_entry_lines", "source_id": make.line_id(1)}
    store.audit.append([make.event("staged", "26700012|EXACT-NL", 10, detail=STAGED)])
    store.audit.append(
        [
            make.event("held", "26700012|1|EXACT-NL", 5, detail=HELD, **line),
            make.event("staged", "V-9|EXACT-UK", 20, division=7, source_id="x", run_id="run-2"),
        ]
    )
    return house


def shown(house: House, *options: str) -> list[dict[str, Any]]:
    ran = house.run("audit", "show", "--json", *options)
    assert ran.exit_code == 0
    document: list[dict[str, Any]] = json.loads(ran.stdout)
    return document


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ((), ["26700012|EXACT-NL", "26700012|1|EXACT-NL", "V-9|EXACT-UK"]),
        (("--document", "26700012"), ["26700012|EXACT-NL", "26700012|1|EXACT-NL"]),
        (("--stream", "purchase_entry_lines"), ["26700012|1|EXACT-NL"]),
        (("--code", "7000"), ["26700012|EXACT-NL"]),
        (("--code", "CC12"), ["26700012|1|EXACT-NL"]),
        (("--since", "2026-11-20T08:00:10Z"), ["26700012|EXACT-NL", "V-9|EXACT-UK"]),
        (("--until", "2026-11-20T08:00:10"), ["26700012|1|EXACT-NL"]),
        (("--since", "2026-11-20", "--until", "2026-11-20"), []),
        (("--since", "9999d"), ["26700012|EXACT-NL", "26700012|1|EXACT-NL", "V-9|EXACT-UK"]),
        (("--document", "v-9"), ["V-9|EXACT-UK"]),
        (("--document", "9"), []),
        (("--document", "7000"), []),
        (("--natural-key", "26700012|EXACT-NL"), ["26700012|EXACT-NL"]),
        (("--source-id", "x"), ["V-9|EXACT-UK"]),
        (("--run", "run-2"), ["V-9|EXACT-UK"]),
        (("--division", "7"), ["V-9|EXACT-UK"]),
        (("--kind", "held"), ["26700012|1|EXACT-NL"]),
        (("--limit", "1"), ["V-9|EXACT-UK"]),
    ],
)
def test_show_filters(trail: House, options: tuple[str, ...], keys: list[str]) -> None:
    assert [each["natural_key"] for each in shown(trail, *options)] == keys


def test_show_says_when_there_is_more(trail: House) -> None:
    ran = trail.run("audit", "show", "--limit", "2")
    assert "Only the newest 2 events" in ran.stderr
    assert "Only the newest" not in trail.run("audit", "show", "--limit", "3").stderr


def test_show_reads_as_sentences(trail: House) -> None:
    table = trail.run("audit", "show").stdout
    assert "held back · COST_CENTER_MISSING · waits for cost center CC12" in table
    assert "staged in ServiceNow · outcome inserted · table sn_fin_staging" in table


def test_show_of_nothing(trail: House) -> None:
    ran = trail.run("audit", "show", "--run", "run-3")
    assert (ran.exit_code, ran.stdout) == (0, "Nothing is recorded that fits.\n")


def test_audit_needs_no_key(trail: House) -> None:
    assert trail.run("audit", "show", S2P_STORE_KEY=None).exit_code == 0
    assert trail.run("audit", "verify", S2P_STORE_KEY=None).exit_code == 0


def test_intact_trail(trail: House) -> None:
    assert trail.run("audit", "verify").stdout == "The audit trail is intact.\n"
    ran = trail.run("audit", "verify", "--json")
    assert (ran.exit_code, json.loads(ran.stdout)) == (0, {"intact": True, "problems": []})


def test_altered_trail_is_exit_code_2(trail: House, store: Store) -> None:
    store.close()
    with sqlite3.connect(trail.folder / "store.db") as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE s2p_audit_event SET kind = 'staged' WHERE kind = 'held'")
    database.close()

    ran = trail.run("audit", "verify")
    assert ran.exit_code == 2
    assert "NOT" in ran.stdout
    ran = trail.run("audit", "verify", "--json")
    document = json.loads(ran.stdout)
    assert (ran.exit_code, document["intact"]) == (2, False)
    assert document["problems"][0]["batch"] == 2


def test_export_is_the_whole_trail_oldest_first(trail: House) -> None:
    exported = json.loads(trail.run("audit", "export", "--json").stdout)
    assert exported == shown(trail)
    rows = list(csv.DictReader(io.StringIO(trail.run("audit", "export").stdout)))
    assert [row["record"] for row in rows] == [each["natural_key"] for each in exported]


def test_export_to_a_file(trail: House) -> None:
    path = trail.folder / "trail.json"
    ran = trail.run("audit", "export", "--json", "--output", str(path), "--run", "run-2")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert len(json.loads(path.read_text())) == 1


@settings(deadline=None)
@given(st.uuids())
def test_guids_of_both_systems_are_known(guid: UUID) -> None:
    assert is_guid(str(guid))
    assert is_guid(guid.hex.upper())
    assert not is_guid(str(guid)[:-1])


def test_what_is_no_moment_is_told(trail: House) -> None:
    ran = trail.run("audit", "show", "--since", "yesterday")
    assert (ran.exit_code, "is no moment" in ran.output) == (1, True)
