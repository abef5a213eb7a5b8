from __future__ import annotations

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.retry import MAX_ATTEMPTS, backoff, retry_delay


def half() -> float:
    return 0.5


def top() -> float:
    return 1.0


@pytest.mark.parametrize(
    ("error", "attempt", "method", "key", "wait"),
    [
        (e.Unreachable("x"), 1, "GET", None, 0.5),
        (e.Unreachable("x"), 3, "GET", None, 2.0),
        (e.Unreachable("x"), 4, "GET", None, None),
        (e.TimedOut("x"), 1, "POST", "key", 0.5),
        (e.TimedOut("x"), 1, "POST", None, None),
        (e.TimedOut("x"), 1, "PATCH", "key", None),
        (e.TimedOut("x"), 1, "DELETE", "key", None),
        (e.Unavailable("x"), 1, "GET", None, 0.5),
        (e.Unavailable("x", retry_after=60), 1, "POST", "key", 60),
        (e.Unavailable("x", retry_after=60), 4, "POST", "key", None),
        (e.Unavailable("x", retry_after=61), 1, "GET", None, 0.5),
        (e.Unavailable("x", retry_after=0), 1, "GET", None, 0.5),
        (e.Throttled("x", retry_after=7), 1, "GET", None, 7),
        (e.Throttled("x"), 1, "GET", None, 60),
        (e.Throttled("x", retry_after=0.001), 1, "GET", None, 1.0),
        (e.Throttled("x", retry_after=0), 1, "GET", None, 1.0),
        (e.Unavailable("x", retry_after=0.001), 1, "GET", None, 1.0),
        (e.Throttled("x", retry_after=3600), 1, "GET", None, None),
        (e.Throttled("x", retry_after=7), 1, "POST", None, 7),
        (e.Throttled("x", retry_after=7), 3, "DELETE", None, 7),
        (e.Throttled("x", retry_after=7), 4, "DELETE", None, None),
        (e.Throttled("x"), 1, "PATCH", None, 60),
        (e.Throttled("x", retry_after=3600), 1, "POST", "key", None),
        (e.Throttled("x", code="BAD_REQUEST"), 1, "POST", None, None),
        (e.SuspectedThrottle("x", retry_after=9), 1, "DELETE", None, 9),
        (e.SuspectedThrottle("x"), 2, "DELETE", None, None),
        (e.BudgetBlocked(5.0, retry_after=4), 1, "POST", None, 4),
        (e.SuspectedThrottle("x"), 1, "GET", None, 60),
        (e.SuspectedThrottle("x"), 2, "GET", None, None),
        (e.ServiceFailed("x"), 1, "GET", None, 0.5),
        (e.ServiceFailed("x"), 2, "GET", None, 1.0),
        (e.ServiceFailed("x"), 3, "GET", None, None),
        (e.ServiceFailed("x"), 1, "POST", "key", None),
        (e.Conflict("x"), 1, "GET", None, None),
        (e.Conflict("x", status=500), 1, "POST", "key", None),
        (e.IdempotencyConflict("x"), 1, "POST", "key", None),
        (e.BadRequest("x"), 1, "GET", None, None),
        (e.NotFound("x"), 1, "GET", None, None),
        (e.NotAllowed("x"), 1, "GET", None, None),
        (e.NotSignedIn("x"), 1, "GET", None, None),
        (e.LoginRequired("x"), 1, "GET", None, None),
        (e.FeatureOff("x"), 1, "GET", None, None),
        (e.Absent("x"), 1, "GET", None, None),
        (e.Redirected("x"), 1, "GET", None, None),
        (e.InvalidResponse("x"), 1, "GET", None, None),
        (e.BudgetBlocked(5.0), 1, "GET", None, None),
        (RuntimeError("not ours"), 1, "GET", None, None),
    ],
)
def test_retry_decision_by_error_and_method(
    error: Exception, attempt: int, method: str, key: str | None, wait: float | None
) -> None:
    assert retry_delay(error, attempt, method=method, idempotency_key=key, jitter=top) == wait


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_retry_begins_after_the_retry_window(method: str) -> None:
    def wait(elapsed: float) -> float | None:
        return retry_delay(
            e.TimedOut("x"), 1, method=method, idempotency_key="key", elapsed=elapsed, jitter=top
        )

    assert wait(19.0) == 0.5
    assert wait(21.0) is None


def test_throttled_delete_is_retried_after_two_minutes() -> None:
    assert retry_delay(e.Throttled("x", retry_after=60), 3, method="DELETE", elapsed=125.0) == 60


def test_backoff_doubles_to_a_ceiling_with_half_random() -> None:
    assert [backoff(n, top) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert [backoff(n, lambda: 0.0) for n in range(1, 4)] == [0.25, 0.5, 1]
    assert backoff(1, half) == 0.375


def test_retries_end_after_the_maximum_of_attempts() -> None:
    waits = [retry_delay(e.Unavailable("x", retry_after=60), n, method="GET") for n in range(1, 10)]
    assert waits == [60] * (MAX_ATTEMPTS - 1) + [None] * (10 - MAX_ATTEMPTS)
