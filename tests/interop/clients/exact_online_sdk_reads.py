"""Run in the environment that holds exact-online-sdk; prints what that client got as JSON."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from exact_online_sdk.api.endpoints import BulkFinancialGLAccountsAPI, CostcentersAPI
from exact_online_sdk.auth import ExactOnlineAuth
from exact_online_sdk.client import ExactOnlineClient
from exact_online_sdk.config import Settings
from exact_online_sdk.exceptions import APIError, AuthenticationError


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def consent(address: str) -> str:
    """Press the button of the consent page; returns the code of the redirect."""
    opener = urllib.request.build_opener(_Stay)
    try:
        opener.open(urllib.request.Request(address, data=b"consent=yes", method="POST"))
    except urllib.error.HTTPError as redirect:
        return parse_qs(urlsplit(redirect.headers["Location"]).query)["code"][0]
    raise SystemExit("The consent page did not redirect.")


def main() -> None:
    settings = Settings.from_env()
    auth = ExactOnlineAuth(settings)
    token = auth.exchange_code_for_token(consent(auth.get_authorization_url("state")))
    try:
        auth.refresh_token()
        refreshed = "yes"
    except AuthenticationError as error:
        refreshed = str(error)
    me = ExactOnlineClient(settings, auth=auth).get("current/Me")[0]
    inside = replace(settings, division=me["CurrentDivision"])
    client = ExactOnlineClient(inside, auth=auth)
    feed = {"$select": "ID,Timestamp", "$filter": "Timestamp gt 1"}
    try:
        client.get("hrm/Costcenters", params={"$select": "Nothing"})
        refused = ""
    except APIError as error:
        refused = f"{error.status_code} {error}"
    found = {
        "token_type": token.token_type,
        "refreshed_at_once": refreshed,
        "division": me["CurrentDivision"],
        "cost_center_pages": [
            len(page) for page in client.iter_pages("hrm/Costcenters", params={"$select": "ID"})
        ],
        "order_feed": sum(
            len(page)
            for page in client.iter_pages("sync/PurchaseOrder/PurchaseOrders", params=feed)
        ),
        "typed_cost_centers": [
            one.code for one in CostcentersAPI(client).list(select=["ID", "Code", "Description"])
        ][:3],
        "typed_gl_accounts": len(
            BulkFinancialGLAccountsAPI(client).list(
                select=["ID", "Code"],
                params={"$filter": "Modified ge datetime'2000-01-01T00:00:00'"},
            )
        ),
        "refused": refused,
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
