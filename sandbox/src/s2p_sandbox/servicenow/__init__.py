"""A ServiceNow instance with Source-to-Pay, as far as an integration sees it over REST."""

from __future__ import annotations

from s2p_sandbox.servicenow.application import FAULT_KINDS, TEST_ACCESS, app
from s2p_sandbox.servicenow.switches import Switches

__all__ = ["FAULT_KINDS", "TEST_ACCESS", "Switches", "app"]
