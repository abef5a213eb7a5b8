"""Decide whether and when to send a failed request again, without sending it.

Contract: errors.md §5.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from mogplex_tui.api import errors

MAX_ATTEMPTS = 4  # An unknown repository answers 503 for ever, so every chain of tries has an end.
RETRY_WINDOW = 20.0
"""Seconds after the first attempt in which a further attempt may start.

It is short because a person waits for the result.
"""

RATE_LIMIT_ERRORS = (errors.Throttled, errors.SuspectedThrottle, errors.BudgetBlocked)
"""Errors of requests that a rate limit refused, so that they had no effect."""

_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 8.0
_MINUTE = 60.0
_SHORTEST_WAIT = 1.0
_SAFE_METHODS = frozenset({"GET", "HEAD"})


def retry_delay(
    error: BaseException,
    attempt: int,
    *,
    method: str,
    idempotency_key: str | None = None,
    elapsed: float = 0.0,
    jitter: Callable[[], float] = random.random,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    `attempt` is the number of attempts made so far, and `elapsed` is how many seconds ago the
    first attempt began. A GET is retried after temporary errors. A change is retried after a
    refusal by a rate limit, because the refused request had no effect. After a lost response or
    while the service is unavailable, a change is retried only if it is a POST with an idempotency
    key. Nothing is retried after a 409 or another refusal. `jitter` returns a random number from
    0 to 1.
    """
    if attempt >= MAX_ATTEMPTS or not isinstance(error, errors.MogplexError):
        return None
    safe = method.upper() in _SAFE_METHODS
    if not safe and isinstance(error, RATE_LIMIT_ERRORS):
        # The limit's window is a minute and a refused request does not count, so each wait is at most a minute and the
        # last attempt begins at most three minutes after the first.
        return _wait_of_change(error, attempt)
    if elapsed > RETRY_WINDOW or (not safe and not (method.upper() == "POST" and idempotency_key)):
        return None
    if isinstance(error, errors.Throttled):
        return _wait_for_limit(error)
    if isinstance(error, errors.SuspectedThrottle):
        return _MINUTE if attempt == 1 else None
    if isinstance(error, errors.ServiceFailed):
        # After a 500, the same key replays the failed run (errors.md §5).
        return backoff(attempt, jitter) if safe and attempt <= 2 else None
    if isinstance(error, errors.Unreachable | errors.Unavailable):
        return _wait_requested(error.retry_after) or backoff(attempt, jitter)
    return None


def backoff(attempt: int, jitter: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait after a failed attempt.

    `attempt` is 1 for the first attempt. The waits are 0.5, 1, 2, 4 … 8 seconds, shortened by a
    random part of at most one half.
    """
    step: float = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (attempt - 1))
    return step * (0.5 + 0.5 * jitter())


def _wait_of_change(error: errors.MogplexError, attempt: int) -> float | None:
    """Return the seconds to wait before repeating a change that a rate limit refused.

    Returns None if the change must not be repeated.
    """
    if isinstance(error, errors.SuspectedThrottle):
        # The cause is uncertain (errors.md §5), so try once only.
        return _wait_for_limit(error) if attempt == 1 else None
    if error.code == "BAD_REQUEST" and error.retry_after is None:
        # The quota of active sandboxes: it frees when a sandbox stops, not with time (errors.md §1.1).
        return None
    return _wait_for_limit(error)


def _wait_for_limit(error: errors.MogplexError) -> float | None:
    if error.retry_after is None:
        return _MINUTE
    if error.retry_after == 0:
        return _SHORTEST_WAIT
    # A longer wait is a quota of hours or days: report it instead of waiting.
    return _wait_requested(error.retry_after)


def _wait_requested(seconds: float | None) -> float | None:
    """Return the wait that the service asks for, in seconds, or None if unusable.

    A wait of more than a minute, a wait of 0 and an absent wait are not usable. A wait of less than
    one second becomes one second.
    """
    return max(_SHORTEST_WAIT, seconds) if seconds is not None and 0 < seconds <= _MINUTE else None
