"""What one reads from Exact Online: pages of rows, the user, the divisions."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import msgspec

from exactonline_client.calls import Caller, utc_now
from exactonline_client.envelope import open_envelope
from exactonline_client.errors import ForeignRow, PagingError, SettingError, UnexpectedAnswer
from exactonline_client.filters import any_of, equals, guid_literal
from exactonline_client.governor import Governor
from exactonline_client.regions import origin
from exactonline_client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from exactonline_client.auth import ExactAuth
    from exactonline_client.limits import Limits
    from exactonline_client.velocity import ErrorLog

__all__ = ["ExactClient", "Page", "check_division"]

_PAGE: Final = 60
LONGEST_URL: Final = 6000
"""Exact refuses longer ones."""


_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows as Exact sent them.

    Attributes:
        rows: with properties in Exact's JSON forms.
        next_url: the page after it, None on the last.
        read_at: Exact's clock when it answered (aware, UTC).
    """

    rows: list[dict[str, Any]]
    next_url: str | None
    read_at: datetime


class ExactClient:
    """Reads one region's Exact Online with one login. Not for use by several threads."""

    def __init__(  # noqa: PLR0913 - clock, sleep and chance come in from outside
        self,
        root_url: str,
        *,
        auth: ExactAuth,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
        timeout: float = 120.0,
        reserve_daily_calls: int = 0,
        errors: ErrorLog | None = None,
        transport: Transport | None = None,
        on_call: Callable[[int | None], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        """Prepare; connects to nothing yet.

        Args:
            root_url: as ``regions.root_url`` gives it.
            auth: where access tokens come from.
            clock: gives the present (aware, UTC).
            sleep: waits for seconds.
            rng: makes the jitter of retries.
            timeout: seconds without a byte before an answer counts as missing.
            reserve_daily_calls: calls of a division's day that are left to others.
            errors: remembers across runs what Exact refused.
            transport: takes the place of one made from ``root_url`` and ``timeout``.
            on_call: told the division (None: no division) of each call that was sent.
            on_wait: told seconds and reason before each wait.
        """
        self._root_url = root_url.rstrip("/")
        self._origin = origin(root_url)
        self._governor = Governor(clock=clock, reserve=reserve_daily_calls, errors=errors)
        self._caller = Caller(
            auth,
            transport or Transport(root_url, timeout=timeout),
            self._governor,
            sleep=sleep,
            rng=rng or random.Random(),  # noqa: S311 - jitter, not a secret
            on_call=on_call,
            on_wait=on_wait,
        )

    # What a caller reads

    def pages(
        self,
        division: int,
        resource: str,
        *,
        select: Sequence[str],
        filter: str | None = None,  # noqa: A002 - OData's own word
        expand: str | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield a resource's rows page by page, following Exact's own links.

        Args:
            division: whose rows.
            resource: the documented path, for instance ``crm/Accounts`` or ``sync/Deleted``; case
                matters to Exact.
            select: names of properties; required, as Exact refuses many resources without.
            filter: an expression made with ``filters``.
            expand: a navigation property to bring along.

        Raises:
            ExactError: see ``errors``.
        """
        for page in self.walk(division, resource, select=select, filter=filter, expand=expand):
            yield page.rows

    def walk(  # noqa: PLR0913 - OData's own words
        self,
        division: int,
        resource: str,
        *,
        select: Sequence[str],
        filter: str | None = None,  # noqa: A002 - OData's own word
        expand: str | None = None,
        resume_at: str | None = None,
    ) -> Iterator[Page]:
        """Yield pages with their links and Exact's clock; see ``pages``.

        Args:
            division: as in ``pages``.
            resource: as in ``pages``.
            select: as in ``pages``.
            filter: as in ``pages``.
            expand: as in ``pages``.
            resume_at: ``next_url`` of an earlier walk with the same arguments.
        """
        what = f"{resource} of division {division}"
        url: str | None = resume_at or self.url(
            division, resource, select=select, filter=filter, expand=expand
        )
        # Marks instead of the links: these are kilobytes long, and there may be many thousands.
        seen: set[bytes] = set()
        while url is not None:
            if origin(url) != self._origin:
                raise PagingError(
                    f"Exact Online's link to the next page of {what} leads to another host than "
                    f"{self._root_url}. The token is not sent there; check api_url."
                )
            mark = blake2b(url.encode(), digest_size=16).digest()
            if mark in seen:
                raise PagingError(
                    f"Exact Online's link to the next page of {what} leads to a page that was "
                    "read already. Nothing was lost; run again."
                )
            seen.add(mark)
            document, read_at = self._caller.read(url, division, what)
            envelope = open_envelope(document, what)
            check_division(envelope.rows, division, what)
            yield Page(envelope.rows, envelope.next_url, read_at)
            url = envelope.next_url

    def url(
        self,
        division: int,
        resource: str,
        *,
        select: Sequence[str],
        filter: str | None = None,  # noqa: A002 - OData's own word
        expand: str | None = None,
    ) -> str:
        """Give the address of a walk's first page; arguments are those of ``pages``.

        Raises:
            SettingError: it would be longer than Exact takes.
        """
        query = {"$filter": filter, "$select": ",".join(select), "$expand": expand}
        text = urlencode(
            {name: value for name, value in query.items() if value},
            quote_via=quote,
            safe="$,()/",
        )
        url = f"{self._root_url}/api/v1/{division}/{resource}?{text}"
        if len(url) > LONGEST_URL:
            raise SettingError(
                f"The request for {resource} would need a URL of {len(url)} characters, Exact "
                f"Online takes {LONGEST_URL}: select fewer properties or filter by fewer values."
            )
        return url

    def conditions(
        self,
        division: int,
        resource: str,
        *,
        select: Sequence[str],
        field: str,
        keys: Sequence[str],
    ) -> Iterator[str]:
        """Yield filters that select rows by many keys, as many at a time as a URL and a page take.

        Args:
            division: whose rows.
            resource: where they are.
            select: as for ``walk``.
            field: GUID property that holds a key.
            keys: GUIDs.

        Raises:
            SettingError: not even one key fits, or a key is no GUID.
        """
        if not keys:
            return
        condition = equals(field, keys[0])
        length = len(self.url(division, resource, select=select, filter=condition))
        each = len(quote(f" or {condition}", safe="$,()/"))
        at_most = min(_PAGE, 1 + (LONGEST_URL - length) // each)
        yield from any_of(field, keys, at_most=at_most)

    def me(self, select: Sequence[str] = ("UserID", "CurrentDivision")) -> dict[str, Any]:
        """Give the row of ``current/Me``: the user that gave consent. Costs no call of a division.

        Args:
            select: names of properties.

        Raises:
            ExactError: see ``errors``.
        """
        query = urlencode({"$select": ",".join(select)}, safe="$,")
        what = "current/Me"
        document, _ = self._caller.read(f"{self._root_url}/api/v1/current/Me?{query}", None, what)
        rows = open_envelope(document, what).rows
        if not rows:
            raise UnexpectedAnswer("Exact Online answered current/Me without a row.")
        return rows[0]

    def current_division(self) -> int:
        """Give the division the user has open. It changes with every click of that user."""
        division = self.me().get("CurrentDivision")
        if not isinstance(division, int):
            raise UnexpectedAnswer(
                "Exact Online does not tell the user's current division: set divisions."
            )
        return division

    def divisions(self, division: int, select: Sequence[str]) -> list[dict[str, Any]]:
        """Give the rows of all divisions that are granted to the user.

        Args:
            division: any; its limits are charged.
            select: names of properties of ``system/Divisions``.
        """
        return [
            row for rows in self.pages(division, "system/Divisions", select=select) for row in rows
        ]

    # What a caller writes

    def create(self, division: int, resource: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """POST a row and give it as Exact has it then.

        Never repeated once it may have arrived: look the row up before sending it again.

        Raises:
            ExactError: see ``errors``; a rule of Exact's own, a duplicate say, is ServerFailed.
        """
        what = f"the new row of {resource} of division {division}"
        url = f"{self._root_url}/api/v1/{division}/{resource}"
        document = self._caller.write("POST", url, division, _encode(values), what)
        rows = open_envelope(document, what).rows if document is not None else []
        return rows[0] if rows else {}

    def update(self, division: int, resource: str, key: str, values: Mapping[str, Any]) -> None:
        """PUT some properties of a row; see ``create``."""
        what = f"the change of a row of {resource} of division {division}"
        self._caller.write(
            "PUT", self._row(division, resource, key), division, _encode(values), what
        )

    def remove(self, division: int, resource: str, key: str) -> None:
        """DELETE a row; see ``create``."""
        what = f"the deletion of a row of {resource} of division {division}"
        url = self._row(division, resource, key)
        self._caller.write("DELETE", url, division, b"", what)

    def _row(self, division: int, resource: str, key: str) -> str:
        return f"{self._root_url}/api/v1/{division}/{resource}({guid_literal(key)})"

    def now(self) -> datetime:
        """Give the present (aware, UTC) by Exact's clock, as far as its replies told it."""
        return self._governor.now()

    def limits(self, division: int) -> Limits:
        """Give what the last replies told about a division's limits."""
        return self._governor.limits(division)

    def close(self) -> None:
        """Close kept connections."""
        self._caller.close()


def check_division(rows: list[dict[str, Any]], division: int, what: str) -> None:
    """Refuse rows of another company; such mix-ups have been reported at Exact's side.

    Raises:
        ForeignRow: naming the division, not the row.
    """
    for row in rows:
        found = row.get("Division", division)
        if found is not None and found != division:
            raise ForeignRow(
                f"Exact Online sent a row of division {found} among {what}. It was not passed on; "
                "report this to Exact before running again."
            )
