"""ServiceNow's REST protocol: OAuth, Table API, Import Set API, data dictionary."""

from __future__ import annotations

from servicenow_client.auth import Auth, AuthorizationCode, BasicAuth, ClientCredentials
from servicenow_client.calls import (
    ApiAnswer,
    ApiCall,
    import_call,
    imported,
    insert_call,
    update_call,
)
from servicenow_client.client import ServiceNowClient
from servicenow_client.connection import AUTH_METHODS, connect
from servicenow_client.dictionary import Column, FieldMap, TransformMap
from servicenow_client.errors import (
    AmbiguousWrite,
    AuthenticationFailed,
    BatchRefused,
    ContentRefused,
    Forbidden,
    Hibernating,
    NotFound,
    NotServiceNow,
    Rejected,
    ServiceNowError,
    SettingsError,
    Throttled,
    Unavailable,
    Unreachable,
)
from servicenow_client.http import Answer, NoAnswer, Request, Transport
from servicenow_client.import_sets import (
    ImportResult,
    ImportSet,
    MapResult,
    RowOutcome,
    merge_outcomes,
)
from servicenow_client.query import after, all_of, chunks, equals, is_searchable, one_of
from servicenow_client.retry import Patience
from servicenow_client.session import Call
from servicenow_client.tokens import MemoryTokenStore, Tokens, TokenStore

__all__ = [
    "AUTH_METHODS",
    "AmbiguousWrite",
    "Answer",
    "ApiAnswer",
    "ApiCall",
    "Auth",
    "AuthenticationFailed",
    "AuthorizationCode",
    "BasicAuth",
    "BatchRefused",
    "Call",
    "ClientCredentials",
    "Column",
    "ContentRefused",
    "FieldMap",
    "Forbidden",
    "Hibernating",
    "ImportResult",
    "ImportSet",
    "MapResult",
    "MemoryTokenStore",
    "NoAnswer",
    "NotFound",
    "NotServiceNow",
    "Patience",
    "Rejected",
    "Request",
    "RowOutcome",
    "ServiceNowClient",
    "ServiceNowError",
    "SettingsError",
    "Throttled",
    "TokenStore",
    "Tokens",
    "TransformMap",
    "Transport",
    "Unavailable",
    "Unreachable",
    "after",
    "all_of",
    "chunks",
    "connect",
    "equals",
    "import_call",
    "imported",
    "insert_call",
    "is_searchable",
    "merge_outcomes",
    "one_of",
    "update_call",
]
