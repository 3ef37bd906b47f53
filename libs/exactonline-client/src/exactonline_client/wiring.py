"""From settings to a client, in one place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exactonline_client.auth import ExactAuth
from exactonline_client.calls import utc_now
from exactonline_client.client import ExactClient
from exactonline_client.transport import Transport

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from datetime import datetime

    from exactonline_client.oauth import App
    from exactonline_client.tokens import TokenStore
    from exactonline_client.velocity import ErrorLog

__all__ = ["connect"]


def connect(  # noqa: PLR0913 - clock, sleep and chance come in from outside
    root_url: str,
    app: App,
    store: TokenStore,
    *,
    timeout: float = 120.0,
    reserve_daily_calls: int = 0,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    rng: random.Random | None = None,
    errors: ErrorLog | None = None,
    on_call: Callable[[int | None], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
) -> ExactClient:
    """Give a client whose token calls and reads share one transport; sends nothing yet.

    Arguments are those of ``ExactClient`` and ``ExactAuth``.
    """
    transport = Transport(root_url, timeout=timeout)
    auth = ExactAuth(root_url, app, store, transport=transport, clock=clock, sleep=sleep)
    return ExactClient(
        root_url,
        auth=auth,
        clock=clock,
        sleep=sleep,
        rng=rng,
        reserve_daily_calls=reserve_daily_calls,
        errors=errors,
        transport=transport,
        on_call=on_call,
        on_wait=on_wait,
    )
