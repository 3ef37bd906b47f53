"""What ends the mapper with one clear line, besides what its libraries raise.

* UserError (s2p_singer)
  + ReferenceTableError  ServiceNow's tables lack what the mapper needs
* RulesFileError (s2p_mapping)
"""

from __future__ import annotations

from s2p_singer import UserError

__all__ = ["ReferenceTableError"]


class ReferenceTableError(UserError):
    """ServiceNow's GL accounts or cost centers cannot be read in a form that can be used."""
