"""Both sides of the reference data as they are now, compared as the way back compares them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from s2p_console.errors import ConsoleError, NotFoundError
from s2p_console.settings import TAP, TARGET, WAY_BACK
from s2p_exactonline import SYSTEM as EXACT
from s2p_exactonline import whole
from s2p_reference.compare import Finding, compare
from s2p_reference.creation import Rules, read_templates
from s2p_reference.entities import ENTITIES, exact_item
from s2p_reference.known import EVERY, SYSTEM, by_division, carried, items
from s2p_reference.ownership import differences as ownership_differences
from s2p_reference.ownership import read_ownership
from s2p_reference.places import Places, read_places
from s2p_reference.plan import Sides
from s2p_reference.records import Case, Link
from s2p_staging.definitions import KEY_SEPARATOR, load_definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client import ExactClient
    from s2p_console.settings import Settings
    from s2p_reference.entities import Entity
    from s2p_store import PairCase, Store

__all__ = [
    "CHOICES",
    "case_key",
    "check_choice",
    "differences",
    "disputed",
    "find_case",
    "forget",
    "send_again",
]

CHOICES: Final = {
    "conflict": ("exactonline", "servicenow"),
    "create": ("new", "gone"),
    "match": ("new", "same:CODE", "gone"),
    "refused": ("again", "gone"),
}
"""Kind of a case → what may be chosen."""

_USERS: Final = ("items", "item_groups")
_DIMENSIONS: Final = {"gl_accounts": "gl_account", "cost_centers": "cost_center"}


def differences(
    settings: Settings, store: Store, client: ExactClient, division: int | None
) -> Iterator[Finding]:
    """Compare all that ServiceNow has told with what Exact has now; about three calls a division.

    Args:
        settings: of the plugins; the way back's own, else those of the target's other direction.
        store: where ServiceNow's side is kept.
        client: asks Exact.
        division: only this one.

    Raises:
        NotFoundError: nothing of ServiceNow is kept.
        ExactError: Exact cannot be read.
        ReferenceSettingError: a setting cannot mean anything.
    """
    ownership = read_ownership(settings.mapping(WAY_BACK, "ownership"))
    known, _ = by_division(
        lambda stream: store.reference.load(SYSTEM, EVERY, stream), _places(settings).division_of
    )
    if division is not None:
        known = {code: streams for code, streams in known.items() if code == division}
    if not known:
        raise NotFoundError(
            f"Nothing of ServiceNow's GL accounts and cost centers is kept in {store.label} for "
            "these divisions. Run `meltano run tap-servicenow-s2p target-exactonline` once; it "
            "writes nothing that ServiceNow does not own."
        )
    today = client.now().date().isoformat()
    for code, streams in sorted(known.items()):
        for stream, rows in streams.items():
            entity = ENTITIES[stream]
            found = whole(client, code, entity.reading, entity.kinds)
            sides = Sides(
                entity,
                code,
                [exact_item(entity, row, today) for row in found],
                items(entity, rows, today),
                [Link.of(one) for one in store.pairs.links(stream, code)],
                [Case.of(one) for one in store.pairs.cases(stream, code)],
                carried(entity, store.reference.load(EXACT, str(code), stream)),
            )
            owners = ownership.all_of(code, entity)
            yield from compare(sides, owners, _rules(settings, rows), _used(store, entity, code))


def disputed(settings: Settings) -> list[str]:
    """Name the fields that the two directions give to different owners.

    Raises:
        ReferenceSettingError, SettingError: a setting cannot mean anything.
    """
    there, back = (settings.mapping(plugin, "ownership") for plugin in (TARGET, WAY_BACK))
    return ownership_differences(read_ownership(there), read_ownership(back))


def find_case(store: Store, key: str) -> PairCase:
    """Give the one case of this key, of a beginning of it, or of this code.

    Raises:
        NotFoundError: there is none, or more than one.
    """
    cases = store.pairs.cases()
    found = [case for case in cases if case_key(case) == key]
    found = found or [case for case in cases if case_key(case).startswith(key) or case.code == key]
    if len(found) != 1:
        several = f"{len(found)} cases fit" if found else "No case fits"
        raise NotFoundError(
            f"{several} '{key[:80]}'. `s2p reference conflicts` lists them with their keys."
        )
    return found[0]


def case_key(case: PairCase) -> str:
    """What a case is called: ServiceNow's sys_id, and the field if it is about one."""
    return f"{case.servicenow_id}:{case.field}" if case.field else case.servicenow_id


def check_choice(case: PairCase, choice: str) -> None:
    """Refuse what cannot be chosen about a case.

    Raises:
        ConsoleError: names what can.
    """
    allowed = CHOICES[case.kind]
    same, _, code = choice.partition(":")
    if choice in allowed or (same == "same" and code and "same:CODE" in allowed):
        return
    raise ConsoleError(
        f"About this ({case.kind}) one can choose {' or '.join(allowed)}, not '{choice[:40]}'."
    )


def forget(store: Store, case: PairCase) -> None:
    """Forget a record that ServiceNow has no more: no read of changes tells of that.

    If it is there after all, it comes back with its next change.
    """
    with store.transaction():
        rows = store.reference.load(SYSTEM, EVERY, case.stream)
        kept = [row for row in rows if row["id"] != case.servicenow_id]
        store.reference.save(SYSTEM, EVERY, case.stream, kept)


def send_again(settings: Settings, store: Store, case: PairCase) -> bool:
    """Let the next `reference-data` stage a record again though it has not changed; if it ever was.

    Raises:
        DefinitionError: the setting `tables` is malformed.
    """
    sources = settings.mapping(TARGET, "erp_sources")
    source = sources.get(str(case.division)) or f"EXACT-{case.division}"
    definitions = load_definitions(settings.mapping(TARGET, "tables"), sources, "")
    definition = definitions.get(case.stream)
    key = KEY_SEPARATOR.join((case.code, source))
    found = [
        entry
        for output in (definition.outputs if definition else ())
        for entry in store.ledger.get_many(output.staging_table, [key]).values()
    ]
    store.ledger.put_many([replace(entry, content_hash=None) for entry in found])
    return bool(found)


def _places(settings: Settings) -> Places:
    sources = settings.mapping(WAY_BACK, "erp_sources") or settings.mapping(TARGET, "erp_sources")
    divisions = settings.whole_numbers(WAY_BACK, "divisions")
    return read_places(sources, divisions or settings.whole_numbers(TAP, "divisions"))


def _rules(settings: Settings, rows: list[dict[str, Any]]) -> Rules:
    return Rules(
        settings.flag(WAY_BACK, "create"),
        read_templates(settings.mapping(WAY_BACK, "templates")),
        settings.mapping(WAY_BACK, "code_lengths"),
        {str(row["id"]): str(row["type"]) for row in rows if row.get("type")},
    )


def _used(store: Store, entity: Entity, division: int) -> set[str]:
    """Codes that held lines wait for, or that items and item groups name."""
    dimension = _DIMENSIONS[entity.stream]
    used = {
        code
        for hold in store.holds.open(division=division)
        for kind, code in hold.waiting_for
        if kind == dimension
    }
    if dimension == "gl_account":
        for stream in _USERS:
            rows = store.reference.load(EXACT, str(division), stream)
            used |= {str(row["GLCostsCode"]).strip() for row in rows if row.get("GLCostsCode")}
    return used
