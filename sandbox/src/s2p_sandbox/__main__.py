"""``s2p-sandbox`` and ``python -m s2p_sandbox``."""

from __future__ import annotations

from s2p_sandbox.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
