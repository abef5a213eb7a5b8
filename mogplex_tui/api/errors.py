"""Everything that can go wrong with a request, as one tree that says what failed and what helps
(errors.md).
"""

# These names are read as sentences ("raises NotFound"), so they carry no suffix.

from __future__ import annotations

from typing import Any


class MogplexError(Exception):
    """The root: what happened, to which resource, what helps, and the facts of the answer behind it."""

    default_advice = ""
    # The part of the default advice that helps while the request is repeated anyway; None for all of it.
    default_advice_when_retrying: str | None = None

    def __init__(
        self,
        message: str,
        *,
        advice: str | None = None,
        resource: str = "",
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = self.default_advice if advice is None else advice
        self.resource = resource
        self.method = method
        self.path = path
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.request_id = request_id
        # What the refusal carried besides its sentence and its code: a list of faults, the row as it stands.
        self.extra: dict[str, Any] = {}

    def __str__(self) -> str:
        return " ".join(self.sentences)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What happened and what helps, each with its full stop."""
        return tuple(with_full_stop(part) for part in (self.message, self.advice) if part)

    @property
    def advice_when_retrying(self) -> str:
        """What helps besides another try."""
        if self.default_advice_when_retrying is None or self.advice != self.default_advice:
            return self.advice
        return self.default_advice_when_retrying


def with_full_stop(sentence: str) -> str:
    """Return a sentence with a full stop at its end, unless it has an end of its own."""
    return sentence if sentence[-1:] in ".!?…" else f"{sentence}."


class Unreachable(MogplexError):
    """No answer came: refused, no such host, TLS trouble, or the connection was cut in the middle."""

    default_advice = "Check that the service runs and that the base URL is right"


class TimedOut(Unreachable):
    """The service did not answer, or did not finish answering, in time."""

    default_advice = "It may be busy; the next try often works"


class NotSignedIn(MogplexError):
    """The credential is missing, mistyped, expired or revoked (401)."""

    default_advice = "Sign in with mogplex-tui login, or set MOGPLEX_TOKEN to a token that is accepted"


class LoginRequired(MogplexError):
    """The service sent the request to its sign-in page: this credential does not open this part
    (auth.md §3).
    """

    default_advice = "mogplex-tui login --session opens it"


class SuspectedThrottle(MogplexError):
    """A 401 off v1 although the same token works on v1: most likely the hidden request limit (auth.md
    §5.1).
    """

    default_advice = "Wait up to a minute; the token itself is fine"


class NotAllowed(MogplexError):
    """The credential is known but may not do this (403).

    `missing_scope` is the scope that a token lacks, where the service names it.
    """

    default_advice = "Use a credential with the right scope or role"

    def __init__(self, message: str, *, missing_scope: str | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.missing_scope = missing_scope


class NotFound(MogplexError):
    """The thing is not there, or belongs to somebody else; the service never tells which (404 with an
    envelope).
    """

    default_advice = "Check the id; it may have been deleted or belong to another account"


class Absent(MogplexError):
    """The service has no such route or verb (404 page, 405, 410): an older, newer or different service."""

    default_advice = "This service does not offer it"


class Conflict(MogplexError):
    """The state of the thing forbids it (409, or code CONFLICT at any status); never repeated blindly."""

    default_advice = "Look at its present state first"


class IdempotencyConflict(Conflict):
    """The idempotency key was used before for a different request (v1.md §7.3)."""

    default_advice = "Start it as a new request"


class BadRequest(MogplexError):
    """The service refused the form or the content of the request (400, 413, 415, 422)."""

    default_advice = "Correct it and send it again"


class InvalidInput(BadRequest):
    """Refused by this client before anything was sent; `problems` maps each field to its sentence."""

    def __init__(
        self, message: str, *, problems: dict[str, str] | None = None, advice: str = "", resource: str = ""
    ) -> None:
        super().__init__(message, advice=advice, resource=resource)
        self.problems = problems or {}


class Throttled(MogplexError):
    """A limit is used up (429): the token's request limit when `of_requests`, else the quota of one
    action.
    """

    default_advice = "Wait a moment"
    default_advice_when_retrying = ""

    of_requests: bool = False


class BudgetBlocked(MogplexError):
    """This client held the request back to stay below the limit; `until` is on the budget's monotonic
    clock.
    """

    default_advice = "It goes out by itself when a slot is free; actions are never held back"

    def __init__(
        self, until: float, message: str = "The request budget is used up", **facts: str | float | None
    ) -> None:
        super().__init__(message, **facts)  # type: ignore[arg-type]
        self.until = until


class FeatureOff(MogplexError):
    """The service knows the feature and has it switched off (501)."""

    default_advice = "It is switched off on this service"


class RealtimeOff(FeatureOff):
    """The service offers no live hints (204, realtime.md §1); a client must not reconnect."""

    default_advice = "Polling goes on without it"


class Unavailable(MogplexError):
    """The service, or something behind it, is down for the moment (502, 503, 504)."""

    default_advice = "Try again in a moment"
    default_advice_when_retrying = ""


class ServiceFailed(MogplexError):
    """The service broke on this request (500)."""

    default_advice = "Try again; if it stays, look at the service's log"
    default_advice_when_retrying = "If it stays, look at the service's log"


class InvalidResponse(MogplexError):
    """The answer is not what the contract says: no JSON, cut JSON, or another shape."""

    default_advice = "Check that the base URL is a Mogplex service of a supported version"


class AnswerTooLarge(InvalidResponse):
    """The answer exceeds the limit on its decoded size, or on the memory that its values take."""

    default_advice = "If a real answer is that large, raise max_answer_mb (MOGPLEX_MAX_ANSWER_MB)"


class Redirected(MogplexError):
    """The service points somewhere else (a 3xx that is no sign-in page); never followed with credentials."""

    default_advice = "Set the base URL to the address that the service itself uses"


class InvalidTarget(MogplexError):
    """The context's base URL or credential cannot be used as it is written."""

    default_advice = "Correct the context"


class InsecureTarget(InvalidTarget):
    """Sending the credential there would expose it: plain http off loopback, or another origin."""

    default_advice = "Use https; plain http is for loopback only"
