"""Keeping an access token good, for one process among several that share a token chain.

Exact's refresh token can be used once. Two processes that refresh at the same time, a repeated
POST, or an answer that is not kept would each end the chain, and a user would have to log in anew.
Hence: one lock per chain, a second look at the store under the lock, one POST that is never
repeated once it may have left, a proof that the store can be written before the POST, and saving
before the first use.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exactonline_client import oauth
from exactonline_client.deferral import signals_deferred
from exactonline_client.errors import (
    ConnectionFailed,
    LoginNeeded,
    TokenNotSaved,
    TokenRequestFailed,
)
from exactonline_client.tokens import MOST_CALLS_A_DAY, Advice, Tokens, TokenStore, advise

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from exactonline_client.oauth import App
    from exactonline_client.transport import Transport

__all__ = ["ExactAuth"]

_TRIES: Final = 3
_ASK_AGAIN_AFTER: Final = timedelta(seconds=10)
"""After "not expired yet": each refused request counts as an error at Exact's side."""


class ExactAuth:
    """Gives access tokens out of a shared token store."""

    def __init__(  # noqa: PLR0913 - each is a seam of its own
        self,
        root_url: str,
        app: App,
        store: TokenStore,
        *,
        transport: Transport,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        """Prepare; reads nothing yet.

        Args:
            root_url: of the region in which the app is registered.
            app: the registration.
            store: the chain of this app and user, shared by all processes.
            transport: to the root.
            clock: gives the present (aware, UTC).
            sleep: waits for seconds.
        """
        self._root_url = root_url
        self._app = app
        self._store = store
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._tokens: Tokens | None = None
        self._not_before: datetime | None = None

    def access_token(self) -> str:
        """Give a token that is good now, renewing it if it has to be.

        Raises:
            LoginNeeded: there is no token, or Exact takes it no longer.
            AuthorizationError, ConnectionFailed, UnexpectedAnswer: the renewal failed.
        """
        tokens, now = self._tokens, self._clock()
        advice = Advice.RENEW if tokens is None else advise(tokens, now)
        waiting = self._not_before is not None and now < self._not_before
        if tokens is None or advice is Advice.RENEW or (advice is not Advice.USE and not waiting):
            tokens = self._tokens = self._renewed(refused=None)
        return tokens.access_token

    def replace(self, refused: str) -> str:
        """Give another token after Exact refused one; the same again if it may not be renewed.

        Args:
            refused: the access token that got HTTP 401.
        """
        tokens = self._tokens = self._renewed(refused=refused)
        return tokens.access_token

    def _renewed(self, refused: str | None) -> Tokens:
        tokens = self._load()
        if refused is None and advise(tokens, self._clock()) is Advice.USE:
            return tokens
        with self._store.lock():
            # Whoever held the lock before may have done the work already.
            tokens = self._load()
            advice = advise(tokens, self._clock())
            fresh = advice is Advice.USE if refused is None else tokens.access_token != refused
            if fresh and advice is not Advice.RENEW:
                return tokens
            try:
                return self._refresh(tokens)
            except oauth.TokenIsYoung:
                self._not_before = self._clock() + _ASK_AGAIN_AFTER
                if not tokens.access_token:
                    raise LoginNeeded(
                        "Exact Online says that an access token of this login is still good, but "
                        "it is not known here: another store holds it. Use that store, wait ten "
                        "minutes, or log in again with `s2p login`."
                    ) from None
                return tokens
            except oauth.TokenIsSpent:
                # A process without our lock (another machine, an older copy) was faster.
                newer = self._load()
                if newer.refresh_token == tokens.refresh_token:
                    raise
                if advise(newer, self._clock()) is Advice.RENEW:
                    return self._refresh(newer)
                return newer

    def _load(self) -> Tokens:
        tokens = self._store.load()
        if tokens is None:
            raise LoginNeeded(
                "There is no login at Exact Online in the store yet. Log in with `s2p login`, or "
                "set refresh_token once."
            )
        return tokens

    def _refresh(self, tokens: Tokens) -> Tokens:
        """POST once and save; the caller holds the lock.

        If the process dies between the two, the new token is lost: that window cannot be closed
        from this side, only kept short and free of signals.
        """
        with signals_deferred():
            renewed = self._post(tokens)
            self._keep(renewed)
        return renewed

    def _count(self, tokens: Tokens) -> Tokens:
        """Note a call before it is made: a process that dies and comes back counts on.

        It also shows that the store can be written, before the token is spent and not after.
        """
        now = self._clock()
        if tokens.calls_today(now) >= MOST_CALLS_A_DAY:
            raise TokenRequestFailed(
                f"Exact Online was asked for tokens {tokens.calls_today(now)} times today, and "
                "takes no more than 200 a day and user. Find out what starts the plugins so often, "
                "and run again after midnight UTC."
            )
        counted = tokens.counted(now)
        self._store.save(counted)
        return counted

    def _post(self, tokens: Tokens) -> Tokens:
        for attempt in range(1, _TRIES + 1):
            tokens = self._count(tokens)
            try:
                renewed = oauth.refresh(
                    self._transport,
                    self._root_url,
                    self._app,
                    tokens.refresh_token,
                    now=self._clock(),
                )
                return replace(renewed, calls_on=tokens.calls_on, calls=tokens.calls)
            except ConnectionFailed as error:
                if error.sent:
                    raise ConnectionFailed(
                        f"{error} Whether Exact Online renewed the token is not known; if it did, "
                        "the next run will ask for a new login (`s2p login`)."
                    ) from error
                if attempt == _TRIES:
                    raise
            except oauth.EmptyAnswer:
                # Repeating cannot make it worse: a spent token is lost with its answer already.
                if attempt == _TRIES:
                    raise
            self._sleep(float(attempt))
        raise AssertionError  # pragma: no cover - the loop always leaves

    def _keep(self, tokens: Tokens) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                self._store.save(tokens)
            except Exception as error:
                if attempt == _TRIES:
                    raise TokenNotSaved(
                        "Exact Online gave a new token, but the store cannot keep it, and the old "
                        "one is spent. Repair the store (disk full? rights?), then log in again "
                        "with `s2p login`."
                    ) from error
                self._sleep(float(attempt))
            else:
                return
