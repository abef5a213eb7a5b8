"""A token that ends and renews itself: the seam between the transport and where sign-ins are kept (auth.md §9)."""

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
"""Seconds of life below which a token is renewed before it is used."""

# How long another process may take over its renewal; it asks the service once, within the limits of a request.
_LOCK_TIMEOUT = 60.0
_LOCK_POLL = 0.05
# After a renewal that failed in passing, a token that still lives is used for so long before the next try.
_RENEW_PAUSE = 5.0

_log = logging.getLogger("mogplex.credentials")


class GrantStore(Protocol):
    """Where a pair is kept for every process of this context."""

    def try_lock(self) -> bool:
        """Take the lock between processes if nobody has it, without waiting."""

    def unlock(self) -> None:
        """Let go of it."""

    def load(self) -> Grant | None:
        """Return the stored pair, or None. Raises CredentialStoreError."""

    def save(self, grant: Grant) -> None:
        """Replace the stored pair in one step. Raises CredentialStoreError."""


Exchange = Callable[[Grant], Awaitable[Grant]]
"""The token call that turns a pair into a new one; raises an error of the tree."""


class Renewal:
    """The present pair of a context. However many requests need it at once, it is renewed once.

    Within the process all of them wait for one task, which outlives any of them; between processes a lock is held,
    and who comes second takes what the first has stored.
    """

    def __init__(self, grant: Grant, store: GrantStore) -> None:
        self._grant = grant
        self._store = store
        self._task: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._renewed_at = float("-inf")
        # The refresh token that the service has refused: asking again with it would change nothing.
        self._rejected: tuple[Secret, errors.NotSignedIn] | None = None
        self._known_grants = [grant]

    @property
    def token(self) -> Secret:
        """The access token to send now."""
        return self._grant.access

    @property
    def secrets(self) -> list[Secret]:
        """Every token that this process has known, for keeping them out of texts."""
        return [secret for grant in self._known_grants for secret in (grant.access, grant.refresh) if secret]

    def needs_renewal(self, now: float) -> bool:
        """Return whether the token should be renewed before it is used at `now` (Unix seconds)."""
        return self._grant.expires_at - now < RENEW_BEFORE and (
            now >= self._paused_until or self._expired(now)
        )

    async def renew(self, exchange: Exchange, now: float, *, refused: Secret | None = None) -> bool:
        """Make sure of a token that is good, and return whether it is another one than `refused`.

        `refused` is the token that the service did not accept, None when it is merely about to end. Raises NotSignedIn
        when a new sign-in is needed. A renewal that fails in passing raises only once the old token is of no use.
        """
        if refused is not None and refused != self._grant.access:
            return True
        if self._task is None or self._task.done():
            if 0 <= now - self._renewed_at < _RENEW_PAUSE:
                # A token this young is not refused for its age.
                return refused is None
            self._task = asyncio.create_task(self._renew(exchange, now))
            self._task.add_done_callback(_retrieve_exception)
        try:
            # Who waits may give up; the pair that is on its way must still be stored.
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
        """Send with a token that has some life left, and on v1 once more when a 401 says that it has none.

        A 401 comes before anything is done, so that even a change may be sent again.
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
                # Another process was first.
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
        """The pair that all processes share; the own one where the keyring is silent for the moment."""
        try:
            stored = await run_in_daemon_thread(self._store.load)
        except CredentialStoreError as error:
            _log.warning("%s", error)
            return self._grant
        if stored is None:
            raise errors.NotSignedIn(
                "This context has been signed out", advice="Sign in replaced: mogplex-tui login"
            )
        return stored

    async def _save(self, grant: Grant) -> None:
        try:
            await asyncio.to_thread(self._store.save, grant)
        except CredentialStoreError as error:
            # The old pair goes on working until its own end (auth.md §8), so nothing is lost but a renewal.
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
        # Those of the last hours are enough: what is older is of no use to anybody.
        self._known_grants = [*self._known_grants[-7:], grant]


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Nobody may be waiting any more when a renewal fails; that alone is no accident."""
    if not task.cancelled():
        task.exception()
