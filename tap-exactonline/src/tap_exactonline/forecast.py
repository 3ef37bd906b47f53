"""A plan from the settings, the state and the store; nothing is asked of Exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactonline_client import is_refused, utc_now
from s2p_exactonline import RefusalLog, load_grant
from s2p_store import Store
from tap_exactonline.costs import Costs
from tap_exactonline.plan import Knowledge, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_exactonline.definitions import StreamDefinition
    from tap_exactonline.plan import Step

__all__ = ["forecast"]


def forecast(
    config: Mapping[str, Any],
    selected: Iterable[StreamDefinition],
    state: Callable[[str, int], Mapping[str, Any]],
) -> list[Step]:
    """Give the steps of the run that would begin now.

    Args:
        config: valid settings, with what a connection needs.
        selected: the streams, in order.
        state: gives the state of a stream in a division.

    Raises:
        StoreError: as its sentence says.
    """
    client_id = config["client_id"]
    with Store.open(config["store_url"], config["store_key"]) as store:
        costs = Costs(store.memory, client_id)
        refusals = RefusalLog(store.memory, client_id)
        divisions: list[int | None] = list(dict.fromkeys(config.get("divisions") or ()))

        def known(division: int | None) -> Knowledge:
            if division is None:
                return Knowledge(lambda _: {}, lambda _, __: None, lambda _: False)
            return Knowledge(
                lambda stream: state(stream, division),
                lambda stream, whole: costs.calls(division, stream, whole=whole),
                lambda endpoint: is_refused(refusals.refusals(division, endpoint), utc_now()),
            )

        return plan(
            selected,
            divisions or [load_grant(store.vault, client_id).division],
            known,
            config.get("start_date"),
        )
