"""Sends a request until it succeeds or must not be repeated."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.retry import retry_delay

T = TypeVar("T")


async def send_with_retries(
    send: Callable[[], Awaitable[T]],
    *,
    method: str,
    wait: Callable[[MogplexError, float], Awaitable[None]],
    may_wait: Callable[[MogplexError, float], bool],
    idempotency_key: str | None = None,
) -> T:
    """Send a request, and repeat it after errors as `api.retry.retry_delay` allows.

    `wait` gets an error and the seconds until the next attempt, and waits. `may_wait` returns
    whether the caller accepts that wait. Raises the last error, and any error that `wait`
    raises.
    """
    attempt, began = 1, time.monotonic()
    while True:
        try:
            return await send()
        except MogplexError as error:
            elapsed = time.monotonic() - began
            seconds = retry_delay(
                error, attempt, method=method, idempotency_key=idempotency_key, elapsed=elapsed
            )
            if seconds is None or not may_wait(error, seconds):
                raise
            refused = error
        await wait(refused, seconds)
        attempt += 1
