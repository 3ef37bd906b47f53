"""Loaders nobody here wrote take what the tap reads from the stand-in for Exact Online."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from support import postgres

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact import app
from s2p_sandbox.server import serve
from s2p_store import generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("interop")

DIVISION = 101
SUPPLIERS = 61  # more than a page of 60
ENTRIES = 3
# As many digits as a double shows, and fractions that no double holds exactly.
AMOUNTS = {
    (1, 1): Decimal("1234567890.05"),
    (1, 2): Decimal("0.1"),
    (2, 1): Decimal("-33.335"),
    (2, 2): Decimal("1999.99"),
    (3, 1): Decimal("0.07"),
    (3, 2): Decimal("-0.3"),
}
TOTALS = {
    number: sum(amount for (entry, _), amount in AMOUNTS.items() if entry == number)
    for number in (1, 2, 3)
}


def guid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    moment = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - Exact's wall clock has no zone
    for number in range(SUPPLIERS):
        yield (
            "crm/Accounts",
            {
                "ID": guid(1, number),
                "Division": DIVISION,
                "Code": f"{number:>18}",
                "Name": f"Supplier “{number}”, Ltd",
                "IsSupplier": True,
                "Modified": moment,
            },
        )
    for number, total in TOTALS.items():
        yield (
            "purchaseentry/PurchaseEntries",
            {
                "EntryID": guid(2, number),
                "Division": DIVISION,
                "EntryNumber": number,
                "AmountDC": total,
                "EntryDate": moment.replace(hour=0),
                "Modified": moment,
                "Created": moment,
            },
        )
    for (entry, line), amount in AMOUNTS.items():
        yield (
            "purchaseentry/PurchaseEntryLines",
            {
                "ID": guid(3, entry * 10 + line),
                "EntryID": guid(2, entry),
                "Division": DIVISION,
                "LineNumber": line,
                "AmountFC": amount,
            },
        )


@dataclass(frozen=True)
class Tap:
    """Pipes the tap into somebody's target."""

    config: Path
    folder: Path

    def into(self, target: Path, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run the pipe to its end; returns the states that the target let through."""
        given = self.folder / "target.json"
        given.write_text(json.dumps(settings))
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TAP_EXACTONLINE_", "TARGET_", "S2P_", "MELTANO_"))
        }
        with subprocess.Popen(
            [sys.executable, "-m", "tap_exactonline", "--config", self.config],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=environment,
        ) as tap:
            done = subprocess.run(
                [target, "--config", given],
                stdin=tap.stdout,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                cwd=self.folder,
                env=environment,
            )
            _, said = tap.communicate(timeout=60)
        assert tap.returncode == 0, said.decode()
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tap]:
    folder = tmp_path_factory.mktemp("foreign")
    exact = app(folder, Clock(), seeds=False)
    exact.add_division(DIVISION, "Small", Country="NL")
    for resource, row in rows():
        exact.load(resource, [row], DIVISION)
    with serve(exact) as url:
        config = folder / "tap.json"
        config.write_text(
            json.dumps(
                {
                    "api_url": url,
                    "client_id": exact.registration.client_id,
                    "client_secret": exact.registration.client_secret,
                    "refresh_token": exact.registration.refresh_token,
                    "divisions": [DIVISION],
                    "store_url": f"sqlite:///{folder}/store.db",
                    "store_key": generate_key(),
                }
            )
        )
        yield Tap(config, folder)
    exact.store.database.close()


def check_state(states: list[dict[str, Any]]) -> None:
    assert {"accounts", "purchase_entries"} <= set(states[-1]["bookmarks"])


def test_target_jsonl(tap: Tap, target_jsonl: Path, tmp_path: Path) -> None:
    check_state(
        tap.into(target_jsonl, {"destination_path": str(tmp_path), "do_timestamp_file": False})
    )
    read = {
        path.stem: [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
        for path in tmp_path.glob("*.jsonl")
    }
    assert {name: len(found) for name, found in read.items()} == {
        "divisions": 1,
        "accounts": SUPPLIERS,
        "purchase_entries": ENTRIES,
        "purchase_entry_lines": len(AMOUNTS),
    }
    lines = read["purchase_entry_lines"]
    number_of = {entry["EntryID"]: entry["EntryNumber"] for entry in read["purchase_entries"]}
    assert {
        (number_of[one["EntryID"]], one["LineNumber"]): Decimal(one["AmountFC"]) for one in lines
    } == AMOUNTS
    assert {one["EntryNumber"]: one["AmountDC"] for one in read["purchase_entries"]} == TOTALS
    assert {one["Code"] for one in read["accounts"]} == {str(n) for n in range(SUPPLIERS)}


def test_target_csv(tap: Tap, interop_bin: Path, tmp_path: Path) -> None:
    check_state(tap.into(interop_bin / "target-csv", {"output_path": str(tmp_path)}))

    def table(stream: str) -> list[dict[str, str]]:
        with (tmp_path / f"{stream}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    assert len(table("divisions")) == 1
    assert {one["Name"] for one in table("accounts")} == {
        f"Supplier “{number}”, Ltd" for number in range(SUPPLIERS)
    }
    lines = table("purchase_entry_lines")
    assert {one["ID"]: Decimal(one["AmountFC"]) for one in lines} == {
        guid(3, entry * 10 + line): amount for (entry, line), amount in AMOUNTS.items()
    }
    entries = table("purchase_entries")
    assert {int(one["EntryNumber"]): Decimal(one["AmountDC"]) for one in entries} == TOTALS


def test_target_postgres(tap: Tap, interop_bin: Path) -> None:
    with postgres.server() as server, postgres.database(server) as uri:
        settings = {
            "sqlalchemy_url": uri.replace("postgresql://", "postgresql+psycopg://"),
            "default_target_schema": "exact",
            "load_method": "upsert",
        }
        for _ in range(2):  # a second full load finds its own rows by their keys
            check_state(tap.into(interop_bin / "target-postgres", settings))
        with psycopg.connect(uri) as connection:
            connection.execute("SET search_path TO exact")
            counts = {
                name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
                for name in ("divisions", "accounts", "purchase_entries", "purchase_entry_lines")
            }
            amounts = connection.execute(
                'SELECT e."EntryNumber", l."LineNumber", l."AmountFC"::text, e."AmountDC"::text '
                'FROM purchase_entry_lines l JOIN purchase_entries e USING ("EntryID")'
            ).fetchall()
        connection.close()
    assert counts == {
        "divisions": (1,),
        "accounts": (SUPPLIERS,),
        "purchase_entries": (ENTRIES,),
        "purchase_entry_lines": (len(AMOUNTS),),
    }
    assert {(entry, line): Decimal(amount) for entry, line, amount, _ in amounts} == AMOUNTS
    assert {entry: Decimal(total) for entry, _, _, total in amounts} == TOTALS
