"""The shapes in which Exact's OData sends rows and errors. Pure, apart from being fast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from exactonline_client.errors import UnexpectedAnswer

__all__ = ["Envelope", "error_text", "expanded", "open_envelope", "parse_json"]

_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_LONGEST_ERROR: Final = 300
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL
)
"""A JSON escape: two halves of a character, one half alone, or anything else."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One reply's rows, and the URL of the next page if there is one."""

    rows: list[dict[str, Any]]
    next_url: str | None = None


def parse_json(body: bytes, what: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Decode JSON; numbers with a fraction become Decimal, digit for digit.

    Raises:
        UnexpectedAnswer: HTML, XML, half a body or no body.
    """
    if is_page(body):
        start = _start(body)
        kind = "XML" if start.startswith((b"<?xml", b"<feed", b"<error")) else "an HTML page"
        raise UnexpectedAnswer(
            f"Exact Online answered {what} with {kind} instead of JSON. Check region and api_url; "
            "if they are right, a proxy or a maintenance page stands in between."
        )
    try:
        return _decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        state = "an empty body" if not body.strip() else "a body that is not complete JSON"
        raise UnexpectedAnswer(f"Exact Online answered {what} with {state}.") from error


def is_page(body: bytes) -> bool:
    """Tell whether an answer is HTML or XML."""
    return _start(body).startswith(b"<")


def _start(body: bytes) -> bytes:
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()


def _decode(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        # A text that was cut in the middle of an emoji ends in half of it. That is no reason to
        # read nothing any more.
        whole = _ESCAPE.sub(_whole_character, body)
        if whole == body:
            raise
        return _decoder.decode(whole)


def _whole_character(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape["half"] else escape[0]


def open_envelope(document: Any, what: str) -> Envelope:  # noqa: ANN401 - decoded JSON
    """Take the rows out of ``{"d": {"results": […]}}``, ``{"d": […]}`` or ``{"d": {…}}``.

    Raises:
        UnexpectedAnswer: none of the three.
    """
    data = document.get("d") if isinstance(document, dict) else None
    next_url: Any = None
    if isinstance(data, dict):
        if "results" in data:
            next_url = data.get("__next")
            data = data["results"]
        else:
            data = [data]
    if (
        not isinstance(data, list)
        or not all(isinstance(row, dict) for row in data)
        or not isinstance(next_url, str | None)
    ):
        raise UnexpectedAnswer(f"Exact Online answered {what} with JSON that holds no rows.")
    return Envelope(data, next_url or None)


def expanded(value: Any) -> Envelope | None:  # noqa: ANN401 - decoded JSON
    """Take the rows of an expanded navigation property; None where it was not expanded."""
    if isinstance(value, list):
        return Envelope(value)
    if isinstance(value, dict) and isinstance(value.get("results"), list):
        return Envelope(value["results"], value.get("__next"))
    return None


def error_text(body: bytes) -> str:
    """Give Exact's own words from an error body as one line, or nothing."""
    try:
        error = _decoder.decode(body)["error"]
        text = error["message"]["value"] if isinstance(error, dict) else error
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError):
        return ""
    return " ".join(text.split())[:_LONGEST_ERROR] if isinstance(text, str) else ""
