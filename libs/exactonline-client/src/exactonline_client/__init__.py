"""Exact Online's REST protocol: OAuth, OData paging, value forms, limits."""

from __future__ import annotations

from exactonline_client import filters
from exactonline_client.auth import ExactAuth
from exactonline_client.calls import utc_now
from exactonline_client.client import ExactClient, Page, check_division
from exactonline_client.envelope import Envelope, expanded
from exactonline_client.errors import (
    AuthorizationError,
    ClientRefused,
    ConnectionFailed,
    DailyLimitReached,
    EndpointRests,
    ExactError,
    ForeignRow,
    KeyBlocked,
    LimitError,
    LoginNeeded,
    PagingError,
    RequestRefused,
    ServerFailed,
    SettingError,
    StillLimited,
    TokenNotSaved,
    TokenRequestFailed,
    UnexpectedAnswer,
)
from exactonline_client.oauth import App, authorise_url, exchange_code
from exactonline_client.regions import HOSTS, root_url
from exactonline_client.tokens import Advice, Tokens, TokenStore, advise, seed_tokens
from exactonline_client.transport import Transport
from exactonline_client.values import Kind, RowConverter, instant_of
from exactonline_client.velocity import ErrorLog, Refusal, is_refused
from exactonline_client.wallclock import instant_of_wall_clock
from exactonline_client.wiring import connect

__all__ = [
    "HOSTS",
    "Advice",
    "App",
    "AuthorizationError",
    "ClientRefused",
    "ConnectionFailed",
    "DailyLimitReached",
    "EndpointRests",
    "Envelope",
    "ErrorLog",
    "ExactAuth",
    "ExactClient",
    "ExactError",
    "ForeignRow",
    "KeyBlocked",
    "Kind",
    "LimitError",
    "LoginNeeded",
    "Page",
    "PagingError",
    "Refusal",
    "RequestRefused",
    "RowConverter",
    "ServerFailed",
    "SettingError",
    "StillLimited",
    "TokenNotSaved",
    "TokenRequestFailed",
    "TokenStore",
    "Tokens",
    "Transport",
    "UnexpectedAnswer",
    "advise",
    "authorise_url",
    "check_division",
    "connect",
    "exchange_code",
    "expanded",
    "filters",
    "instant_of",
    "instant_of_wall_clock",
    "is_refused",
    "root_url",
    "seed_tokens",
    "utc_now",
]
