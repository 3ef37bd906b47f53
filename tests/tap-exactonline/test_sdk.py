"""The SDK's own suite for taps, against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact.application import app
from s2p_sandbox.server import serve
from s2p_store import generate_key
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterator

# Many of Exact's properties are empty in the published data; the SDK warns for each.
pytestmark = pytest.mark.filterwarnings("ignore:No records were available to test")

CONFIG: dict[str, Any] = {"region": "nl"}
"""Filled before the first test: the sandbox's address is not known earlier."""


@pytest.fixture(scope="module", autouse=True)
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("sdk")
    exact = app(folder, Clock())
    exact.switches.set(minutely_limit=10**6, daily_limit=10**6)
    exact.advance()  # so that there are deletions
    with serve(exact) as url:
        CONFIG.update(
            api_url=url,
            client_id=exact.registration.client_id,
            client_secret=exact.registration.client_secret,
            refresh_token=exact.registration.refresh_token,
            divisions=sorted(exact.regions()),
            store_url=f"sqlite:///{folder / 'store.db'}",
            store_key=generate_key(),
        )
        yield


_Base = get_tap_test_class(
    TapExactOnline,
    config=CONFIG,
    suite_config=SuiteConfig(max_records_limit=150),
)


class TestTapExactOnline(_Base):  # type: ignore[misc, valid-type]
    """All of the SDK's tests."""
