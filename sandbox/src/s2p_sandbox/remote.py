"""Talks to a running sandbox through its control plane."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Remote", "RemoteError", "find"]

_SECONDS = 60


class RemoteError(Exception):
    """No sandbox answers, or it refuses what was asked."""


@dataclass(frozen=True, slots=True)
class Remote:
    """The root addresses of a running sandbox, and its certificate when it speaks TLS."""

    exact: str
    servicenow: str
    certificate: str | None = None

    def url(self, system: str) -> str:
        """The root address of ``exact`` or ``servicenow``."""
        return self.exact if system == "exact" else self.servicenow

    def call(self, system: str, method: str, name: str, body: object = None) -> dict[str, Any]:
        """One call of the control plane.

        Raises:
            RemoteError: nobody answers there, or the answer is an error.
        """
        address = f"{self.url(system)}/_sandbox/{name}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, method=method)  # noqa: S310  # http(s) of our own
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS, context=self._tls()) as reply:  # noqa: S310
                found: dict[str, Any] = json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise RemoteError(_refusal(error)) from error
        except (OSError, ValueError) as error:
            raise RemoteError(
                f"No sandbox answers at {self.url(system)} ({error}). "
                "Start one with `s2p-sandbox serve`."
            ) from error
        return found

    def _tls(self) -> ssl.SSLContext | None:
        if self.certificate is None:
            return None
        return ssl.create_default_context(cafile=self.certificate)


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"])
    except (ValueError, KeyError, TypeError):
        return f"The sandbox answered {error.code}."


def find(data: Path, exact_url: str | None, servicenow_url: str | None) -> Remote:
    """The sandbox named by its addresses, else the one that runs in the data folder.

    Raises:
        RemoteError: none was named and none left its addresses there.
    """
    noted: dict[str, Any] = {}
    file = data / "sandbox.json"
    if file.exists():
        noted = json.loads(file.read_text(encoding="utf-8"))
    exact = exact_url or noted.get("exact")
    servicenow = servicenow_url or noted.get("servicenow")
    if exact is None and servicenow is None:
        raise RemoteError(
            f"No sandbox runs in {data}. Start one with `s2p-sandbox serve`, or name it with "
            "--exact-url and --servicenow-url."
        )
    return Remote(exact or "", servicenow or "", noted.get("certificate"))
