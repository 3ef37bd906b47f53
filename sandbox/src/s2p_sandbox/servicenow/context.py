"""What one call works with: the instance's state at that moment, inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2p_sandbox.servicenow.dates import stamp_text
from s2p_sandbox.servicenow.errors import Refusal
from s2p_sandbox.servicenow.import_sets import ImportSets
from s2p_sandbox.servicenow.rendering import Renderer
from s2p_sandbox.servicenow.storage import Stamp

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from s2p_sandbox.servicenow.access import User
    from s2p_sandbox.servicenow.calls import Call
    from s2p_sandbox.servicenow.catalog import Catalog, Table
    from s2p_sandbox.servicenow.maps import TransformMap
    from s2p_sandbox.servicenow.switches import Switches

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """One call's view of the instance.

    Attributes:
        schedule: asks the background worker to transform a set after so many seconds.
    """

    connection: sqlite3.Connection
    catalog: Catalog
    maps: Mapping[str, tuple[TransformMap, ...]]
    switches: Switches
    user: User
    now: datetime
    schedule: Callable[[str, float], None]

    @property
    def stamp(self) -> Stamp:
        """The caller and the time, for what the call writes."""
        return Stamp(self.user.name, stamp_text(self.now))

    @property
    def sets(self) -> ImportSets:
        """The import sets within this call."""
        return ImportSets(self.connection, self.catalog, self.maps, self.switches, self.now)

    def table(self, name: str) -> Table:
        """The table of that name.

        Raises:
            Refusal: 400, there is none.
        """
        table = self.catalog.get(name)
        if table is None:
            raise Refusal.invalid_table(name)
        return table

    def renderer(self, call: Call) -> Renderer:
        """Shapes records as the call's parameters ask."""
        display = call.params.get("sysparm_display_value", "false").lower()
        return Renderer(
            self.connection,
            self.catalog,
            call.root,
            display if display in {"true", "all"} else "false",
            links=not call.flag("sysparm_exclude_reference_link"),
            money_pairs=self.switches.currency_read == "pair",
            unreadable=frozenset(self.switches.unreadable_fields),
        )
