"""What is wrong with what a stream becomes in ServiceNow; `str()` is a sentence for the user.

* Exception
  x StagingError              base
    * DefinitionError         a stream definition or the setting `tables` is wrong
      * ExpressionError       an expression in it cannot be read
    * ColumnsUnresolved       a staging table lacks a needed column, or has it twice
    * HeldTableUnfit          a table for held rows might be transformed, or lacks a column
"""

from __future__ import annotations

__all__ = [
    "ColumnsUnresolved",
    "DefinitionError",
    "ExpressionError",
    "HeldTableUnfit",
    "StagingError",
]


class StagingError(Exception):
    """Base of this package's errors."""


class DefinitionError(StagingError):
    """A stream definition, or its override in the setting `tables`, is wrong."""


class ExpressionError(DefinitionError):
    """An expression cannot be read; the sentence shows it."""


class ColumnsUnresolved(StagingError):  # noqa: N818 - named for what happened
    """A staging table lacks a needed column, or has its label more than once."""


class HeldTableUnfit(StagingError):  # noqa: N818 - named for what is the case
    """Rows in a table for held rows might be transformed, or could not be told apart."""
