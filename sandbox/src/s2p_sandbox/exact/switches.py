"""What the public sources leave open about Exact Online, and what depends on the contract."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Switches"]


@dataclass(frozen=True, slots=True)
class Switches:
    """Set through ``POST /_sandbox/switches`` or ``s2p-sandbox switch``.

    Attributes:
        minutely_limit: calls per clock minute, app and division (documented: 60).
        daily_limit: calls per UTC day, app and division (documented: 5000).
        error_limit: errors per key, user, division, endpoint and hour (documented: 10).
        error_block_status: status once beyond it; not found in any source.
        token_calls_per_day: calls of the token endpoint per app, user and day (announced: 200).
        refresh_after_seconds: an access token may be refreshed only then (documented: 570).
        refresh_grace_seconds: how long a used refresh token still works; no grace is documented.
        refresh_token_days: days of non-use a refresh token survives (documented: 30).
        expand_limit: rows of an expanded collection; None is unlimited. Beyond 60: not found.
        filter_required: mandatory filtering, enforced by Exact per client id.
        select_required: mandatory $select on bulk and sync endpoints.
        substringof: whether the function is known (501 in 2016, used by later clients).
        post_status: status of a successful POST (201 expected by one client, 200 seen by a proxy).
        inlinecount_as_text: ``__count`` as a string, as OData version 2 has it; not recorded.
        denied_scopes: scopes the app lacks, such as ``financial.costcenters`` → 403.
        denied_divisions: divisions whose calls end in 403 with ``division_reason``.
        division_reason: BlockedUser, InactiveUser, BlockedCustomer, LicenseExpired,
            DivisionBlocked or NoDivisionAccess.
        purchase_order_sync: the package has ``sync/PurchaseOrder/PurchaseOrders`` (else 403; what
            other packages really get was not found).
        purchase_module: the licence has ``purchase/PurchaseInvoices`` (else 403).
        line_bumps_header: a changed line also changes its header's ``Modified`` on the regular
            endpoints; not found. The order feed gives both new timestamps in any case.
        sync_header_id: what ``ID`` holds in the header row of the order feed: ``order`` (the
            PurchaseOrderID) or ``none``; not found.
        gl_account_code_length: characters of a GL account's code that a write takes; None:
            unlimited. Not published.
        cost_center_code_length: the same of a cost center's; not published.
        webhook_url_check: a callback must be HTTPS, as Exact wants it; off, so that loopback works.
        webhook_line_topic: an event of a line names the line's own entity as its topic, else that
            of its header; not found.
        webhook_retry_unit: seconds of the unit in which retries are 2, 4, 8 … apart; not found.
        webhook_delivery: ``once``, ``twice``, ``reversed`` or ``lost``: at least once and without
            order is what to expect, and users report lost ones.
        webhook_worker: events are delivered by themselves; else by ``POST /_sandbox/webhooks``.
    """

    minutely_limit: int = 60
    daily_limit: int = 5000
    error_limit: int = 10
    error_block_status: int = 429
    token_calls_per_day: int = 200
    refresh_after_seconds: int = 570
    refresh_grace_seconds: int = 0
    refresh_token_days: int = 30
    expand_limit: int | None = None
    filter_required: bool = True
    select_required: bool = True
    substringof: bool = False
    post_status: int = 201
    inlinecount_as_text: bool = True
    denied_scopes: tuple[str, ...] = ()
    denied_divisions: tuple[int, ...] = ()
    division_reason: str = "NoDivisionAccess"
    purchase_order_sync: bool = True
    purchase_module: bool = True
    line_bumps_header: bool = False
    sync_header_id: str = "order"
    gl_account_code_length: int | None = None
    cost_center_code_length: int | None = None
    webhook_url_check: bool = False
    webhook_line_topic: bool = True
    webhook_retry_unit: float = 60.0
    webhook_delivery: str = "once"
    webhook_worker: bool = True
