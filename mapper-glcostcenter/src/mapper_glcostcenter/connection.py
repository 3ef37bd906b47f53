"""From the settings to ServiceNow's reference data: fresh, or as young as `reference_max_age`."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mapper_glcostcenter.catalogues import read_rows
from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.snapshot import arrange, rows_of
from s2p_servicenow import connected, needed
from s2p_singer import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from s2p_mapping.reference import Catalogue, Reference
    from s2p_store import Store

__all__ = ["load_reference"]

logger = logging.getLogger("mapper-glcostcenter")

_SYSTEM = "servicenow"
_PREFIX = "servicenow_"
_MOST_TOLD = 20
"""Duplicates named in a log; an instance loaded twice has tens of thousands."""


def load_reference(
    config: Mapping[str, Any],
    env_prefix: str,
    store: Store,
    run_id: str,
    clock: Callable[[], datetime],
) -> Reference:
    """The GL accounts and cost centers of ServiceNow, and keep them in the store.

    Raises:
        SettingError: what the sign-in method needs is missing.
        ServiceNowError: ServiceNow cannot be read.
        ReferenceTableError: its tables lack a needed column.
    """
    scope = urlsplit(config["servicenow_instance_url"]).netloc
    oldest = clock() - timedelta(seconds=config["reference_max_age"])
    saved = [
        store.reference.saved_at(_SYSTEM, scope, entity) for entity in (GL_ACCOUNT, COST_CENTER)
    ]
    if config["reference_max_age"] > 0 and all(moment and moment > oldest for moment in saved):
        logger.info("Using ServiceNow's reference data as read at %s.", saved[0])
        return arrange(*(_kept(store, scope, entity) for entity in (GL_ACCOUNT, COST_CENTER)))
    calls: list[object] = []
    signing_in = needed(config["servicenow_auth_method"])
    require(config, [f"{_PREFIX}{name}" for name in signing_in], env_prefix)
    with connected(config, store, prefix=_PREFIX, on_call=calls.append) as client:
        try:
            # Row by row into their compact form: whole rows need three times the memory.
            reference = arrange(read_rows(client, GL_ACCOUNT), read_rows(client, COST_CENTER))
        finally:
            store.runs.calls(run_id, _SYSTEM, len(calls))
    accounts, centers = _count(reference.gl_accounts), _count(reference.cost_centers)
    _tell_duplicates(reference)
    store.reference.save(_SYSTEM, scope, GL_ACCOUNT, rows_of(reference.gl_accounts), at=clock())
    store.reference.save(_SYSTEM, scope, COST_CENTER, rows_of(reference.cost_centers), at=clock())
    logger.info("ServiceNow has %d GL accounts and %d cost centers.", accounts, centers)
    if not accounts:
        logger.warning(
            "ServiceNow shows this user no GL account, so every line is held. Check the read "
            "access to sn_fin_gl_account, or load the accounts first."
        )
    return reference


def _kept(store: Store, scope: str, entity: str) -> Iterator[dict[str, Any]]:
    # A generator, so that the rows of one dimension are gone before the next are loaded.
    yield from store.reference.load(_SYSTEM, scope, entity)


def _tell_duplicates(reference: Reference) -> None:
    """Name what ServiceNow has more than once: a line that meets it by code or by name is held."""
    found = 0
    for found, each in enumerate(reference.duplicates(), start=1):
        if found <= _MOST_TOLD:
            logger.warning(
                "ServiceNow has the %s of %s %r under ERP source %s more than once: %s.",
                each.by,
                each.dimension.replace("_", " "),
                each.value,
                each.erp_source,
                ", ".join(each.sys_ids),
            )
    if found > _MOST_TOLD:
        logger.warning("%d more duplicates are not listed here.", found - _MOST_TOLD)


def _count(catalogues: Mapping[str, Catalogue]) -> int:
    return sum(len(each) for each in {id(each): each for each in catalogues.values()}.values())
