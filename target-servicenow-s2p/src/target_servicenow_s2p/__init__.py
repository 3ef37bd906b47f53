"""Singer target for ServiceNow's Source-to-Pay staging tables."""

from __future__ import annotations

from target_servicenow_s2p.target import TargetServiceNowS2P

__all__ = ["TargetServiceNowS2P"]
