"""Renew the OAuth tokens of a context before they expire.

Contract: auth.md §9.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from mogplex_tui.api import errors
from mogplex_tui.api.daemon_thread import run_in_daemon_thread
from mogplex_tui.config.credential_store import CredentialStoreError, Grant
from mogplex_tui.config.secret import Secret

if TYPE_CHECKING:
    import httpx

RENEW_BEFORE = 60.0
"""A token that expires in fewer seconds than this is renewed before it is used."""

# Seconds to wait while another process renews the tokens; it sends one request, within the limits of a request.
_LOCK_TIMEOUT = 60.0
_LOCK_POLL = 0.05
# Seconds to use a token that is still valid after a temporary failure to renew it, before the next attempt.
_RENEW_PAUSE = 5.0

_log = logging.getLogger("mogplex.credentials")


class GrantStore(Protocol):
    """Protocol of a store for the OAuth tokens of a context that all processes share."""

    def try_lock(self) -> bool:
        """Try to take the lock between processes; return whether it was taken.

        Does not wait for the lock.
        """

    def unlock(self) -> None:
        """Release the lock between processes."""

    def load(self) -> Grant | None:
        """Return the stored tokens, or None if none are stored.

        They may be newer than those of this process, because another process may have renewed them.
        Raises CredentialStoreError if they cannot be read.
        """

    def save(self, grant: Grant) -> None:
        """Replace the stored tokens atomically.

        Raises CredentialStoreError if they cannot be stored.
        """


Exchange = Callable[[Grant], Awaitable[Grant]]
"""A function that exchanges OAuth tokens for new ones, or raises an error of `api.errors`."""


class Renewal:
    """The current OAuth tokens of a context and their renewal.

    Within the process, one task renews the tokens and all requests wait for it; the task goes on
    even if a request is cancelled. A lock between processes keeps two processes from renewing at
    the same time. A process that gets the lock uses the stored tokens if another process has just
    renewed them.
    """

    def __init__(self, grant: Grant, store: GrantStore) -> None:
        self._grant = grant
        self._store = store
        self._task: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._renewed_at = float("-inf")
        # The refresh token that the service has refused. It would refuse it again.
        self._rejected: tuple[Secret, errors.NotSignedIn] | None = None
        self._known_grants = [grant]

    @property
    def token(self) -> Secret:
        """The access token to send at present."""
        return self._grant.access

    @property
    def secrets(self) -> list[Secret]:
        """The tokens that this process used recently, so that they can be hidden in texts."""
        return [secret for grant in self._known_grants for secret in (grant.access, grant.refresh) if secret]

    def needs_renewal(self, now: float) -> bool:
        """Return whether the token should be renewed before a request.

        `now` is the current time in Unix seconds.
        """
        return self._grant.expires_at - now < RENEW_BEFORE and (
            now >= self._paused_until or self._expired(now)
        )

    async def renew(self, exchange: Exchange, now: float, *, refused: Secret | None = None) -> bool:
        """Renew the access token, unless it was renewed in the meantime.

        `refused` is a token that the service did not accept; the method returns whether another token
        has replaced it. If `refused` is None, because the token only expires soon, the method returns
        True. Raises NotSignedIn if the user must sign in again. Raises the error of a failed renewal
        only if a token was refused or the old token has expired; otherwise the old token stays in use.
        """
        if refused is not None and refused != self._grant.access:
            return True
        if self._task is None or self._task.done():
            if 0 <= now - self._renewed_at < _RENEW_PAUSE:
                # A token this young was not refused because of its age.
                return refused is None
            self._task = asyncio.create_task(self._renew(exchange, now))
            self._task.add_done_callback(_retrieve_exception)
        try:
            # A caller may be cancelled, but the new tokens must still be stored.
            await asyncio.shield(self._task)
        except errors.MogplexError as error:
            if refused is not None or self._expired(now):
                raise
            self._paused_until = now + _RENEW_PAUSE
            _log.info("the sign-in was not renewed yet: %s", error)
        return refused is None or refused != self._grant.access

    async def send(
        self,
        send: Callable[[], Awaitable[httpx.Response]],
        exchange: Exchange,
        now: Callable[[], float],
        *,
        on_v1: bool,
    ) -> httpx.Response:
        """Send a request with a valid token.

        If a v1 route answers 401, the token is renewed and the request sent again. A service that
        answers 401 has changed nothing, so this also holds for requests that change something.
        """
        if self.needs_renewal(now()):
            await self.renew(exchange, now())
        sent = self.token
        response = await send()
        if response.status_code != 401 or not on_v1:
            return response
        try:
            replaced = await self.renew(exchange, now(), refused=sent)
        except BaseException:
            await response.aclose()
            raise
        if not replaced:
            return response
        await response.aclose()
        return await send()

    def _expired(self, now: float) -> bool:
        return self._grant.expires_at <= now

    async def _renew(self, exchange: Exchange, now: float) -> None:
        await self._acquire_lock()
        try:
            stored = await self._load_stored()
            if stored.access != self._grant.access and stored.expires_at - now >= RENEW_BEFORE:
                # Another process renewed the tokens first.
                self._adopt(stored, now)
                return
            if self._rejected is not None and stored.refresh == self._rejected[0]:
                raise self._rejected[1]
            try:
                new = await exchange(stored)
            except errors.NotSignedIn as error:
                if stored.refresh is not None:
                    self._rejected = (stored.refresh, error)
                raise
            self._adopt(new, now)
            await self._save(new)
        finally:
            self._store.unlock()

    async def _load_stored(self) -> Grant:
        """Return the stored tokens, which all processes share.

        If the store cannot be read, returns the tokens of this process. Raises NotSignedIn if no tokens
        are stored.
        """
        try:
            stored = await run_in_daemon_thread(self._store.load)
        except CredentialStoreError as error:
            _log.warning("%s", error)
            return self._grant
        if stored is None:
            raise errors.NotSignedIn(
                "This context has been signed out", advice="Sign in again: mogplex-tui login"
            )
        return stored

    async def _save(self, grant: Grant) -> None:
        try:
            await asyncio.to_thread(self._store.save, grant)
        except CredentialStoreError as error:
            # The old tokens work until they expire (auth.md §8), so only one renewal is lost.
            _log.warning("%s", error)

    async def _acquire_lock(self) -> None:
        waited = 0.0
        while not self._store.try_lock():
            if waited >= _LOCK_TIMEOUT:
                raise errors.TimedOut("Another mogplex-tui is renewing the sign-in and does not finish")
            await asyncio.sleep(_LOCK_POLL)
            waited += _LOCK_POLL

    def _adopt(self, grant: Grant, now: float) -> None:
        self._grant = grant
        self._renewed_at = now
        # The last eight are enough: older ones have expired.
        self._known_grants = [*self._known_grants[-7:], grant]


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Retrieve the exception of a finished renewal task.

    If no request waits for the task any more, asyncio would otherwise log that its exception was
    never retrieved.
    """
    if not task.cancelled():
        task.exception()
