"""Entry point of the command `s2p`."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from s2p_console.cli import s2p

__all__ = ["main"]


def main() -> None:
    """Run the command and leave the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a letter gets a stand-in for it, not an error.
            stream.reconfigure(errors="replace")
    s2p.main(prog_name="s2p")


if __name__ == "__main__":
    main()
