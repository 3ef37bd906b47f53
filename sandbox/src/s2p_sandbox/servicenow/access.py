"""Users, roles and table ACLs of the instance.

The integration user has the least privilege the documentation adds up to: the *FCA integration
user* (``sn_fcms_intg.integration_user``, ``import_transformer``, ``soap``) plus
``sn_spend_intg.procurement_integrator`` for the invoice staging tables, and read on the
dictionary and on transform entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.catalog import Table
    from s2p_sandbox.servicenow.switches import Switches

__all__ = [
    "ADMIN",
    "LEAST_PRIVILEGE",
    "Access",
    "User",
    "may_create",
    "may_delete",
    "may_read",
    "may_write",
]

ADMIN = "admin"
LEAST_PRIVILEGE = frozenset(
    {
        "import_transformer",
        "rest_service",
        "sn_fcms_intg.integration_user",
        "sn_spend_intg.procurement_integrator",
        "soap",
    }
)
_PRIMARY_WRITERS = frozenset(
    {
        "sn_fin.finance_admin",
        "sn_fin.procurement_primary_data_admin",
        "sn_shop.procurement_administrator",
    }
)
_IMPORT_TABLES = frozenset(
    {
        "sys_import_set",
        "sys_import_set_row_error",
        "sys_import_set_run",
        "sys_multi_import_set",
    }
)
_MAP_TABLES = frozenset({"sys_rest_insert_multiple", "sys_transform_entry", "sys_transform_map"})


@dataclass(frozen=True, slots=True)
class User:
    """Who calls."""

    name: str
    roles: frozenset[str]

    def has(self, *roles: str) -> bool:
        """Whether the user has one of the roles; admin has all."""
        return ADMIN in self.roles or any(role in self.roles for role in roles)


@dataclass(frozen=True, slots=True)
class Access:
    """The OAuth client and the users with their passwords."""

    client_id: str
    client_secret: str
    integration_user: str
    passwords: Mapping[str, str]

    def user(self, name: str, switches: Switches) -> User | None:
        """The user with the roles the switches leave."""
        if name == ADMIN:
            return User(name, frozenset({ADMIN, "rest_service"}))
        if name != self.integration_user:
            return None
        roles = (LEAST_PRIVILEGE | set(switches.extra_roles)) - set(switches.revoked_roles)
        return User(name, frozenset(roles))


def _staging_role(table: Table) -> str:
    return (
        "sn_spend_intg.procurement_integrator"
        if table.name.startswith("sn_spend_intg")
        else "sn_fcms_intg.integration_user"
    )


def _has_own_role(user: User, table: Table) -> bool:
    """Whether the user has the role that comes with a table made in the user interface."""
    return table.kind != "custom" or user.has(f"{table.name}_user")


def may_read(user: User, table: Table, switches: Switches) -> bool:
    """The table's read ACL."""
    if ADMIN in user.roles:
        return True
    if table.staging:
        # Every staging table extends sys_import_set_row.
        return user.has("import_transformer", "import_admin") and user.has(_staging_role(table))
    if table.name in _IMPORT_TABLES:
        return user.has("import_transformer", "import_admin")
    if table.name in {"sys_dictionary", "sys_db_object", "sys_choice"}:
        return switches.dictionary_readable
    if table.name in _MAP_TABLES:
        return switches.transform_maps_readable
    hidden = table.name in {"sys_audit", "sys_rate_limit_rules"}
    return not hidden and _has_own_role(user, table)


def may_create(user: User, table: Table) -> bool:
    """The table's create ACL; that of GL accounts is closed to everybody over REST."""
    if table.name == "sn_fin_gl_account":
        return False
    return may_write(user, table)


def may_write(user: User, table: Table) -> bool:
    """The table's write ACL."""
    if ADMIN in user.roles:
        return True
    if table.staging:
        return user.has(_staging_role(table))
    if table.name in _IMPORT_TABLES:
        return user.has("import_transformer", "import_admin")
    if table.name == "sys_dictionary":
        return user.has("personalize_dictionary")
    if table.name == "customer_account":
        return user.has("sn_customerservice_manager")
    roles = {"primary": _PRIMARY_WRITERS, "custom": {f"{table.name}_user"}}.get(table.kind)
    return roles is not None and user.has(*roles)


def may_delete(user: User, table: Table) -> bool:
    """The table's delete ACL; business records stay, whoever asks."""
    if table.name.startswith(("sn_shop_", "sn_fin_")):
        return False
    return may_write(user, table)
