"""Notes in the audit trail that a run works with other rules than the run before.

What was staged under the old rules stays as it is: each decision of the trail names its rule, and
between two of these events lie the decisions of one version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapper_glcostcenter.tally import PLUGIN
from s2p_store import AuditEvent

if TYPE_CHECKING:
    from datetime import datetime

    from s2p_mapping.rules import RuleSet
    from s2p_store import Store

__all__ = ["note_rules"]

_SCOPE, _VERSION, _RULES = "rules", "version", "rules"
_MOST_NAMED = 100


def note_rules(store: Store, rules: RuleSet, file: str, run_id: str, now: datetime) -> bool:
    """Compare with the rules of the run before; whether they are others, which is then noted.

    Event and version are written together: a run that dies in between leaves neither, and the
    next one notes it.
    """
    with store.transaction():
        last = store.reference.load(PLUGIN, _SCOPE, _VERSION)
        before = last[0]["digest"] if last else None
        if before == rules.digest or (before is None and not rules):
            return False
        old = {row["id"]: row["rule"] for row in store.reference.load(PLUGIN, _SCOPE, _RULES)}
        new = {rule.key: f"{rule.dimension} {rule} → {rule.target}" for rule in rules}
        added = [text for key, text in new.items() if key not in old]
        removed = [text for key, text in old.items() if key not in new]
        detail = {
            "actor": PLUGIN,
            "file": file,
            "digest": rules.digest,
            "previous": before,
            "rules": len(rules),
            "added": len(added),
            "removed": len(removed),
            "added_rules": added[:_MOST_NAMED],
            "removed_rules": removed[:_MOST_NAMED],
        }
        store.audit.append(
            [
                AuditEvent(
                    run_id=run_id,
                    at=now,
                    stream="mapping_rules",
                    division=None,
                    source_id=None,
                    kind="rules_changed",
                    natural_key=rules.digest[:12],
                    detail=detail,
                )
            ]
        )
        rows = [{"id": key, "rule": text} for key, text in new.items()]
        store.reference.save(PLUGIN, _SCOPE, _RULES, rows, at=now)
        version = {"id": _VERSION, "digest": rules.digest, "run_id": run_id}
        store.reference.save(PLUGIN, _SCOPE, _VERSION, [version], at=now)
    return True
