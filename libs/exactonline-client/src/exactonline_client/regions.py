"""Where Exact Online lives: one environment per country, each with its own divisions and apps."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from exactonline_client.errors import SettingError

__all__ = ["HOSTS", "origin", "root_url"]

HOSTS: Final = {
    "nl": "start.exactonline.nl",
    "be": "start.exactonline.be",
    "de": "start.exactonline.de",
    "uk": "start.exactonline.co.uk",
    "us": "start.exactonline.com",
    "fr": "start.exactonline.fr",
    "es": "start.exactonline.es",
}

_PORTS: Final = {"http": 80, "https": 443}


def root_url(region: str, api_url: str | None = None) -> str:
    """Give the root that all paths are appended to, without a slash at its end.

    Args:
        region: a key of ``HOSTS``.
        api_url: overrides the region's host; may hold a path of its own.

    Raises:
        SettingError: an unknown region, or an ``api_url`` that is no absolute http(s) URL.
    """
    if api_url:
        try:
            parts = urlsplit(api_url.strip())
            usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or "@" in api_url or "?" in api_url or "#" in api_url:
            raise SettingError(
                "api_url must be an absolute URL such as https://start.exactonline.nl, "
                "without user name, query or fragment."
            )
        return api_url.strip().rstrip("/")
    if region not in HOSTS:
        raise SettingError(
            f"Unknown region {region!r}: choose one of {', '.join(HOSTS)}, or set api_url."
        )
    return f"https://{HOSTS[region]}"


def origin(url: str) -> tuple[str, str, int] | None:
    """Give scheme, host and port of an absolute http(s) URL; None for anything else."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
            return None
        return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError:
        return None
