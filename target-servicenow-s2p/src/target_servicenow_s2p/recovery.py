"""Pick up what a dead run left behind, before anything is sent.

A batch that was *sent* has an import set whose rows tell what became of them. A batch that was
*about to be sent* is searched in the staging table by natural key and content. Rows found
nowhere were never staged: no state was written for them, so they come again by themselves. Where
the staging table cannot be searched they come again, too, if that is known to do no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from target_servicenow_s2p.batches import PENDING, Batch, Result
from target_servicenow_s2p.errors import OutcomeUnknown
from target_servicenow_s2p.rows import Origin, Row
from target_servicenow_s2p.staged import Sought, find_staged, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from s2p_staging.columns import Table
    from s2p_store import LedgerEntry
    from target_servicenow_s2p.delivery import Courier
    from target_servicenow_s2p.journal import Intent, Journal
    from target_servicenow_s2p.parking import Parking
    from target_servicenow_s2p.slots import Slot

__all__ = ["recover"]

_MAY_GO_ON: Final = 40.0
"""Seconds for which ServiceNow may go on with a batch after its sender has died."""
_CLEANED_UP: Final = "ServiceNow cleaned the import set up before its outcome could be read"


def recover(
    journal: Journal,
    slot: Slot,
    courier: Courier,
    parking: Parking,
    table_of: Callable[[str], Table | None],
) -> list[tuple[str, int, int | None]]:
    """Look up and write down the outcome of everything dead runs had on its way.

    Args:
        journal: where it stands.
        slot: tells dead runs from living ones.
        courier: asks ServiceNow.
        parking: closes the waiting rows of what was held before.
        table_of: staging table by output name; None where it is switched off now.

    Returns:
        Per batch of a dead run its staging table, its rows, and how many of them were staged; None
        where nobody can know.

    Raises:
        OutcomeUnknown: nobody can know, and staging them again might make second records.
    """
    found: list[tuple[str, int, int | None]] = []
    for entry, intent in list(journal.intents()):
        if not slot.is_dead(intent.slot):
            continue
        table = table_of(intent.output)
        if table is not None:
            if _is_beyond_search(table, entry) and not table.always_coalesces:
                raise _unknown(table, intent)
            young = journal.age(entry) < _MAY_GO_ON
            rows, results = _look_up(courier, table, entry, intent, young=young)
            told = None if _is_beyond_search(table, entry) else len(results)
            found.append((table.output.staging_table, len(rows), told))
            name = entry.natural_key.removeprefix("batch:")
            parking.release(table.output, results)
            journal.finish(Batch(name, table, rows, entry.import_set), results, earlier=True)
        else:
            journal.close_intent(entry)
    _settle_late_rows(journal, courier, table_of)
    return found


def _is_beyond_search(table: Table, entry: LedgerEntry) -> bool:
    """Whether rows that may have been staged cannot be found: their columns are unknown."""
    staged_at_once = table.output.load_method != "import_set"
    return not (entry.import_set or table.key_elements or staged_at_once)


def _unknown(table: Table, intent: Intent) -> OutcomeUnknown:
    staging = table.output.staging_table
    why = "does not match" if table.maps else "cannot be seen to match"
    return OutcomeUnknown(
        f"An earlier run ended while {len(intent.rows)} rows for {staging} were on their way. They "
        f"cannot be looked up, and sent again they might become second records, as its transform "
        f"map {why} existing ones: let the integration user read sys_dictionary, then run again."
    )


def _look_up(
    courier: Courier, table: Table, entry: LedgerEntry, intent: Intent, *, young: bool
) -> tuple[list[Row], list[Result]]:
    rows = [
        Row(
            table.output,
            row.key,
            {},
            row.digest,
            Origin(row.stream, row.division, row.source_id, row.version, document=row.document),
            epoch=0,
            known_set=row.known_set,
            parked_row=row.parked_row,
            units=row.units,
            currency=row.currency,
        )
        for row in intent.rows
    ]
    results: list[Result] = []
    if entry.import_set:
        if courier.exists(entry.import_set):
            results = courier.outcomes(table, entry.import_set, rows)
    elif table.key_elements and table.output.load_method == "import_set":
        sought = {row.key: Sought(row.digest, row.known_set, row.origin.division) for row in rows}
        found = find_staged(courier.client, table, sought)
        if young and len(found) < len(sought):
            # ServiceNow may be at work on the dead run's last batch still.
            found = courier.search(table, sought)
        pending: dict[str, list[Row]] = {}
        for row in rows:
            outcome = found.get(row.key)
            if outcome is not None and outcome.state == PENDING:
                pending.setdefault(outcome.import_set_id, []).append(row)
            elif outcome is not None:
                results.append(result_of(row, outcome))
        for import_set, late in pending.items():
            results += courier.outcomes(table, import_set, late)
    return rows, results


def _settle_late_rows(
    journal: Journal, courier: Courier, table_of: Callable[[str], Table | None]
) -> None:
    """Ask again for rows whose transform was too slow for the run that staged them."""
    late: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in journal.unsettled():
        late.setdefault((entry.table, entry.import_set or ""), []).append(entry)
    for (staging, import_set), entries in late.items():
        table = table_of(staging)
        if table is None or not table.key_elements:
            continue
        rows = [_row_again(table, entry, journal.origin(entry)) for entry in entries]
        results = courier.settled(table, import_set, rows)
        if not results and not courier.exists(import_set):
            results = [Result(row, "error", _CLEANED_UP, import_set) for row in rows]
        if results:
            batch = Batch(f"late-{import_set}", table, rows, import_set)
            journal.finish(batch, results, earlier=True)


def _row_again(table: Table, entry: LedgerEntry, origin: Origin | None) -> Row:
    origin = origin or Origin(table.output.stream, None, None, entry.source_version)
    return Row(
        table.output,
        entry.natural_key,
        {},
        entry.content_hash or "",
        origin,
        epoch=0,
        units=entry.units,
        currency=entry.currency or "",
    )
