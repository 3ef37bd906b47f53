"""One identifier for a run, shared by the plugins of one pipe.

Whoever starts the pipe may name it (S2P_RUN_ID, MELTANO_RUN_ID). Otherwise the first plugin makes
one up and announces it in its SCHEMA messages, as a member before all others: the next plugin reads
it off the first line without taking the line away. Other people's targets ignore the member.
"""

from __future__ import annotations

import os
import re
import uuid

__all__ = ["RUN_ID", "announced", "run_id"]

RUN_ID = "s2p_run_id"
"""Name of the member of a SCHEMA message, and of the property the mapper adds to records."""

_ANNOUNCED = re.compile(rb'^\{"type":\s?"SCHEMA",\s?"s2p_run_id":\s?"([0-9A-Za-z._:-]{1,64})"')


def run_id(first_line: bytes | str = b"") -> str:
    """Identifier of this run: from the environment, else as announced, else a fresh one.

    It is put into the environment, so that everything in this process agrees on it.

    Args:
        first_line: the first line of the plugin's input, if it has an input.
    """
    value = (
        os.environ.get("S2P_RUN_ID")
        or os.environ.get("MELTANO_RUN_ID")
        or announced(first_line)
        or str(uuid.uuid4())
    )
    os.environ["S2P_RUN_ID"] = value
    return value


def announced(first_line: bytes | str) -> str | None:
    """The identifier that a first line announces, if it does."""
    line = first_line.encode() if isinstance(first_line, str) else first_line
    found = _ANNOUNCED.match(line)
    return found.group(1).decode() if found else None
