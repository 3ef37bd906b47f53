"""Exact Online's REST API, its OAuth and its limits, as publicly documented."""

from __future__ import annotations

from s2p_sandbox.exact.application import FAULT_KINDS, REGIONS, ExactOnline, app
from s2p_sandbox.exact.switches import Switches
from s2p_sandbox.exact.tokens import Registration

__all__ = ["FAULT_KINDS", "REGIONS", "ExactOnline", "Registration", "Switches", "app"]
