"""The outermost frame of every plugin: one clear line instead of a traceback.

Exit codes: 0 done; 1 something a person must put right (settings, network, input), told in one
line; 128 + signal when stopped by SIGINT or SIGTERM.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click
import simplejson

from s2p_singer import redaction
from s2p_singer.errors import PipeClosedError, UserError
from s2p_singer.io import flush_writers
from s2p_singer.pipes import widen_pipes

if TYPE_CHECKING:
    from singer_sdk.plugin_base import PluginBase

__all__ = ["run"]

_STDIN, _STDOUT = 0, 1
DEBUG_VARIABLE = "S2P_DEBUG"
"""When set, an unexpected error is also shown with its traceback (which may quote data)."""


def run(plugin: type[PluginBase], *user_errors: type[Exception]) -> NoReturn:
    """Run the plugin's command line and leave the process with the right exit code.

    Args:
        plugin: the plugin class.
        user_errors: base classes of further errors (of the client and store libraries) whose
            `str()` is a sentence for the user.
    """
    widen_pipes(_STDIN, _STDOUT)
    command = plugin.cli
    redaction.install()
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_worth_telling)
    logger = logging.getLogger(plugin.name)
    try:
        result = command.main(standalone_mode=False)
        flush_writers()
        code = result if isinstance(result, int) else 0
    except BaseException as error:  # noqa: BLE001 - the outermost frame; every case is told apart
        code = _exit_code(error, logger, (UserError, *user_errors))
    _leave(code)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Drop the SDK's announcement of an error that this frame tells in full."""
    return not str(record.msg).startswith("An unhandled error occurred while syncing")


def _exit_code(
    error: BaseException,
    logger: logging.Logger,
    user_errors: tuple[type[Exception], ...],
) -> int:
    """Tell the user about the error in one line and say how the process ends."""
    if isinstance(error, SystemExit):
        _flush_quietly()
        if isinstance(error.code, int):
            return error.code
        return 0 if error.code is None else 1
    # What was written before the error is whole and in order: the next plugin may have it.
    _flush_quietly()
    logger.error("%s", _sentence(error, user_errors))
    if os.environ.get(DEBUG_VARIABLE):
        logger.error("Traceback", exc_info=error)
    return error.exit_code if isinstance(error, click.ClickException) else 1


def _sentence(error: BaseException, user_errors: tuple[type[Exception], ...]) -> str:
    if isinstance(error, user_errors):
        text = str(error)
    elif isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, (click.Abort, KeyboardInterrupt)):
        text = "Interrupted."
    elif isinstance(error, (json.JSONDecodeError, simplejson.JSONDecodeError)):
        text = (
            "A file given on the command line is not valid JSON "
            f"(line {error.lineno}, column {error.colno}). Correct it."
        )
    elif isinstance(error, FileNotFoundError):
        text = f"A file given on the command line does not exist ({error.filename or error})."
    elif isinstance(error, OSError):
        text = f"The operating system refused: {error.strerror or type(error).__name__}."
    else:
        text = (
            f"Unexpected {type(error).__name__}. This is a defect of the plugin; set "
            f"{DEBUG_VARIABLE}=1 and run again to see where, and report it."
        )
    return redaction.redact(" ".join(text.split()))


def _flush_quietly() -> None:
    try:
        flush_writers()
    except PipeClosedError:
        return


def _leave(code: int) -> NoReturn:
    """Leave without Python's own complaint about a closed standard output."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
