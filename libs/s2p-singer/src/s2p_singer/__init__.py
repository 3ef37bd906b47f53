"""What this project's Singer plugins share: settings, error boundary, signals, fast message I/O."""

from s2p_singer.errors import InputError, PipeClosedError, SettingError, Terminated, UserError
from s2p_singer.invoking import tap_from
from s2p_singer.io import (
    BufferedMessageWriter,
    MessageReader,
    encode_line,
    flush_writers,
    write_state,
)
from s2p_singer.main import run
from s2p_singer.plugin import PluginMixin
from s2p_singer.redaction import redact, register
from s2p_singer.runs import RUN_ID, run_id
from s2p_singer.schemas import keys_of_schema
from s2p_singer.settings import STORE_SETTINGS, require, servicenow_settings, strict
from s2p_singer.termination import Termination

__all__ = [
    "RUN_ID",
    "STORE_SETTINGS",
    "BufferedMessageWriter",
    "InputError",
    "MessageReader",
    "PipeClosedError",
    "PluginMixin",
    "SettingError",
    "Terminated",
    "Termination",
    "UserError",
    "encode_line",
    "flush_writers",
    "keys_of_schema",
    "redact",
    "register",
    "require",
    "run",
    "run_id",
    "servicenow_settings",
    "strict",
    "tap_from",
    "write_state",
]
