"""What ends a run before it begins.

* Exception
  + ReferenceSettingError    a setting cannot mean anything; the sentence names it and the remedy
"""

from __future__ import annotations

__all__ = ["ReferenceSettingError"]


class ReferenceSettingError(Exception):
    """A setting is malformed."""
