"""What a code can stand for, as the rules file and `waiting_for` name it."""

from __future__ import annotations

__all__ = ["COST_CENTER", "COST_UNIT", "DIMENSIONS", "GL_ACCOUNT"]

GL_ACCOUNT = "gl_account"
COST_CENTER = "cost_center"
COST_UNIT = "cost_unit"

DIMENSIONS = (GL_ACCOUNT, COST_CENTER, COST_UNIT)
