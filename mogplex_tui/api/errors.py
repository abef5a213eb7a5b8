"""The exceptions that requests raise, each with a message and advice to the user.

Contract: errors.md.
"""

# The names read as sentences ("raises NotFound"), so they have no suffix Error.

from __future__ import annotations

from typing import Any


class MogplexError(Exception):
    """Base class of all errors of a request.

    `message` says what happened and `advice` what the user can do about it. The other attributes
    describe the request and the response: `resource` is a description of the requested data for
    messages, `code` is the service's error code, `retry_after` is in seconds.
    """

    default_advice = ""
    # The part of the default advice that is shown while the request is retried anyway; None for all of it.
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
        # Other fields of the error body, such as a list of problems or the current state of the record.
        self.extra: dict[str, Any] = {}

    def __str__(self) -> str:
        return " ".join(self.sentences)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The message and the advice as sentences, each ending with a full stop."""
        return tuple(with_full_stop(part) for part in (self.message, self.advice) if part)

    @property
    def advice_when_retrying(self) -> str:
        """The advice to show if the program itself will send the request again.

        It leaves out the default advice to wait or to try again, because the program does so by itself.
        """
        if self.default_advice_when_retrying is None or self.advice != self.default_advice:
            return self.advice
        return self.default_advice_when_retrying


def with_full_stop(sentence: str) -> str:
    """Return a sentence with a full stop, unless it ends with a punctuation mark."""
    return sentence if sentence[-1:] in ".!?…" else f"{sentence}."


class Unreachable(MogplexError):
    """The service gave no complete response.

    Causes: connection refused, unknown host, TLS failure, or connection lost.
    """

    default_advice = "Check that the service runs and that the base URL is right"


class TimedOut(Unreachable):
    """The service did not respond, or did not finish its response, in time."""

    default_advice = "It may be busy; the next try often works"


class NotSignedIn(MogplexError):
    """The service does not accept the credential, or the request had none (401).

    A credential is not accepted if it is malformed, expired or revoked.
    """

    default_advice = "Sign in with mogplex-tui login, or set MOGPLEX_TOKEN to a token that is accepted"


class LoginRequired(MogplexError):
    """The service asks for a sign-in in a browser and does not serve the request.

    It redirected the request to its sign-in page or returned a web page, because the credential
    does not open this route family. Contract: auth.md §3.
    """

    default_advice = "mogplex-tui login --session opens it"


class SuspectedThrottle(MogplexError):
    """A 401 whose most likely cause is that the token's request limit is used up.

    A test request to a v1 route was not answered with 401, so the token itself seems to be valid.
    Contract: auth.md §5.1.
    """

    default_advice = "Wait up to a minute; the token itself is fine"


class NotAllowed(MogplexError):
    """The credential is valid but does not permit the request (403).

    `missing_scope` is the scope that the token lacks, or None if the service names none.
    """

    default_advice = "Use a credential with the right scope or role"

    def __init__(self, message: str, *, missing_scope: str | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.missing_scope = missing_scope


class NotFound(MogplexError):
    """The record does not exist or belongs to another account (404 with a JSON body).

    The responses in these two cases are the same.
    """

    default_advice = "Check the id; it may have been deleted or belong to another account"


class Absent(MogplexError):
    """The service has no such route or method (404 without JSON, 405, 410).

    The service may be an older or newer version of Mogplex, or not be Mogplex.
    """

    default_advice = "This service does not offer it"


class Conflict(MogplexError):
    """The state of the record does not allow the request (409, or the code CONFLICT).

    Requests that failed with this error are never retried automatically.
    """

    default_advice = "Check its current state first"


class IdempotencyConflict(Conflict):
    """An earlier, different request has used the same idempotency key.

    Contract: v1.md §7.3.
    """

    default_advice = "Start it as a new request"


class BadRequest(MogplexError):
    """The service rejected the contents of the request (400, 413, 415, 422)."""

    default_advice = "Correct it and send it again"


class InvalidInput(BadRequest):
    """This client found the input invalid and sent no request.

    `problems` maps names of fields to sentences that describe what is wrong.
    """

    def __init__(
        self, message: str, *, problems: dict[str, str] | None = None, advice: str = "", resource: str = ""
    ) -> None:
        super().__init__(message, advice=advice, resource=resource)
        self.problems = problems or {}


class Throttled(MogplexError):
    """The service refused the request because a limit is used up (429).

    `of_requests` is True if the limit is the token's request limit, and False if it is the quota
    of one action, such as starting runs.
    """

    default_advice = "Wait a moment"
    default_advice_when_retrying = ""

    of_requests: bool = False


class BudgetBlocked(MogplexError):
    """This client did not send the request, to stay below the token's request limit.

    `until` is the time on the budget's monotonic clock at which a slot may be free.
    """

    default_advice = "It is sent as soon as a slot is free; actions are never held back"

    def __init__(
        self, until: float, message: str = "The request budget is used up", **facts: str | float | None
    ) -> None:
        super().__init__(message, **facts)  # type: ignore[arg-type]
        self.until = until


class FeatureOff(MogplexError):
    """The feature is switched off on this service (501)."""

    default_advice = "It is switched off on this service"


class RealtimeOff(FeatureOff):
    """The service offers no realtime stream (204). A client must not reconnect.

    Contract: realtime.md §1.
    """

    default_advice = "Polling goes on without it"


class Unavailable(MogplexError):
    """The service, or a system that it needs, is temporarily down (502, 503, 504)."""

    default_advice = "Try again in a moment"
    default_advice_when_retrying = ""


class ServiceFailed(MogplexError):
    """The service failed on this request (500)."""

    default_advice = "Try again; if it stays, look at the service's log"
    default_advice_when_retrying = "If it stays, look at the service's log"


class InvalidResponse(MogplexError):
    """The response is not JSON, is cut off, or does not have the expected shape."""

    default_advice = "Check that the base URL is a Mogplex service of a supported version"


class AnswerTooLarge(InvalidResponse):
    """The response exceeds the limit on its decoded size or on its memory when parsed."""

    default_advice = "If a real answer is that large, raise max_answer_mb (MOGPLEX_MAX_ANSWER_MB)"


class Redirected(MogplexError):
    """The service redirected the request to a page other than its sign-in page (3xx).

    The client does not follow redirects, because it would then send the credentials to another
    address.
    """

    default_advice = "Set the base URL to the address that the service itself uses"


class InvalidTarget(MogplexError):
    """The base URL, a credential or the team of a context is invalid."""

    default_advice = "Correct the context"


class InsecureTarget(InvalidTarget):
    """The credential was not sent, because sending it would have exposed it.

    The URL uses plain http, which is allowed for loopback only, or leads to another origin.
    """

    default_advice = "Use https; plain http is for loopback only"
