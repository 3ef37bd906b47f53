"""One request, one answer, no cookies: the only module that touches the network.

ServiceNow queues requests that share a session cookie and answers 202 when that queue is full
(support article KB3047080), so cookies are never stored. Proxy and certificate settings are
read from the environment once: reading them for every request costs more than the request.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Literal, Protocol

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "NoAnswer", "Request", "RequestsTransport", "Transport"]

_PARALLEL = 4
"""Requests at work at once: an instance gives integrations four semaphores per node, more only
fills its queue until it answers 429 (documentation, *Semaphores*)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. ``path`` is relative to the instance; ``body`` is ready to go."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


class NoAnswer(Exception):  # noqa: N818 - an event of the transport, turned into an error above it
    """No complete answer came.

    Attributes:
        kind: ``unsent`` when the connection was never made (nothing can have happened),
            ``timeout`` or ``dropped`` when the request may have been carried out.
    """

    def __init__(self, kind: Literal["unsent", "timeout", "dropped"], why: str) -> None:
        super().__init__(why)
        self.kind: Literal["unsent", "timeout", "dropped"] = kind


class Transport(Protocol):
    """Sends one request. Safe to call from several threads."""

    def __call__(self, request: Request, /) -> Answer:
        """Return the answer, whatever its status, or raise `NoAnswer`."""


class RequestsTransport:
    """The real transport, a pooled ``requests`` session without cookies and redirects."""

    def __init__(self, root_url: str, *, timeout: float) -> None:
        self._root = root_url.rstrip("/")
        self._timeout = timeout
        session = requests.Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        proxies = get_environ_proxies(self._root)
        session.proxies = {str(scheme): str(url) for scheme, url in proxies.items()}
        session.verify = (
            os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        )
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=_PARALLEL, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        self._session = session
        self._turn = threading.BoundedSemaphore(_PARALLEL)

    def __call__(self, request: Request, /) -> Answer:
        """Send it once, as soon as fewer than four others are at work; see `Transport`."""
        with self._turn:
            return self._send(request)

    def _send(self, request: Request) -> Answer:
        try:
            response = self._session.request(
                request.method,
                self._root + request.path,
                params=dict(request.params),
                headers=dict(request.headers),
                data=request.body,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise NoAnswer("unsent", f"the TLS connection failed ({_kind(error)})") from None
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError) as error:
            raise NoAnswer("unsent", f"no connection ({_kind(error)})") from None
        except requests.exceptions.Timeout:
            raise NoAnswer("timeout", f"no answer within {self._timeout:g} s") from None
        except requests.exceptions.ConnectionError as error:
            if "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error):
                raise NoAnswer("unsent", "the connection was refused or has no address") from None
            raise NoAnswer("dropped", "the connection was closed before the answer") from None
        except (
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ):
            raise NoAnswer("dropped", "the connection was closed within the answer") from None
        except requests.exceptions.RequestException as error:
            raise NoAnswer("unsent", f"the request could not be made ({_kind(error)})") from None
        return Answer(
            response.status_code,
            {name.lower(): value for name, value in response.headers.items()},
            response.content,
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    @override
    def __repr__(self) -> str:
        return f"RequestsTransport({self._root!r})"


def _kind(error: Exception) -> str:
    """Name an exception without its text, which quotes URLs."""
    return type(error).__name__
