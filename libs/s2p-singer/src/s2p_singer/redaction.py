"""The one place where secrets are kept out of logs.

Secrets are registered when settings are read; whatever passes through logging afterwards has them
replaced, as has anything that looks like a bearer token or an OAuth parameter.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RedactingFilter", "install", "redact", "register"]

MASK = "[redacted]"
SHORTEST = 4
"""Shorter values are not masked: they would blank out ordinary words."""

_PATTERNS = (
    re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=!-]{8,}"),
    re.compile(
        r"(?i)(\"?(?:access_token|refresh_token|client_secret|password|store_key|code)\"?\s*[=:]\s*\"?)"
        r"[^\s\"'&,}]{4,}",
    ),
    # The word PASSWORD stands in messages that show what a URL looks like.
    re.compile(r"(://[^/\s:@]+:)(?!PASSWORD@)[^/\s@]+(?=@)"),
)
_secrets: set[str] = set()


def register(values: Iterable[object]) -> None:
    """Mask these values from now on, wherever they stand in a log line."""
    _secrets.update(value for value in values if isinstance(value, str) and len(value) >= SHORTEST)


def redact(text: str) -> str:
    """Return the text without registered secrets and without what looks like one."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


class RedactingFilter(logging.Filter):
    """Renders a record's message early and redacts it."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.args and not _is_metric(record):
            record.msg, record.args = redact(record.getMessage()), None
        elif isinstance(record.msg, str):
            record.msg = redact(record.msg)
        return True


def _is_metric(record: logging.LogRecord) -> bool:
    # The SDK's structured formatter needs a metric's point object; it holds names and numbers only.
    return isinstance(record.msg, str) and record.msg.startswith("METRIC")


def install() -> None:
    """Put the filter on every handler of the root logger; doing it twice is harmless."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(existing, RedactingFilter) for existing in handler.filters):
            handler.addFilter(RedactingFilter())
