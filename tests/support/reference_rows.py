"""GL accounts and cost centers as `tap-servicenow-s2p` emits them."""

from __future__ import annotations

__all__ = ["ACCOUNTS", "CENTERS", "account", "center"]

CENTERS, ACCOUNTS = "hrm/Costcenters", "financial/GLAccounts"


def center(sys_id: str, code: str, name: str, **more: object) -> dict[str, object]:
    """A cost center as `tap-servicenow-s2p` emits it."""
    return {
        "sys_id": sys_id,
        "account_number": code,
        "code": code,
        "name": name,
        "valid_to": None,
        "manager": "a person",
        "erp_source": "EXACT-101",
        **more,
    }


def account(sys_id: str, code: str, name: str, **more: object) -> dict[str, object]:
    """A GL account as `tap-servicenow-s2p` emits it."""
    return {
        "sys_id": sys_id,
        "gl_account": code,
        "display_name": name,
        "type": "Expense",
        "inactive": False,
        "erp_source": "EXACT-101",
        **more,
    }
