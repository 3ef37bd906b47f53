"""Is the way to ServiceNow open? Sign-in, rights, tables, columns, maps, prerequisites, time zone.

Nothing is written. Whether the user may create staging rows shows with the first run only:
ServiceNow has no call that tells it without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from s2p_console.doctor.findings import Finding, Level
from s2p_console.doctor.held_lines import examine_held_lines
from s2p_console.doctor.staging import examine_table
from s2p_console.reference_data import disputed
from s2p_console.settings import TAP, TARGET, WAY_BACK
from s2p_staging.definitions import load_definitions
from s2p_staging.held_tables import LOADING_SET
from servicenow_client import Forbidden, NotFound, Rejected, ServiceNowError, equals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from s2p_console.settings import Settings
    from s2p_staging.definitions import Output
    from servicenow_client import Column, ServiceNowClient, TransformMap

__all__ = ["Patient", "erp_sources_of", "examine", "outputs_of"]

_ERP_SOURCES: Final = "sn_fin_erp_source"
_UNREADABLE: Final = (Forbidden, NotFound)
_ROLES: Final = {
    "sn_spend_intg": "sn_spend_intg.procurement_integrator and import_transformer",
    "sn_fcms_intg": "sn_fcms_intg.integration_user and import_transformer",
}
_REFERENCE: Final = {
    "sn_fin_gl_account": "GL account",
    "cmn_cost_center": "cost center",
}
"""What the mapper reads; without a row of them every line is held."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined."""

    settings: Settings
    client: ServiceNowClient


def outputs_of(settings: Settings) -> list[Output]:
    """Give everything that is staged with these settings.

    Raises:
        SettingError, DefinitionError: a setting is malformed.
    """
    definitions = load_definitions(
        settings.mapping(TARGET, "tables"),
        settings.mapping(TARGET, "erp_sources"),
        "",
        settings.mapping(TARGET, "provenance"),
    )
    return [output for each in definitions.values() for output in each.outputs]


def erp_sources_of(settings: Settings) -> dict[str, str]:
    """Give the ERP source of each division that is named in the settings.

    Raises:
        SettingError: a setting is malformed.
    """
    named = settings.mapping(TARGET, "erp_sources")
    divisions = {str(code) for code in settings.whole_numbers(TAP, "divisions")} | set(named)
    return {code: str(named.get(code) or f"EXACT-{code}") for code in sorted(divisions)}


def examine(patient: Patient) -> Iterator[Finding]:
    """Look at everything in turn; stop where nothing further can be seen."""
    client = patient.client
    try:
        sources = {str(row.get("name")) for row in client.query(_ERP_SOURCES, fields=("name",))}
    except _UNREADABLE as error:
        yield Finding("login", Level.OK, "The sign-in works.")
        yield Finding(
            "rights",
            Level.ERROR,
            f"{_ERP_SOURCES} cannot be read: {error}",
            "Give the integration user the role sn_fcms_intg.integration_user.",
        )
        sources = set()
    except ServiceNowError as error:
        yield Finding("login", Level.ERROR, str(error))
        return
    else:
        yield Finding("login", Level.OK, "The sign-in works.")
    outputs = outputs_of(patient.settings)
    yield from _ownership(patient.settings)
    yield from _tables(client, outputs)
    yield from _rights(client, outputs)
    way = patient.settings.find(TARGET, "park_held") or LOADING_SET
    yield from examine_held_lines(client, outputs, way)
    yield from _prerequisites(patient, sources)
    yield _time_zone(client)
    yield _rate_rules(client)


def _ownership(settings: Settings) -> Iterator[Finding]:
    if fields := disputed(settings):
        yield Finding(
            "ownership",
            Level.WARNING,
            f"{TARGET} and {WAY_BACK} do not agree who owns {', '.join(fields)}: each would write "
            "over the other's, or neither would write.",
            "Give both the same setting ownership.",
        )


def _tables(client: ServiceNowClient, outputs: Sequence[Output]) -> Iterator[Finding]:
    tables = sorted({output.staging_table for output in outputs})
    columns: Mapping[str, Sequence[Column]]
    try:
        columns = client.columns(tables)
    except _UNREADABLE:
        columns = {}
    if not any(columns.values()):
        yield Finding(
            "rights",
            Level.ERROR,
            "sys_dictionary cannot be read, so neither columns nor natural keys are known: a write "
            "without an answer cannot be looked up.",
            "Let the integration user read sys_dictionary.",
        )
        return
    maps: Mapping[str, Sequence[TransformMap]] | None
    try:
        maps = client.transform_maps_by_table(tables)
    except _UNREADABLE:
        maps = None
    if maps is None or not any(maps.values()):
        maps = None
        yield Finding(
            "rights",
            Level.WARNING,
            "The transform maps cannot be read: whether they coalesce is unknown.",
            "Let the integration user read sys_transform_map and sys_transform_entry.",
        )
    keys = client.insert_multiple_keys(tables)
    untold = []
    for output in outputs:
        staging = output.staging_table
        yield from examine_table(
            output,
            columns.get(staging, ()),
            None if maps is None else maps.get(staging, ()),
            takes_names=keys.get(staging) == "name",
        )
        labels = {column.label.strip().casefold() for column in columns.get(staging, ())}
        if labels and not {label.casefold() for label in output.provenance} <= labels:
            untold.append(staging)
    if untold:
        yield Finding(
            "provenance",
            Level.WARNING,
            f"{len(set(untold))} staging tables have no columns that tell where a row comes from: "
            "the audit trail alone carries it.",
            "`s2p servicenow prepare` names what to add.",
        )


def _rights(client: ServiceNowClient, outputs: Sequence[Output]) -> Iterator[Finding]:
    """Read a row of each table: what the target has to read afterwards."""
    refused: dict[str, list[str]] = {}
    for table in sorted({one.staging_table for one in outputs if one.load_method == "import_set"}):
        try:
            next(client.query(table, fields=("sys_id",)), None)
        except Forbidden:
            role = _ROLES.get("_".join(table.split("_")[:3]), "import_transformer")
            refused.setdefault(role, []).append(table)
        except (NotFound, Rejected):
            continue  # told with the tables
    for role, tables in refused.items():
        yield Finding(
            "rights",
            Level.ERROR,
            f"The user may not read {', '.join(tables)}.",
            f"Give it the roles {role}.",
        )
    if not refused:
        # An instance shows an empty table to whom it refuses: roles cannot be seen from outside.
        roles = ", ".join(_ROLES.values())
        yield Finding(
            "rights",
            Level.OK,
            f"No staging table refuses to be read. Needed are the roles {roles}.",
        )


def _prerequisites(patient: Patient, sources: set[str]) -> Iterator[Finding]:
    client = patient.client
    for division, source in erp_sources_of(patient.settings).items():
        number = int(division) if division.isdecimal() else None
        if source not in sources:
            yield Finding(
                "ERP source",
                Level.ERROR,
                f"ServiceNow has no ERP source '{source}', to which every row of the division "
                "refers: all of them would be refused.",
                f"Create it in {_ERP_SOURCES}, or name another one in erp_sources.",
                number,
            )
            continue
        yield Finding("ERP source", Level.OK, f"'{source}' exists.", division=number)
        for table, what in (
            ("sn_fin_legal_entity", "legal entity"),
            ("sn_shop_payment_term", "payment term"),
            *_REFERENCE.items(),
        ):
            yield _present(client, table, what, source, number)


def _present(
    client: ServiceNowClient, table: str, what: str, source: str, division: int | None
) -> Finding:
    try:
        found = next(client.query(table, equals("erp_source.name", source), ("sys_id",)), None)
    except (*_UNREADABLE, Rejected) as error:
        return Finding(
            "prerequisites",
            Level.WARNING,
            f"{table} cannot be read: {error}",
            "Let the integration user read it.",
            division,
        )
    if found is not None:
        return Finding("prerequisites", Level.OK, f"There is a {what} at least.", division=division)
    awaited = table in _REFERENCE
    return Finding(
        "prerequisites",
        Level.WARNING if awaited else Level.OK,
        f"ServiceNow has no {what} of '{source}' yet; the first run stages them.",
        "Run the job reference-data first, or every line is held once." if awaited else "",
        division,
    )


def _time_zone(client: ServiceNowClient) -> Finding:
    try:
        next(client.changed(_ERP_SOURCES, "", ("name",)), None)
    except Rejected as error:
        return Finding("time zone", Level.ERROR, str(error))
    except _UNREADABLE:
        return Finding("time zone", Level.OK, "Nothing can be read that would show it.")
    return Finding("time zone", Level.OK, "Times in queries are read in UTC.")


def _rate_rules(client: ServiceNowClient) -> Finding:
    try:
        rules = list(client.query("sys_rate_limit_rules"))
    except (*_UNREADABLE, Rejected):
        return Finding(
            "rate rules", Level.OK, "Not visible to this user; a 429 is waited out as it says."
        )
    if not rules:
        return Finding("rate rules", Level.OK, "There is none.")
    names = ", ".join(str(rule.get("name") or rule.get("sys_id")) for rule in rules[:5])
    return Finding("rate rules", Level.OK, f"{len(rules)} rules: {names}.")
