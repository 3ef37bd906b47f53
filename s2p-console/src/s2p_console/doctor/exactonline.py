"""Is the way to Exact Online open? Registration, login, clock, divisions, scopes, limits, webhooks.

Each resource is asked for once, with one call; one that was refused is not asked again, as Exact
blocks an app after ten errors an hour on one endpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from exactonline_client import (
    EndpointRests,
    ExactError,
    LimitError,
    RequestRefused,
    Tokens,
    filters,
    utc_now,
)
from s2p_console.doctor.findings import Finding, Level
from s2p_console.settings import SHARED, TAP
from s2p_console.subscriptions import PROPERTIES, RESOURCE, TOPICS, read_row
from s2p_exactonline import SYSTEM, load_grant, silent_among

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exactonline_client import ExactClient
    from s2p_console.settings import Settings
    from s2p_store import Store

__all__ = ["RESOURCES", "Patient", "examine", "examine_login", "examine_settings"]


@dataclass(frozen=True, slots=True)
class _Probe:
    """A resource that the tap reads: who needs it, its key, and a filter that leaves it few rows.

    Attributes:
        scope: to be ticked in the app registration.
        instead: it may be missing, as another one is read then.
    """

    streams: str
    key: str
    scope: str
    by: str = ""
    instead: str = ""


RESOURCES: Final[Mapping[str, _Probe]] = {
    "bulk/Financial/GLAccounts": _Probe("gl_accounts", "ID", "Financial: general ledgers", "M"),
    "hrm/Costcenters": _Probe("cost_centers", "ID", "Financial: cost centers"),
    "hrm/Costunits": _Probe("cost_units", "ID", "Financial: cost centers"),
    "logistics/ItemGroups": _Probe("item_groups", "ID", "Logistics: items"),
    "sync/Logistics/Items": _Probe("items", "Timestamp", "Logistics: items", "T"),
    "cashflow/PaymentConditions": _Probe("payment_conditions", "ID", "Financial: cash flow"),
    "vat/VATCodes": _Probe("vat_codes", "ID", "Financial: accounting"),
    "sync/CRM/Accounts": _Probe("accounts", "Timestamp", "CRM: accounts", "T"),
    "sync/PurchaseOrder/PurchaseOrders": _Probe(
        "purchase_orders, purchase_order_lines",
        "Timestamp",
        "Purchase: orders",
        "T",
        "the package does not have this feed; the regular endpoints are read, at 60 rows a call",
    ),
    "purchase/PurchaseInvoices": _Probe("purchase_invoices", "ID", "Purchase: invoices", "M"),
    "purchase/PurchaseInvoiceLines": _Probe(
        "purchase_invoice_lines", "ID", "Purchase: invoices", "M"
    ),
    "purchaseentry/PurchaseEntries": _Probe(
        "purchase_entries, purchase_entry_lines", "EntryID", "Financial: accounting", "M"
    ),
    "financialtransaction/BankEntries": _Probe(
        "bank_entries", "EntryID", "Financial: accounting", "M"
    ),
    "financialtransaction/BankEntryLines": _Probe(
        "bank_entry_lines", "ID", "Financial: accounting", "M"
    ),
    "sync/Deleted": _Probe("deletions", "Timestamp", "Organization: administration", "T"),
}
"""Each resource of the tap with what it is for."""

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIVISION: Final = (
    "Code",
    "Description",
    "Status",
    "BlockingStatus",
    "DivisionMoveDate",
    "DivisionHRLinkUnlinkDate",
)
_ME: Final = ("UserID", "CurrentDivision", "ServerTime", "ServerUtcOffset")
_NEWEST: Final = 2**62
_UNUSED_FOR: Final = timedelta(days=30)
_SOON: Final = timedelta(days=7)
_SKEW: Final = timedelta(seconds=30)
_MANY_CALLS: Final = 150
_FORBIDDEN: Final = 403
_ACTIVE: Final = 1


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined."""

    settings: Settings
    store: Store
    client: ExactClient
    client_id: str


def examine_settings(settings: Settings) -> Iterator[Finding]:
    """Look at what can be seen without a call."""
    client_id = settings.find(TAP, "client_id") or ""
    redirect = settings.find(TAP, "redirect_uri") or ""
    if _GUID.fullmatch(client_id.strip("{}")):
        yield Finding("registration", Level.OK, f"The client id is {client_id}.")
    else:
        yield Finding(
            "registration",
            Level.WARNING,
            "The client id is no GUID.",
            "Copy it from the app registration, without brackets or blanks.",
        )
    if not redirect:
        yield Finding(
            "registration",
            Level.WARNING,
            "redirect_uri is not set.",
            "Set TAP_EXACTONLINE_REDIRECT_URI to the registered one before the next login.",
        )
    elif urlsplit(redirect).scheme != "https" or not urlsplit(redirect).netloc:
        yield Finding(
            "registration",
            Level.WARNING,
            f"redirect_uri is {redirect}, which is not HTTPS.",
            "Exact Online takes public HTTPS addresses only: register one, and set it here.",
        )


def examine_login(store: Store, client_id: str, now: datetime) -> Iterator[Finding]:
    """Look at the tokens in the vault."""
    tokens = Tokens.from_payload(store.vault.load(SYSTEM, client_id) or {})
    if tokens is None or not tokens.access_token:
        yield Finding(
            "login", Level.WARNING, "The vault holds no login yet.", "Log in with `s2p login`."
        )
        return
    left = tokens.issued_at + _UNUSED_FOR - now
    said = f"The login was last renewed at {tokens.issued_at:%Y-%m-%d %H:%M} UTC."
    if left < _SOON:
        yield Finding(
            "login",
            Level.WARNING,
            f"{said} Exact ends one that is not used for 30 days.",
            "Run the tap, or log in again with `s2p login`.",
        )
    else:
        yield Finding("login", Level.OK, said)
    calls = tokens.calls_today(now)
    if calls > _MANY_CALLS:
        yield Finding(
            "login",
            Level.WARNING,
            f"{calls} of 200 token calls were made today.",
            "Find what starts the plugins so often: one run needs one call in ten minutes.",
        )


def examine(patient: Patient) -> Iterator[Finding]:
    """Look at everything that Exact can tell.

    Raises:
        ExactError: there is no way in at all.
    """
    me = patient.client.me(_ME)
    yield Finding("login", Level.OK, "Exact Online accepts the login.")
    yield from _clock(patient, me)
    yield from examine_login(patient.store, patient.client_id, utc_now())
    divisions, findings = _divisions(patient, me)
    yield from findings
    for number, division in enumerate(divisions):
        yield from _resources(patient, division, whole=number == 0)
        yield _limits(patient, division)
        yield from _subscriptions(patient, division)


def _clock(patient: Patient, me: Mapping[str, Any]) -> Iterator[Finding]:
    skew = patient.client.now() - utc_now()
    if abs(skew) > _SKEW:
        yield Finding(
            "clock",
            Level.WARNING,
            f"This machine's clock differs from Exact's by {abs(skew).total_seconds():.0f} s.",
            "Set it by NTP: tokens are renewed by the clock.",
        )
    else:
        yield Finding("clock", Level.OK, "This machine's clock is Exact's.")
    offset = me.get("ServerUtcOffset")
    amsterdam = patient.client.now().astimezone(ZoneInfo("Europe/Amsterdam")).utcoffset()
    if isinstance(offset, int) and amsterdam and offset != amsterdam.total_seconds():
        yield Finding(
            "clock",
            Level.ERROR,
            f"Exact's server is {offset / 3600:+g} hours from UTC, not on Amsterdam's clock.",
            "Date-times are read as Amsterdam's; report this host before relying on them.",
        )


def _divisions(patient: Patient, me: Mapping[str, Any]) -> tuple[list[int], list[Finding]]:
    """Give the divisions to look at further, and what is to be said of each."""
    wanted = list(patient.settings.whole_numbers(TAP, "divisions"))
    findings: list[Finding] = []
    if not wanted:
        remembered = load_grant(patient.store.vault, patient.client_id).division
        wanted = [remembered or int(me["CurrentDivision"])]
        findings.append(
            Finding(
                "divisions",
                Level.WARNING,
                f"No divisions are set; {wanted[0]} is read.",
                "Set TAP_EXACTONLINE_DIVISIONS.",
            )
        )
    rows = {row["Code"]: row for row in patient.client.divisions(wanted[0], _DIVISION)}
    for division in wanted:
        row = rows.get(division)
        if row is None:
            findings.append(
                Finding(
                    "divisions",
                    Level.ERROR,
                    f"The login does not reach it (it reaches {', '.join(map(str, rows))}).",
                    "Correct the divisions, or tick it at a new login (`s2p login`).",
                    division,
                )
            )
        else:
            findings.append(_division(division, row))
    return [division for division in wanted if division in rows], findings


def _division(division: int, row: Mapping[str, Any]) -> Finding:
    name = row.get("Description") or "it has no name"
    if row.get("BlockingStatus"):
        return Finding(
            "divisions",
            Level.WARNING,
            f"{name}: Exact has blocked it for a backup, a copy or a conversion.",
            "Wait until that is done.",
            division,
        )
    if row.get("Status") not in {None, _ACTIVE}:
        return Finding(
            "divisions",
            Level.WARNING,
            f"{name}: it is not active.",
            "Take it out of the divisions if it is closed for good.",
            division,
        )
    return Finding("divisions", Level.OK, f"{name}: open to this login.", "", division)


def _resources(patient: Patient, division: int, *, whole: bool) -> Iterator[Finding]:
    """Ask for each resource once; in further divisions for one only, as scopes are the app's."""
    refused = 0
    for resource, probe in RESOURCES.items():
        if not whole and resource != "hrm/Costcenters":
            continue
        finding = _resource(patient, division, resource, probe)
        refused += finding is not None
        if finding is not None:
            yield finding
    if not refused:
        what = "All that is read may be read." if whole else "It may be read."
        yield Finding("scopes", Level.OK, what, "", division)


def _resource(patient: Patient, division: int, resource: str, probe: _Probe) -> Finding | None:
    conditions = {
        "T": filters.timestamp_after(_NEWEST),
        "M": filters.modified_since(datetime(2100, 1, 1, tzinfo=timezone.utc)),
    }
    try:
        walk = patient.client.walk(
            division, resource, select=[probe.key], filter=conditions.get(probe.by)
        )
        next(walk, None)
    except LimitError:
        raise
    except RequestRefused as error:
        if probe.instead and error.status == _FORBIDDEN:
            return Finding("scopes", Level.OK, f"{resource}: {probe.instead}.", "", division)
        if isinstance(error, EndpointRests) or error.whole_division:
            return Finding("scopes", Level.ERROR, str(error), "", division)
        return Finding(
            "scopes",
            Level.ERROR,
            f"{probe.streams}: {error}",
            f"Tick the scope “{probe.scope}” in the app registration and log in again, give the "
            "user the right to it, or deselect the stream.",
            division,
        )
    except ExactError as error:
        return Finding("scopes", Level.ERROR, f"{probe.streams}: {error}", "", division)
    return None


def _limits(patient: Patient, division: int) -> Finding:
    limits = patient.client.limits(division)
    reserve = int(patient.settings.find(TAP, "reserve_daily_calls") or 250)
    if limits.day_left is None:
        return Finding("limits", Level.WARNING, "Exact's replies tell no limit.", "", division)
    said = f"{limits.day_left} calls are left today."
    if limits.day_left <= reserve:
        return Finding(
            "limits",
            Level.WARNING,
            f"{said} {reserve} are left to others (reserve_daily_calls).",
            "Nothing is read before midnight UTC; find who else uses this app registration.",
            division,
        )
    return Finding("limits", Level.OK, said, "", division)


def _subscriptions(patient: Patient, division: int) -> Iterator[Finding]:
    """Look at webhooks where they are used."""
    url = patient.settings.find(SHARED, "webhook_url")
    last = patient.store.inbox.last_received(division, TOPICS)
    if not url and last is None:
        return
    try:
        found = [
            read_row(row, division)
            for rows in patient.client.pages(division, RESOURCE, select=PROPERTIES)
            for row in rows
        ]
    except LimitError:
        raise
    except ExactError as error:
        yield Finding("webhooks", Level.WARNING, str(error), "", division)
        return
    ours = {one.topic for one in found if one.is_of(patient.client_id) and url in {None, one.url}}
    silent = {
        topic
        for _, topic in silent_among(patient.store.memory, [(division, topic) for topic in TOPICS])
    }
    lacking = sorted((set(TOPICS) - ours) | silent)
    if lacking:
        yield Finding(
            "webhooks",
            Level.WARNING,
            f"No subscription tells of {', '.join(lacking)}.",
            "Run `s2p webhooks subscribe`; without it the changes are found by asking.",
            division,
        )
    else:
        when = "nothing yet" if last is None else f"{last:%Y-%m-%d %H:%M} UTC"
        yield Finding("webhooks", Level.OK, f"All topics; last event: {when}.", "", division)
