"""Many small calls: in batches, or one by one where the instance has no Batch API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from servicenow_client import BatchRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from logging import Logger

    from servicenow_client import ApiAnswer, ApiCall, ServiceNowClient

__all__ = ["Errands"]

_HANDS: Final = 4


class Errands:
    """Makes calls that do not depend on each other; safe to use from several threads."""

    def __init__(self, client: ServiceNowClient, logger: Logger) -> None:
        self._client = client
        self._logger = logger
        self._one_by_one = False

    def run(self, calls: Sequence[ApiCall]) -> list[ApiAnswer]:
        """Return the answer of each call, or the error it ended with, in the order of the calls.

        Raises:
            ServiceNowError: nothing can be sent at all; some of the calls may have been made.
        """
        if len(calls) > 1 and not self._one_by_one:
            try:
                return self._client.batch(calls)
            except BatchRefused as refusal:
                if not self._one_by_one:
                    self._one_by_one = True
                    self._logger.warning("%s Let the user use it: a load takes longer so.", refusal)
        if len(calls) == 1:
            return [self._client.send(calls[0])]
        with ThreadPoolExecutor(_HANDS, thread_name_prefix="errand") as hands:
            return list(hands.map(self._client.send, calls))
