"""What ends the target with one clear line.

::

    UserError (s2p_singer)
    └── TargetError                 base of this package
        ├── StreamUnknown           the input has a stream that nobody told the target about
        ├── OwnershipImpossible     a transform map would empty what ServiceNow owns
        ├── OutcomeUnknown          a write stayed ambiguous and cannot be looked up
        └── RecordsFailed           the run is over, and `fail_on` makes its records count
"""

from __future__ import annotations

from s2p_singer import UserError

__all__ = [
    "OutcomeUnknown",
    "OwnershipImpossible",
    "RecordsFailed",
    "StreamUnknown",
    "TargetError",
]


class TargetError(UserError):
    """Base of this package's errors; `str()` is a sentence for the user."""


class StreamUnknown(TargetError):  # noqa: N818 - named for what happened
    """The input has a stream that is neither Exact Online's nor in the setting `tables`."""


class OutcomeUnknown(TargetError):  # noqa: N818 - named for what happened
    """A write stayed ambiguous and cannot be looked up, so it is not repeated."""


class OwnershipImpossible(TargetError):  # noqa: N818 - named for what happened
    """What ServiceNow owns cannot be left alone: the instance's transform map would empty it."""


class RecordsFailed(TargetError):  # noqa: N818 - named for what happened
    """Everything is recorded, but the setting `fail_on` asks for exit code 1."""
