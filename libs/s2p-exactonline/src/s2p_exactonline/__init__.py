"""A login at Exact Online that lives in the store: tokens, grant, refusals."""

from __future__ import annotations

from s2p_exactonline.grant import Grant, load_grant, save_grant
from s2p_exactonline.refusals import RefusalLog
from s2p_exactonline.silence import forget_silent, mark_silent, silent_among
from s2p_exactonline.tokens import SYSTEM, VaultTokens
from s2p_exactonline.whole import whole

__all__ = [
    "SYSTEM",
    "Grant",
    "RefusalLog",
    "VaultTokens",
    "forget_silent",
    "load_grant",
    "mark_silent",
    "save_grant",
    "silent_among",
    "whole",
]
