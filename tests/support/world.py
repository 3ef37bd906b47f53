"""Both stand-ins in this process with few rows, and the plugins as processes of their own."""

from __future__ import annotations

import json
import shutil
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

from s2p_sandbox import exact, servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.environment import plugin_environment
from s2p_sandbox.exact.tokens import Registration
from s2p_sandbox.seeds import CLIENT
from s2p_sandbox.server import serve
from s2p_store import Store, generate_key
from support.few_rows import DIVISIONS, few_rows, missing_accounts
from support.flow import STEPS, Ended, Flow
from support.pipeline import Pipeline
from support.tripwire import Tripwire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from s2p_sandbox.exact import ExactOnline

__all__ = ["MAPPER", "TAP", "TARGET", "Outcome", "World", "make_template", "open_world"]

TAP, MAPPER, TARGET = STEPS
HURRIED = Path(__file__).parent / "hurried"
PLENTY = {"minutely_limit": 10**6, "daily_limit": 10**6, "error_limit": 10**6}
PRIMARY = (
    "sn_fin_gl_account",
    "cmn_cost_center",
    "sn_shop_payment_term",
    "sn_fin_legal_entity",
    "sn_fin_supplier",
    "sn_fin_supplier_detail",
    "sn_shop_purchase_order",
    "sn_shop_purchase_order_line",
    "sn_shop_invoice",
    "sn_shop_invoice_line",
)
STAGING = (
    "sn_fcms_intg_gl_account_stage",
    "sn_fcms_intg_imp_supplier",
    "sn_fcms_intg_supplier_legal_entity_inbound",
    "sn_fcms_intg_imp_order",
    "sn_fcms_intg_imp_order_line",
    "sn_spend_intg_imp_invoice",
    "sn_spend_intg_imp_invoice_line",
)
COUNTED = frozenset({"number", "third_party_import_id", "u_third_party_import_id"})
"""Columns that differ from run to run: the instance counts by itself, and runs have ids."""


@dataclass(frozen=True)
class Outcome:
    """What there is in the end, whoever tried how often.

    Attributes:
        primary: rows of the primary tables as text; ids and moments left out.
        staged: the same of the staging tables.
        holds: what is held, and why.
    """

    primary: dict[str, list[str]]
    staged: dict[str, list[str]]
    holds: list[tuple[str, ...]]

    def differences(self, other: Outcome) -> list[str]:
        """What is here and not there, and the other way round; as often as it is."""
        pairs = [
            *((table, self.primary[table], other.primary[table]) for table in PRIMARY),
            *((table, self.staged[table], other.staged[table]) for table in STAGING),
            ("holds", [str(one) for one in self.holds], [str(one) for one in other.holds]),
        ]
        found = []
        for name, here, there in pairs:
            for sign, rows in (
                ("only here", Counter(here) - Counter(there)),
                ("only there", Counter(there) - Counter(here)),
            ):
                if rows:
                    text, times = rows.most_common(1)[0]
                    found.append(f"{name}: {rows.total()} {sign}, as {times} x {text}")
        return found


@dataclass
class World:
    """Both stand-ins, a project folder with a store and a state, and the pipe."""

    pipeline: Pipeline
    exact: Tripwire
    servicenow: Tripwire
    clock: Clock

    @property
    def home(self) -> Path:
        """The project folder."""
        return self.pipeline.home

    def environment(self, **settings: str) -> dict[str, str]:
        """What the plugins of one run get."""
        return {
            **self.pipeline.environment,
            "S2P_RUN_ID": str(uuid.uuid4()),
            "PYTHONPATH": str(HURRIED),
            **settings,
        }

    def flow(
        self,
        on_line: Mapping[str, tuple[int, Callable[[Flow], object]]] | None = None,
        room: Mapping[str, int] | None = None,
        **settings: str,
    ) -> Flow:
        """Start the pipe, going on from the last state; see `Flow`."""
        state = self.pipeline.state
        arguments = {TAP: ["--state", str(state)]} if state.exists() else {}
        environment = self.environment(**settings)
        return Flow(self.home, environment, arguments, on_line or {}, room or {}).start()

    def end(self, flow: Flow) -> Ended:
        """Wait for the end and keep the last state, as Singer's runners do."""
        ended = flow.end()
        if ended.states:
            self.pipeline.state.write_text(ended.states[-1])
        assert "Traceback" not in ended.log, ended.log
        assert not [secret for secret in self.secrets() if secret in ended.log]
        return ended

    def run(self, **settings: str) -> Ended:
        """Run the pipe once."""
        return self.end(self.flow(**settings))

    def finish(self) -> Outcome:
        """Run once more, which must end well and settle everything; give what there is then."""
        ended = self.run()
        assert ended.ok, ended.log
        return self.outcome()

    def fault(self, system: str, kind: str, match: str = "", **more: Any) -> None:  # noqa: ANN401 - JSON
        """Switch a fault on; what is not `times` or `after` is a parameter of the kind."""
        own = {name: more.pop(name) for name in ("times", "after") if name in more}
        self.pipeline.control(system, "faults", kind=kind, match=match, params=more, **own)

    def clear(self) -> None:
        """Switch all faults off."""
        for system in ("exact", "servicenow"):
            self.pipeline.control(system, "faults", method="DELETE")

    def struck(self, system: str) -> bool:
        """Whether every fault that was to strike so many times has done so."""
        return all(one["left"] is None for one in self.pipeline.status(system)["faults"])

    def store(self) -> Store:
        """The store that the plugins share."""
        environment = self.pipeline.environment
        return Store.open(environment["S2P_STORE_URL"], environment["S2P_STORE_KEY"])

    def secrets(self) -> list[str]:
        """Everything that must not stand anywhere in clear."""
        names = ("SECRET", "REFRESH_TOKEN", "STORE_KEY")
        return [value for name, value in self.pipeline.environment.items() if name.endswith(names)]

    def outcome(self) -> Outcome:
        """What there is now; everything in the store must be settled."""
        settled = self.pipeline.control("servicenow", "settle", timeout_seconds=30)
        assert settled == {"settled": True}
        with self.store() as store:
            assert store.audit.verify() == []
            assert [entry.natural_key for entry in store.ledger.in_flight()] == []
            holds = sorted((*map(str, hold.key), *hold.reasons) for hold in store.holds.open())
        tables = {
            table: self.pipeline.rows(table, sysparm_display_value="true")
            for table in (*PRIMARY, *STAGING)
        }
        # Lines show the number the instance gave their header: put the header's own in its place.
        own = {row["number"]: row["external_invoice_number"] for row in tables["sn_shop_invoice"]}
        texts = {
            table: sorted(
                json.dumps(
                    {
                        name: own.get(value, value)
                        for name, value in row.items()
                        if not name.startswith("sys_") and name not in COUNTED
                    }
                )
                for row in rows
            )
            for table, rows in tables.items()
        }
        return Outcome(
            {table: texts[table] for table in PRIMARY},
            {table: texts[table] for table in STAGING},
            holds,
        )


def make_template(folder: Path) -> None:
    """Fill both stand-ins' databases, to be copied for each world."""
    exact_app = _exact(folder, Clock())
    for code, (name, region) in DIVISIONS.items():
        exact_app.add_division(code, name, region)
    exact_app.store.load_mixed(few_rows())
    with serve(servicenow.app(folder, Clock())) as url:
        try:
            # The first call makes the instance load its seeds.
            urlopen(f"{url}/api/now/table/sys_user", timeout=60).close()
        except HTTPError as refused:
            refused.close()
        pipeline = Pipeline(folder, {"TARGET_SERVICENOW_S2P_INSTANCE_URL": url}, "")
        tables: dict[str, list[dict[str, Any]]] = {}
        for table, row in missing_accounts():
            if row["erp_source"]["ref"][2] in {f"EXACT-{code}" for code in DIVISIONS}:
                tables.setdefault(table, []).append(row)
        for table, rows in tables.items():
            key = ["account_number" if table == "cmn_cost_center" else "gl_account", "erp_source"]
            pipeline.control("servicenow", "rows", table=table, rows=rows, key=key)


@contextmanager
def open_world(template: Path, folder: Path) -> Iterator[World]:
    """Serve copies of the template's databases."""
    data, home = folder / "sandbox", folder / "home"
    shutil.copytree(template, data)
    home.mkdir()
    clock = Clock()
    app = _exact(data, clock)
    app.switches.set(**PLENTY)
    exact_wire, servicenow_wire = Tripwire(app), Tripwire(servicenow.app(data, clock))
    with serve(exact_wire) as exact_url, serve(servicenow_wire) as servicenow_url:
        settings = plugin_environment(app, exact_url, servicenow_url, None)
        settings["TAP_EXACTONLINE_DIVISIONS"] = json.dumps(list(DIVISIONS))
        yield World(Pipeline(home, settings, generate_key()), exact_wire, servicenow_wire, clock)


def _exact(folder: Path, clock: Clock) -> ExactOnline:
    registration = Registration(
        client_id=CLIENT.client_id,
        client_secret=CLIENT.client_secret,
        redirect_uri=CLIENT.redirect_uri,
        user=CLIENT.user_guid,
        user_name=CLIENT.user_name,
        user_login=CLIENT.user_login,
        refresh_token=CLIENT.refresh_token,
    )
    return exact.app(folder, clock, seeds=False, registration=registration)
