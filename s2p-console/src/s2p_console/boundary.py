"""The outermost frame of the command: one clear line instead of a traceback, one exit code.

Exit codes: 0 done; 1 something the user can put right, told in one line on standard error; 2 done,
and something needs attention; 128 + signal when interrupted or when the reader of a pipe has gone.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Final

import click
from click.exceptions import NoArgsIsHelpError

from exactonline_client import ExactError
from s2p_console.errors import ConsoleError, ExitCode, ReaderGoneError
from s2p_mapping.errors import RulesFileError
from s2p_reference.errors import ReferenceSettingError
from s2p_staging.errors import StagingError
from s2p_store import StoreError
from servicenow_client import ServiceNowError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEBUG_VARIABLE", "guarded", "redact"]

DEBUG_VARIABLE: Final = "S2P_DEBUG"
"""When set, an unexpected error is shown with its traceback (which may quote data)."""

_SENTENCES: Final = (
    ConsoleError,
    StoreError,
    ExactError,
    ServiceNowError,
    StagingError,
    RulesFileError,
    ReferenceSettingError,
)
_TOLD: Final = (*_SENTENCES, click.ClickException, OSError)
_MASK: Final = "[redacted]"
_SECRET_LOOKING: Final = (
    re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=!-]{8,}"),
    re.compile(
        r"(?i)(\"?(?:access_token|refresh_token|client_secret|password|store_key|code)\"?"
        r"\s*[=:]\s*\"?)[^\s\"'&,}]{8,}"
    ),
    # The word PASSWORD stands in messages that show what a URL looks like.
    re.compile(r"(://[^/\s:@]+:)(?!PASSWORD@)[^/\s@]+(?=@)"),
)


def guarded(command: Callable[[], object]) -> int:
    """Run `command`, tell its error in one line, give the exit code of the process.

    Args:
        command: gives its own exit code, or anything else for 0.
    """
    try:
        result = command()
        sys.stdout.flush()
    except (BrokenPipeError, ReaderGoneError):
        return _reader_gone()
    except NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USER_ERROR
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _tell("Interrupted.")
        return 128 + signal.SIGINT
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE) and not isinstance(error, _TOLD):
            raise
        _tell(_sentence(error))
        return ExitCode.USER_ERROR
    return result if isinstance(result, int) else ExitCode.DONE


def redact(text: str) -> str:
    """Give the text without what looks like a token, a password or a login code."""
    for pattern in _SECRET_LOOKING:
        text = pattern.sub(rf"\1{_MASK}", text)
    return text


def _sentence(error: Exception) -> str:
    if isinstance(error, _SENTENCES):
        return str(error)
    if isinstance(error, click.ClickException):
        hint = " `s2p --help` lists the commands." if "No such command" in str(error) else ""
        return f"{error.format_message()}{hint}"
    if isinstance(error, OSError):
        about = f" ({error.filename})" if error.filename else ""
        return f"The operating system refused: {error.strerror or type(error).__name__}{about}."
    return (
        f"Unexpected {type(error).__name__}. This is a defect of `s2p`; set {DEBUG_VARIABLE}=1 "
        "and run again to see where, and report it."
    )


def _tell(sentence: str) -> None:
    click.echo(f"Error: {redact(' '.join(sentence.split()))}", err=True)


def _reader_gone() -> int:
    """End as a program does whose reader (`| head`) has read enough."""
    # Python flushes once more at its end and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE
