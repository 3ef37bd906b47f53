"""The SDK's own suite for taps, against the stand-in instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from singer_sdk.testing import get_tap_test_class

from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from tap_servicenow_s2p.definitions import streams
from tap_servicenow_s2p.tap import TapServiceNowS2P

if TYPE_CHECKING:
    from collections.abc import Iterator

# Many columns are empty in the published data; the SDK warns for each.
pytestmark = pytest.mark.filterwarnings("ignore:No records were available to test")

CONFIG: dict[str, Any] = {"instance_url": "https://acme.service-now.com"}
"""Filled before the first test: the sandbox's address is not known earlier."""


@pytest.fixture(scope="module", autouse=True)
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("sdk")
    with serve(servicenow.app(folder, Clock(), seeds=False)) as url:
        CONFIG.update(
            instance_url=url,
            client_id=servicenow.TEST_ACCESS.client_id,
            client_secret=servicenow.TEST_ACCESS.client_secret,
            store_url=f"sqlite:///{folder / 'store.db'}",
        )
        tables = [stream.table or "sn_fcms_intg_imp_order" for stream in streams()]
        for table in tables:
            body = {"table": table, "rows": [{}]}
            assert requests.post(f"{url}/_sandbox/rows", json=body, timeout=20).status_code == 200
        yield


_Base = get_tap_test_class(TapServiceNowS2P, config=CONFIG)


class TestTapServiceNowS2P(_Base):  # type: ignore[misc, valid-type]
    """All of the SDK's tests."""
