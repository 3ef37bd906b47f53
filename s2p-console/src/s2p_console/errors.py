"""What ends a command with one sentence, and the exit codes.

* Exception
  + ConsoleError             exit code 1; `str()` is the sentence for the person at the keyboard
    - SettingError           a setting is missing or malformed
    - NotFoundError               the store knows nothing of what was asked for
    - LoginError            the login at Exact Online did not come to its end
    - ServeError            the receiver of webhooks cannot work
    - ScheduleError         the schedules cannot be read or kept
"""

from __future__ import annotations

import enum

__all__ = [
    "ConsoleError",
    "ExitCode",
    "LoginError",
    "NotFoundError",
    "ReaderGoneError",
    "ScheduleError",
    "ServeError",
    "SettingError",
]


class ExitCode(enum.IntEnum):
    """How a command ends."""

    DONE = 0
    USER_ERROR = 1
    ATTENTION = 2
    """The command did its work, and what it shows needs a person: held lines, a broken chain."""


class ConsoleError(Exception):
    """Ends the command; the sentence holds no secret and no content of a record."""


class SettingError(ConsoleError):
    """A setting is missing or malformed; the sentence names it and the remedy."""


class NotFoundError(ConsoleError):
    """Nothing in the store fits what was asked for."""


class LoginError(ConsoleError):
    """No tokens were stored; the sentence says what to do before the next try."""


class ServeError(ConsoleError):
    """Webhooks cannot be received; the sentence names what stands in the way."""


class ScheduleError(ConsoleError):
    """The schedules cannot be read or kept; the sentence names the file."""


class ReaderGoneError(Exception):
    """Nobody reads the output any more; no mistake of anyone's."""
