"""The stand-in as an ASGI application: addresses, regions, faults, seeds."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2p_sandbox.control import Control, with_control
from s2p_sandbox.exact import oauth
from s2p_sandbox.exact.api import Api
from s2p_sandbox.exact.endpoints import Endpoints
from s2p_sandbox.exact.limits import LIMITS_SCHEMA, CallLimits, ErrorVelocity
from s2p_sandbox.exact.message import Answer, Request
from s2p_sandbox.exact.rows import RowStore
from s2p_sandbox.exact.switches import Switches
from s2p_sandbox.exact.tokens import TOKENS_SCHEMA, Registration, TokenDesk
from s2p_sandbox.exact.webhooks import Webhooks
from s2p_sandbox.faults import FAULT_KEY, FaultBook, FaultMiddleware
from s2p_sandbox.switches import SwitchBoard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import Receive, Scope, Send

    from s2p_sandbox.clock import Clock

__all__ = ["FAULT_KINDS", "REGIONS", "ExactOnline", "app"]

REGIONS = ("nl", "be", "de", "uk", "us", "fr", "es")
FAULT_KINDS = frozenset(
    {
        "429_minute",
        "429_day",
        "error_block",
        "server_error",
        "token_empty_body",
        "token_expired",
        "short_page",
        "repeat_row",
        "late_row",
    }
)
_WEEK = timedelta(days=7)


class ExactOnline:
    """Exact Online at one root address; an ASGI application.

    Without a prefix all divisions answer; under ``/nl``, ``/be``, … only those of that region,
    as each country is an environment of its own.

    Attributes:
        registration: the app registration and its user.
        store: the rows, to look at or to change behind the API's back.
        faults: faults of the common kinds and of ``FAULT_KINDS``.
        switches: see ``Switches``.
    """

    def __init__(
        self, data_dir: Path, clock: Clock, registration: Registration, *, seeds: bool
    ) -> None:
        self.clock = clock
        self.registration = registration
        self.store = RowStore(Path(data_dir) / "exact.db", clock)
        with self.store.database.read() as connection:
            connection.executescript(LIMITS_SCHEMA + TOKENS_SCHEMA)
        self.faults = FaultBook(FAULT_KINDS)
        self.switches = SwitchBoard(Switches())
        self._seeds = seeds
        self._desk = TokenDesk(self.store.database, registration)
        self._limits = CallLimits(self.store.database)
        self._velocity = ErrorVelocity()
        self.webhooks = Webhooks(self.store, clock, registration, lambda: self.switches.now)
        self.store.on_change = self.webhooks.changed
        self._api = Api(
            endpoints=Endpoints(self.store, registration, self.regions, self.webhooks),
            desk=self._desk,
            limits=self._limits,
            velocity=self._velocity,
            regions=self.regions,
            switches=lambda: self.switches.now,
        )
        control = Control(
            clock=clock,
            faults=self.faults,
            switches=self.switches,
            rows=self.store.counts,
            reset=self.reset,
            advance=self.advance,
            extra={
                "move_division": self._move_division,
                "load": self._load_posted,
                "webhooks": lambda _body: self.webhooks.flush(),
            },
        )
        self._app = with_control(FaultMiddleware(self._respond, self.faults), control)
        if self.store.note("seeded") is None:
            self._seed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    def add_division(self, code: int, name: str, region: str = "nl", **values: Any) -> None:  # noqa: ANN401  # Edm values
        """Add a division, granted to tokens issued from now on; ``values`` are its properties."""
        given = {"Code": code, "Description": name, "Hid": code, "Status": 1, "BlockingStatus": 0}
        self.store.load("system/Divisions", [{"_division": code, **given, **values}])
        regions = {str(one): where for one, where in self.regions().items()}
        self.store.note("regions", json.dumps({**regions, str(code): region}))
        self._desk.plant(sorted(self.regions()), self.clock.now())
        self._grant_all()

    def load(self, resource: str, rows: Iterable[Mapping[str, Any]], division: int = 0) -> int:
        """Put rows in as they are given; see ``RowStore.load``."""
        return self.store.load(resource, rows, division)

    def refresh_token(self) -> str:
        """The refresh token that works now."""
        return self._desk.live_refresh_token()

    def regions(self) -> dict[int, str]:
        """The region of every division."""
        noted = json.loads(self.store.note("regions") or "{}")
        return {int(code): region for code, region in noted.items()}

    def reset(self) -> None:
        """Back to the seeds, or to nothing without them: rows, tokens, limits."""
        with self.store.database.transaction():
            self.store.clear()
            self._desk.clear()
            self._limits.clear()
            self._velocity.clear()
            self.webhooks.clear()
            self._seed()

    def advance(self) -> dict[str, Any]:
        """A week passes: the clock moves and the seeds' next week of changes happens.

        Changes carry the time at which they are applied as ``Modified``, whatever the seed says:
        a reader that is up to date must see them.
        """
        self.clock.advance(_WEEK.total_seconds())
        week = int(self.store.note("week") or 0) + 1
        self.store.note("week", str(week))
        done = {"insert": 0, "update": 0, "delete": 0}
        if self._seeds:
            from s2p_sandbox import seeds  # noqa: PLC0415  # the data is read only when wanted

            with self.store.database.transaction():
                for change in seeds.week_later(week=week):
                    done[change.action] += 1
                    key = str(change.key)
                    if change.action == "delete":
                        self.store.delete(change.resource, change.division, key)
                    else:
                        self.store.change(
                            change.resource, change.division, key, _own(change.values)
                        )
        return {"week": week, "now": self.clock.now().isoformat(), **done}

    def _seed(self) -> None:
        if self._seeds:
            from s2p_sandbox import seeds  # noqa: PLC0415  # the data is read only when wanted

            with self.store.database.transaction():
                for division in seeds.DIVISIONS:
                    self.add_division(division.code, division.name, division.region)
                made_here = {"hrm/Divisions"}  # a view of the same divisions
                self.store.load_mixed(
                    (resource, row)
                    for resource, row in seeds.exact_rows()
                    if resource not in made_here
                )
        self.store.note("seeded", "yes")
        self._desk.plant(sorted(self.regions()), self.clock.now())

    def _grant_all(self) -> None:
        divisions = json.dumps(sorted(self.regions()))
        with self.store.database.transaction() as connection:
            connection.execute(
                "UPDATE refresh_tokens SET divisions = ? WHERE used IS NULL", (divisions,)
            )

    def _move_division(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"rows": self.store.move_division(int(body["division"]))}

    def _load_posted(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "rows": self.load(str(body["resource"]), body["rows"], int(body.get("division", 0)))
        }

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        answer = self._answer(request)
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        listed = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": listed})
        await send({"type": "http.response.body", "body": answer.body})

    def _answer(self, request: Request) -> Answer:
        now = self.clock.now()
        if request.path == "/api/oauth2/auth":
            names = {
                row.division: str(row.values.get("Description", ""))
                for row in self.store.all_of("system/Divisions")
                if request.region in {None, self.regions().get(row.division)}
            }
            return oauth.authorise(request, self._desk, names, now)
        if request.path == "/api/oauth2/token":
            return oauth.token(request, self._desk, now, self.switches.now)
        if request.path.startswith("/api/v1/"):
            return self._api.answer(request, now)
        return Answer(404, b"Not found", {"Content-Type": "text/plain"})


async def _read(scope: Scope, receive: Receive) -> Request:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = bool(message.get("more_body", False))
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    path, region = scope["path"], None
    first = path.split("/", 2)[1] if path.count("/") > 1 else ""
    if first in REGIONS:
        path, region = path[len(first) + 1 :], first
    prefix = f"/{region}" if region else ""
    return Request(
        method=scope["method"],
        path=path,
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        root=f"{scope['scheme']}://{headers.get('host', 'localhost')}{prefix}",
        region=region,
        fault=scope.get(FAULT_KEY),
    )


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in {"_division", "Modified"}}


def app(
    data_dir: Path,
    clock: Clock,
    seeds: bool = True,  # noqa: FBT001, FBT002  # as the other system's
    *,
    registration: Registration | None = None,
) -> ExactOnline:
    """Exact Online with its state in ``data_dir``.

    Args:
        data_dir: folder of ``exact.db``; what lies there is continued.
        clock: the sandbox's clock.
        seeds: start with the published data; without, add divisions and load rows yourself.
        registration: the app registration; the seeds' own, or a made-up one without seeds.
    """
    if registration is None:
        registration = _seeded_registration() if seeds else Registration()
    return ExactOnline(data_dir, clock, registration, seeds=seeds)


def _seeded_registration() -> Registration:
    from s2p_sandbox.seeds import CLIENT  # noqa: PLC0415  # the data is read only when wanted

    return Registration(
        client_id=CLIENT.client_id,
        client_secret=CLIENT.client_secret,
        redirect_uri=CLIENT.redirect_uri,
        user=CLIENT.user_guid,
        user_name=CLIENT.user_name,
        user_login=CLIENT.user_login,
        refresh_token=CLIENT.refresh_token,
    )
