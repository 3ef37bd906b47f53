"""What the plugins must be told to talk to the sandbox: a file that a shell can source."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from s2p_sandbox.exact import ExactOnline

__all__ = ["plugin_environment", "write_env_file"]


def plugin_environment(
    exact: ExactOnline, exact_url: str, servicenow_url: str, certificate: Path | None
) -> dict[str, str]:
    """Environment variables of all plugins; every secret in it opens the sandbox only."""
    from s2p_sandbox.seeds import DIVISIONS, SERVICENOW  # noqa: PLC0415  # data read when wanted

    registration = exact.registration
    erp_sources = json.dumps({str(one.code): one.erp_source for one in DIVISIONS})
    servicenow = {
        "INSTANCE_URL": servicenow_url,
        "AUTH_METHOD": "client_credentials",
        "CLIENT_ID": SERVICENOW.client_id,
        "CLIENT_SECRET": SERVICENOW.client_secret,
    }
    login = {
        "API_URL": exact_url,
        "CLIENT_ID": registration.client_id,
        "CLIENT_SECRET": registration.client_secret,
        "REFRESH_TOKEN": exact.refresh_token(),
        "REDIRECT_URI": registration.redirect_uri,
    }
    named = {
        "S2P_WEBHOOK_SECRET": registration.webhook_secret,
        "TAP_EXACTONLINE_DIVISIONS": json.dumps([one.code for one in DIVISIONS]),
        "TARGET_SERVICENOW_S2P_ERP_SOURCES": erp_sources,
        "TARGET_EXACTONLINE_ERP_SOURCES": erp_sources,
        "MAPPER_GLCOSTCENTER_ERP_SOURCES": erp_sources,
    }
    for name, value in login.items():
        named[f"TAP_EXACTONLINE_{name}"] = value
        named[f"TARGET_EXACTONLINE_{name}"] = value
    for name, value in servicenow.items():
        named[f"TARGET_SERVICENOW_S2P_{name}"] = value
        named[f"TAP_SERVICENOW_S2P_{name}"] = value
        named[f"MAPPER_GLCOSTCENTER_SERVICENOW_{name}"] = value
    if certificate is not None:
        named["REQUESTS_CA_BUNDLE"] = str(certificate)
    return named


def write_env_file(path: Path, named: Mapping[str, str]) -> None:
    """Write ``export NAME=value`` lines, readable by the owner alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in named.items())
    fresh.replace(path)
