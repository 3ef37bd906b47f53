"""HTTP: a session that reads its surroundings once and tells failures as sentences."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from exactonline_client.errors import ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reply", "Transport"]

_LONGEST_CONNECT: Final = 20.0
_BEFORE_SENDING: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer; ``body`` is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests to one root URL.

    Proxy and certificate settings (``HTTPS_PROXY``, ``NO_PROXY``, ``REQUESTS_CA_BUNDLE``) are read
    once, here: reading them per request costs more than the request does. Nothing is repeated and
    no redirect followed on its own.
    """

    def __init__(self, root_url: str, *, timeout: float = 120.0) -> None:
        """Prepare; connects to nothing yet.

        Args:
            root_url: the only place this transport is for.
            timeout: seconds without a byte before an answer counts as missing.
        """
        self._host = urlsplit(root_url).netloc
        self._timeout = (min(timeout, _LONGEST_CONNECT), timeout)
        self._proxies = get_environ_proxies(root_url)
        self._verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        self._session = self._open_session()

    def get(self, url: str, headers: Mapping[str, str], *, what: str) -> Reply:
        """GET over a kept connection.

        Raises:
            ConnectionFailed: no complete answer; ``sent`` tells whether Exact may have seen it.
        """
        return self._send(self._session, "GET", url, headers, None, what)

    def post_form(self, url: str, form: Mapping[str, str], *, what: str) -> Reply:
        """POST a form over a connection of its own.

        A kept connection may be dead without being known to be, which would leave open whether
        the request arrived; a new one that cannot be opened certainly sent nothing.

        Raises:
            ConnectionFailed: no complete answer; ``sent`` tells whether Exact may have seen it.
        """
        with self._open_session() as session:
            headers = {"Accept": "application/json", "Connection": "close"}
            return self._send(session, "POST", url, headers, form, what)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, what: str
    ) -> Reply:
        """POST, PUT or DELETE over a connection of its own, as ``post_form`` does.

        Raises:
            ConnectionFailed: no complete answer; ``sent`` tells whether Exact may have seen it.
        """
        with self._open_session() as session:
            headers = {**headers, "Connection": "close"}
            return self._send(session, method, url, headers, body, what)

    def close(self) -> None:
        """Close kept connections."""
        self._session.close()

    def _open_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.proxies = dict(self._proxies)
        session.verify = self._verify or True
        session.mount("https://", HTTPAdapter(max_retries=0))
        session.mount("http://", HTTPAdapter(max_retries=0))
        return session

    def _send(  # noqa: PLR0913, PLR0917 - one request has this many parts
        self,
        session: requests.Session,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Mapping[str, str] | bytes | None,
        what: str,
    ) -> Reply:
        try:
            answer = session.request(
                method,
                url,
                headers=headers,
                data=body,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise ConnectionFailed(
                f"The certificate of {self._host} is not trusted. If a proxy or the sandbox signs "
                "it, name its certificate file in REQUESTS_CA_BUNDLE.",
                sent=False,
            ) from error
        except requests.exceptions.Timeout as error:
            sent = not isinstance(error, requests.exceptions.ConnectTimeout)
            raise ConnectionFailed(
                f"{self._host} did not answer {what} in time "
                f"(request_timeout is {self._timeout[1]:g} seconds).",
                sent=sent,
            ) from error
        except requests.exceptions.ConnectionError as error:
            if _never_sent(error):
                raise ConnectionFailed(
                    f"Cannot reach {self._host} for {what}. Check the network, the proxy settings "
                    "and api_url.",
                    sent=False,
                ) from error
            raise ConnectionFailed(
                f"The connection to {self._host} broke off during {what}."
            ) from error
        except requests.exceptions.RequestException as error:
            # Half a chunked body, a body that does not unpack, an answer that is no HTTP.
            raise ConnectionFailed(
                f"The answer of {self._host} to {what} broke off or is damaged."
            ) from error
        return Reply(answer.status_code, answer.headers, answer.content)


def _never_sent(error: requests.exceptions.ConnectionError) -> bool:
    """Tell whether the connection could not be opened at all."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, _BEFORE_SENDING)
