"""What ends a plugin with one clear line.

* Exception
  x UserError                 a person can put it right; `str()` is the sentence for that person
    + SettingError            a setting is unknown, missing or malformed
    + InputError              what came in through the pipe is not what Singer promises
    + PipeClosedError         the next plugin in the pipe has gone
* SystemExit
  x Terminated                SIGINT or SIGTERM, in order; exit code 128 + signal
"""

from __future__ import annotations

import signal

__all__ = ["InputError", "PipeClosedError", "SettingError", "Terminated", "UserError"]


class UserError(Exception):
    """Ends the plugin with exit code 1 and this one sentence, without a traceback.

    The sentence says what happened, to which setting or record, and what to do. It carries neither
    secrets nor the contents of a record.
    """


class SettingError(UserError):
    """A setting is unknown, missing or malformed; the sentence names it and the remedy."""


class InputError(UserError):
    """A line of the input is not a Singer message, or comes in an impossible order."""


class PipeClosedError(UserError):
    """The next plugin in the pipe has ended; what it said last is the reason."""

    def __init__(self) -> None:
        super().__init__("The next plugin in the pipe stopped reading; see its last message.")


class Terminated(SystemExit):
    """The plugin was asked to stop by a signal and has settled what it had begun."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.signum).name}"
