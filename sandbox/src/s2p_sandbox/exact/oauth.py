"""The two OAuth addresses: the consent page and the token endpoint."""

from __future__ import annotations

import base64
import binascii
import json
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from s2p_sandbox.exact.message import Answer
from s2p_sandbox.exact.tokens import TokenRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s2p_sandbox.exact.message import Request
    from s2p_sandbox.exact.switches import Switches
    from s2p_sandbox.exact.tokens import TokenDesk

__all__ = ["authorise", "token"]

_JSON = {"Content-Type": "application/json; charset=utf-8"}
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Exact Online (sandbox)</title></head><body>
<h1>Give access to your Exact Online data?</h1>
<p>{user} gives the app <code>{client}</code> access to these divisions:</p>
<form method="post" action="{action}">
{boxes}
<p><button type="submit" name="consent" value="yes">Give access</button>
<button type="submit" name="consent" value="no">Refuse</button></p>
</form></body></html>
"""


def authorise(
    request: Request, desk: TokenDesk, divisions: Mapping[int, str], now: datetime
) -> Answer:
    """``/api/oauth2/auth``: GET shows the consent page, POST is its button.

    A POST without a choice of divisions (``division=…`` fields) grants all of them, so that a
    script can consent with an empty body.
    """
    asked = dict(request.query)
    redirect_uri = asked.get("redirect_uri", "")
    kind = asked.get("response_type")
    if not redirect_uri.startswith("https://"):
        return Answer(401, b"The redirect URI must use HTTPS.", {"Content-Type": "text/plain"})
    known = asked.get("client_id", "").strip("{}").lower() == desk.registration.client_id
    if not known or redirect_uri != desk.registration.redirect_uri or kind not in {"code", "token"}:
        return Answer(400, b"invalid_request", {"Content-Type": "text/plain"})
    if request.method != "POST":
        return _page(request, desk, divisions)
    fields = parse_qsl(request.body.decode("utf-8", "replace"))
    state = {"state": asked["state"]} if "state" in asked else {}
    if ("consent", "no") in fields:
        return _redirect(f"{redirect_uri}?{urlencode({'error': 'access_denied', **state})}")
    chosen = [int(value) for name, value in fields if name == "division" and value.isdigit()]
    granted = [code for code in divisions if not chosen or code in chosen]
    if kind == "token":
        access = desk.implicit(granted, now)
        parts = {"access_token": access, "token_type": "bearer", "expires_in": "600", **state}
        return _redirect(f"{redirect_uri}#{urlencode(parts)}")
    code = desk.consent(redirect_uri, granted, now)
    return _redirect(f"{redirect_uri}?{urlencode({'code': code, **state})}")


def _page(request: Request, desk: TokenDesk, divisions: Mapping[int, str]) -> Answer:
    boxes = "\n".join(
        f'<p><label><input type="checkbox" name="division" value="{code}" checked> '
        f"{code} {escape(name)}</label></p>"
        for code, name in divisions.items()
    )
    page = _PAGE.format(
        user=escape(desk.registration.user_name),
        client=escape(desk.registration.client_id),
        action=escape(f"{request.root}/api/oauth2/auth?{request.query_string}"),
        boxes=boxes,
    )
    return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def _redirect(address: str) -> Answer:
    return Answer(302, b"", {"Location": address})


def token(request: Request, desk: TokenDesk, now: datetime, switches: Switches) -> Answer:
    """``/api/oauth2/token``: a form in the body, client id and secret there or by Basic."""
    if request.method != "POST":
        return Answer(405, b"", {"Allow": "POST"})
    if request.struck_by("token_empty_body"):
        # Seen now and then; the old token still works afterwards, or a retry could not help.
        return Answer(200, b"", _JSON)
    form = {**_basic(request.headers.get("authorization", "")), **request.form}
    try:
        granted = desk.grant(form, now, switches)
    except TokenRefusedError as refusal:
        body = json.dumps(refusal.body).replace("/", "\\/").encode()
        headers = {**_JSON, "Reason": refusal.reason} if refusal.reason else _JSON
        return Answer(refusal.status, body, headers)
    return Answer(200, json.dumps(granted).encode(), {**_JSON, "Cache-Control": "no-store"})


def _basic(header: str) -> dict[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": client, "client_secret": secret}
