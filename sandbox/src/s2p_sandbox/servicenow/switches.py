"""What ServiceNow's public documentation leaves open, and what an instance may configure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Switches"]


@dataclass(frozen=True, slots=True)
class Switches:
    """The instance's configuration; set through ``POST /_sandbox/switches``.

    Attributes:
        column_style: prefix of the staging columns whose names ServiceNow does not publish:
            ``u_`` (columns made in the user interface) or ``plain`` (no prefix). The published
            names of the invoice tables keep their ``u_`` in either style.
        order_line_columns: the purchase order line staging table has the columns of its outbound
            mirror; the documentation lists its three key columns only.
        supplier_entity_columns: the same for the mapping of suppliers to legal entities.
        duplicate_supplier_label: *ERP company code* stands twice on the supplier staging table,
            as in the documentation; off, the second one is labelled *ERP supplier code*.
        cost_center_erp_source: ``cmn_cost_center`` has the column *ERP source*; newer releases
            move it to ``sn_fin_erp_source_mapping``.
        customer_accounts: Customer Service Management is installed: the table ``customer_account``.
        held_lines_table: somebody made the table ``u_held_lines``, whose columns have the labels of
            the line staging tables; its role is ``u_held_lines_user`` (see ``extra_roles``).
        ambiguous_label: which of two columns with one label ``insertMultiple`` fills: ``first``,
            ``last`` or ``none``. Not documented.
        too_long: a staging value longer than its column is cut (``truncate``) or kept (``keep``).
        invalid_query_returns_no_rows: property ``glide.invalid_query.returns_no_rows``; off, an
            invalid part of an encoded query is ignored and the rest runs.
        case_sensitive_values: compare query values with their case, as the REST reference says.
        user_utc_offset_hours: time zone of the integration user; times in queries are read in it,
            answers are in UTC.
        unstable_order: lists without ORDERBY come in another order each time, as a database may.
        hidden_rows: table → encoded query of rows the user may not see; they are taken out after
            ``sysparm_limit``.
        silent_fields: ``table.column`` whose write ACL is denied: 200/201, value unchanged.
        unreadable_fields: ``table.column`` whose read ACL is denied: left out of answers.
        dictionary_readable: the integration user may read ``sys_dictionary``.
        transform_maps_readable: the same for ``sys_transform_map`` and ``sys_transform_entry``.
        revoked_roles: roles taken from the integration user.
        extra_roles: roles given to the integration user.
        unknown_choice: a choice value outside the list is ``saved`` or ``dropped`` by the Table
            API; observers contradict each other.
        non_sys_id_reference: what the Table API does with a reference value that is no sys_id:
            ``stored`` or ``dropped``.
        unique_violation_status: status of an insert with a sys_id that exists; not documented.
        transform_delay_ms: how long an asynchronous transform waits before it begins.
        transform_chunk: rows of a set whose results become visible at once.
        second_map_on: staging tables with a second transform map (a copy of the first).
        coalesce_off_on: staging tables whose map does not coalesce: every row inserts.
        copy_empty_on: staging tables whose map has *Copy empty fields* checked: an empty staging
            value empties the record's.
        insert_multiple_optimize: ``com.glide.import_set_api.insert_multiple_optimize``: the REST
            endpoint ACL asks for ``import_transformer`` instead of the table ACLs.
        import_set_days: age at which the clean-up takes import sets and their rows away.
        currency_read: a currency value reads as ``amount`` (``12.50``) or ``pair`` (``EUR;12.50``).
        system_currency: the currency of amounts written without one.
        client_credentials: property that allows this grant.
        basic_auth: user and password are accepted; new instances restrict it.
        access_token_seconds: life of an access token.
        refresh_token_seconds: life of a refresh token.
        max_body_bytes: ``glide.rest.max_content_length``.
        semaphores: requests of a node at work at once; 0 means no bound.
        semaphore_queue: requests that may wait for a semaphore before 429 is answered.
        session_queue: requests that may wait on one session (cookie) before 202 is answered.
        session_wait_seconds: how long a request waits on its session before 202 is answered.
    """

    column_style: str = "u_"
    order_line_columns: bool = True
    supplier_entity_columns: bool = True
    duplicate_supplier_label: bool = True
    cost_center_erp_source: bool = True
    customer_accounts: bool = False
    held_lines_table: bool = False
    ambiguous_label: str = "first"
    too_long: str = "truncate"
    invalid_query_returns_no_rows: bool = False
    case_sensitive_values: bool = True
    user_utc_offset_hours: float = 0.0
    unstable_order: bool = False
    hidden_rows: dict[str, Any] = field(default_factory=dict)
    silent_fields: tuple[str, ...] = ()
    unreadable_fields: tuple[str, ...] = ()
    dictionary_readable: bool = True
    transform_maps_readable: bool = True
    revoked_roles: tuple[str, ...] = ()
    extra_roles: tuple[str, ...] = ()
    unknown_choice: str = "saved"
    non_sys_id_reference: str = "stored"
    unique_violation_status: int = 403
    transform_delay_ms: int = 50
    transform_chunk: int = 500
    second_map_on: tuple[str, ...] = ()
    coalesce_off_on: tuple[str, ...] = ()
    copy_empty_on: tuple[str, ...] = ()
    insert_multiple_optimize: bool = False
    import_set_days: int = 7
    currency_read: str = "amount"
    system_currency: str = "USD"
    client_credentials: bool = True
    basic_auth: bool = True
    access_token_seconds: int = 1800
    refresh_token_seconds: int = 8_640_000
    max_body_bytes: int = 10_485_760
    semaphores: int = 0
    semaphore_queue: int = 50
    session_queue: int = 10
    session_wait_seconds: float = 30.0
