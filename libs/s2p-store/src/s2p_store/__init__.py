"""What must survive a run: vault, audit trail, holds, ledger, memory, reference snapshots, runs."""

from __future__ import annotations

from s2p_store.amounts import from_units, to_units
from s2p_store.audit import Audit, AuditEvent
from s2p_store.chain import AuditProblem
from s2p_store.crypto import generate_key
from s2p_store.errors import (
    StoreBusy,
    StoreCorrupt,
    StoreDataInvalid,
    StoreDriverMissing,
    StoreError,
    StoreFull,
    StoreKeyError,
    StoreKeyInvalid,
    StoreKeyMissing,
    StoreKeyWrong,
    StoreLockTimeout,
    StoreNotWritable,
    StoreSchemaNewer,
    StoreTampered,
    StoreUnreachable,
    StoreUrlInvalid,
)
from s2p_store.hold_record import Hold, HoldKey, HoldVersion, Waiver
from s2p_store.hold_summary import Waiting
from s2p_store.holds import Holds
from s2p_store.inbox import Inbox, InboxEvent, WaitingEvent
from s2p_store.ledger import Ledger, LedgerEntry, LedgerState, LedgerSum, LedgerTarget
from s2p_store.memory import Memory
from s2p_store.pairs import PairCase, PairLink, Pairs
from s2p_store.reference import Reference
from s2p_store.runs import PluginRun, RunAmount, RunReport, Runs
from s2p_store.store import Store
from s2p_store.vault import Secret, Vault

__all__ = [
    "Audit",
    "AuditEvent",
    "AuditProblem",
    "Hold",
    "HoldKey",
    "HoldVersion",
    "Holds",
    "Inbox",
    "InboxEvent",
    "Ledger",
    "LedgerEntry",
    "LedgerState",
    "LedgerSum",
    "LedgerTarget",
    "Memory",
    "PairCase",
    "PairLink",
    "Pairs",
    "PluginRun",
    "Reference",
    "RunAmount",
    "RunReport",
    "Runs",
    "Secret",
    "Store",
    "StoreBusy",
    "StoreCorrupt",
    "StoreDataInvalid",
    "StoreDriverMissing",
    "StoreError",
    "StoreFull",
    "StoreKeyError",
    "StoreKeyInvalid",
    "StoreKeyMissing",
    "StoreKeyWrong",
    "StoreLockTimeout",
    "StoreNotWritable",
    "StoreSchemaNewer",
    "StoreTampered",
    "StoreUnreachable",
    "StoreUrlInvalid",
    "Vault",
    "Waiting",
    "WaitingEvent",
    "Waiver",
    "from_units",
    "generate_key",
    "to_units",
]
