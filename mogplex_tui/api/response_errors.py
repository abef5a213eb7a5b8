"""Map an HTTP response to the error that it means.

The error code in the body decides first. If the body has no known code, the status and, for a
redirect, its target decide. Contract: errors.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mogplex_tui.api import errors
from mogplex_tui.api.bounded_json import JsonError, JsonMemoryError, JsonSyntaxError, parse
from mogplex_tui.api.route_access import MCP_ENDPOINT, V1
from mogplex_tui.api.safe_text import shown_path, visible
from mogplex_tui.api.target import MAX_ANSWER

if TYPE_CHECKING:
    import httpx

# Seconds; no quota is longer than a year.
_LONGEST_WAIT = 366 * 86400.0
# Characters; a longer header is not parsed as a date.
_LONGEST_DATE = 64

_MACHINE_CODE = re.compile(r"^[A-Z][A-Z0-9_]+$")
# Routes where 410 says that a record has expired, not that the route is gone (identity.md §8, sandboxes.md §4).
_RECORD_GONE_PATHS = ("/api/invites/", "/api/sandbox/")
# The signed-in account: the only route that answers any credential, and never with a 401 (identity.md §2).
ACCOUNT = "/api/auth/user"
_REQUEST_LIMIT = re.compile(r"^rate limit exceeded\b", re.IGNORECASE)

SIGN_IN_AGAIN = "The session cookie has probably expired: sign in again, then run mogplex-tui login --session"


class CredentialKind(StrEnum):
    """The kind of credential that a request carries."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 -- a kind of credential, not a secret
    COOKIE = "cookie"


@dataclass(frozen=True)
class ResponseInfo:
    """The metadata of one HTTP response and its request.

    `body` is set for error responses only.
    """

    method: str
    path: str
    status: int
    content_type: str = ""
    location: str = ""
    retry_after: str = ""
    date: str = ""
    body: bytes = b""
    resource: str = "the request"
    request_id: str = ""
    credential: CredentialKind = CredentialKind.TOKEN
    scrub: Callable[[str], str] = str

    def with_response(self, response: httpx.Response) -> ResponseInfo:
        """Return a copy with the status and the headers of `response` filled in."""
        return replace(
            self,
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            location=response.headers.get("location", ""),
            retry_after=response.headers.get("retry-after", ""),
            date=response.headers.get("date", ""),
        )

    @property
    def is_html(self) -> bool:
        """Whether the content type of the response is HTML."""
        return self.content_type.partition(";")[0].strip().lower() == "text/html"

    @property
    def is_events(self) -> bool:
        """Whether the content type of the response is that of an event stream.

        The response may also be an error response. Contract: sandboxes.md §4.5.
        """
        return self.content_type.partition(";")[0].strip().lower() == "text/event-stream"

    @property
    def on_v1(self) -> bool:
        """Whether the route belongs to the token API."""
        return self.path == V1 or self.path.startswith(V1 + "/")


@dataclass(frozen=True)
class ErrorBody:
    """The parsed body of an error response.

    `text` is a message for people, `code` the service's error code, and `retry_after` a wait in
    seconds.
    """

    text: str = ""
    code: str | None = None
    retry_after: float | None = None
    is_json: bool = False


def parse_error_body(body: bytes) -> ErrorBody:
    """Parse the body of an error response.

    Returns an empty ErrorBody if the body is not a JSON object. errors.md §1 and §2 list the shapes
    of error bodies.
    """
    try:
        data = parse(body, MAX_ANSWER)
    except JsonError:
        return ErrorBody()
    if not isinstance(data, dict):
        return ErrorBody()
    error, message, code = data.get("error"), data.get("message"), data.get("code")
    if isinstance(error, dict):
        message, code = error.get("message"), error.get("code") or code
        if isinstance(code, int) and isinstance(error.get("data"), dict):
            # JSON-RPC has numeric codes and gives the name in `data` (errors.md §3).
            code = error["data"].get("code")
        error = message
    text = error if isinstance(error, str) else ""
    if isinstance(error, str) and _MACHINE_CODE.match(error) and isinstance(message, str):
        text, code = message, code or error
    elif not text and isinstance(message, str):
        text = message
    if code is None and _MACHINE_CODE.match(text):
        code = text
    return ErrorBody(
        text,
        code if isinstance(code, str) else None,
        _seconds(data.get("retryAfterSeconds")),
        is_json="error" in data or isinstance(message, str),
    )


def classify(info: ResponseInfo) -> errors.MogplexError | None:
    """Return the error for a response, or None if its status means success."""
    if info.status == 204 and info.path.startswith("/api/realtime/"):
        return errors.RealtimeOff("The service offers no live updates", **_facts(info))
    if 200 <= info.status < 300:
        return _login_required(info) if info.is_html else None
    if 300 <= info.status < 400:
        return _redirect(info)
    error_body = parse_error_body(info.body)
    error_type = _error_type_by_code(info, error_body) or _error_type_by_status(info, error_body)
    wait = _retry_after_seconds(info)
    error = error_type(
        _message(error_type, info, error_body),
        advice=_advice(error_type, info, error_body),
        code=error_body.code,
        retry_after=error_body.retry_after if wait is None else wait,
        **_facts(info),
    )
    error.extra = _extra(info)
    if isinstance(error, errors.NotAllowed):
        error.missing_scope = _missing_scope(error_body)
    if isinstance(error, errors.Throttled):
        error.of_requests = _limits_requests(info, error_body)
        if not error.of_requests and info.method != "GET":
            error.advice = "Wait until the quota of this action frees"
    return error


def is_anonymous_response(info: ResponseInfo, data: Any) -> bool:
    """Return whether a successful response may be meant for an anonymous caller.

    The service sends it to callers whose credential it does not accept. Two responses are the same
    for all callers, so the result is True for them, too: the model list in the command line tool's
    format and an empty list of new models. Contract: identity.md §1.2.
    """
    if info.method != "GET":
        return False
    fields = data if isinstance(data, dict) else {}
    if info.path == ACCOUNT:
        return "user" in fields and fields["user"] is None
    if info.path == "/api/models":
        return isinstance(data, list) or ("models" in fields and "default_model" not in fields)
    return info.path == "/api/models/new-arrivals" and fields.get("models") == []


def invalid_response(info: ResponseInfo, why: str) -> errors.InvalidResponse:
    """Return the error for a successful response whose body has an unexpected shape.

    `why` is a predicate that completes the sentence "The response for X …".
    """
    return errors.InvalidResponse(f"The response for {info.resource} {why}", **_facts(info))


def parse_success(info: ResponseInfo, body: bytes | bytearray, limit: int = MAX_ANSWER) -> Any:
    """Parse the body of a successful response and return its JSON value.

    For a v1 route the result is the `data` of the envelope. Raises InvalidResponse for a body that
    cannot be read, and AnswerTooLarge for a value that needs more than about `limit` bytes of
    memory.
    """
    try:
        value = parse(body, limit)
    except JsonMemoryError as error:
        raise errors.AnswerTooLarge(f"The response for {info.resource} {error}", **_facts(info)) from None
    except JsonSyntaxError as error:
        cut = body[:1] in (b"{", b"[")
        raise invalid_response(info, "is cut off or broken JSON" if cut else str(error)) from None
    except JsonError as error:
        raise invalid_response(info, str(error)) from None
    if not info.on_v1 or info.path == MCP_ENDPOINT:
        return value
    if not isinstance(value, dict) or value.get("ok") is not True or "data" not in value:
        raise invalid_response(info, "has no envelope of the token API")
    return value["data"]


def _extra(info: ResponseInfo) -> dict[str, Any]:
    """Return the fields of an error body, except those that most error bodies have."""
    try:
        data = parse(info.scrub(info.body.decode("utf-8", "replace")), MAX_ANSWER)
    except JsonError:
        return {}
    common = ("ok", "error", "message", "code", "retryAfterSeconds")
    return {key: value for key, value in data.items() if key not in common} if isinstance(data, dict) else {}


def _facts(info: ResponseInfo) -> dict[str, Any]:
    return {
        "resource": info.resource,
        "method": info.method,
        "path": shown_path(info.path),
        "status": info.status,
        "request_id": info.request_id,
    }


def _error_type_by_code(info: ResponseInfo, error_body: ErrorBody) -> type[errors.MogplexError] | None:
    match error_body.code:
        case "BAD_REQUEST":
            # A failed sandbox launch keeps its own status under this code (errors.md §1.2).
            by_status = {403: errors.NotAllowed, 404: errors.NotFound, 429: errors.Throttled}
            return by_status.get(info.status, errors.BadRequest)
        case "UNAUTHORIZED":
            return errors.NotSignedIn
        case "FORBIDDEN":
            return errors.NotAllowed
        case "NOT_FOUND":
            return errors.NotFound
        case "CONFLICT":
            return errors.Conflict
        case "IDEMPOTENCY_CONFLICT":
            return errors.IdempotencyConflict
        case "RATE_LIMITED":
            return errors.Throttled
        case "INTERNAL_ERROR":
            return errors.ServiceFailed
        case "VERCEL_AUTH_INVALID":
            # A 401 from Vercel; the credential of this context is valid (errors.md §2.2).
            return errors.Conflict
        case "SERVICE_UNAVAILABLE":
            return errors.FeatureOff if info.status == 501 else errors.Unavailable
    return None


def _error_type_by_status(info: ResponseInfo, error_body: ErrorBody) -> type[errors.MogplexError]:
    known: dict[int, type[errors.MogplexError]] = {
        401: errors.NotSignedIn,
        403: errors.NotAllowed,
        405: errors.Absent,
        408: errors.TimedOut,
        409: errors.Conflict,
        410: errors.Absent,
        429: errors.Throttled,
        500: errors.ServiceFailed,
        501: errors.FeatureOff,
    }
    if info.status == 404:
        return errors.NotFound if error_body.is_json else errors.Absent
    if info.status == 410 and error_body.is_json and info.path.startswith(_RECORD_GONE_PATHS):
        return errors.Conflict
    if _lacks_ai_credential(info, error_body):
        return errors.Conflict
    if info.status in known:
        return known[info.status]
    return errors.Unavailable if info.status > 500 else errors.BadRequest


def _lacks_ai_credential(info: ResponseInfo, error_body: ErrorBody) -> bool:
    # A 401 with a text other than "Unauthorized" is not about the credential (sandboxes.md §4.8, §4.15).
    return (
        info.status == 401
        and info.path.startswith("/api/sandbox/")
        and info.path.endswith(("/exec", "/harness"))
        and error_body.text not in ("", "Unauthorized")
    )


def _limits_requests(info: ResponseInfo, error_body: ErrorBody) -> bool:
    # The token's own limit is a 429 on v1 only. Any other 429 is the quota of one action (auth.md §6, §7).
    if error_body.code is None and not error_body.is_json:
        return True
    return info.on_v1 and error_body.code == "RATE_LIMITED" and bool(_REQUEST_LIMIT.match(error_body.text))


_MESSAGES: dict[type[errors.MogplexError], str] = {
    errors.NotFound: "The service does not know {0}",
    errors.Absent: "The service has no route for {0}",
    errors.NotAllowed: "This credential has no permission for {0}",
    errors.Conflict: "The state of {0} does not allow this",
    errors.IdempotencyConflict: "The key of {0} was already used for another request",
    errors.BadRequest: "The service refused {0}",
    errors.Throttled: "Too many requests for {0}",
    errors.FeatureOff: "The service has switched off {0}",
    errors.Unavailable: "The service cannot serve {0} now",
    errors.ServiceFailed: "The service failed on {0}",
    errors.TimedOut: "The service gave up waiting for {0}",
}


def _sandbox_lookup_failed(info: ResponseInfo, error_body: ErrorBody) -> bool:
    """Return whether a v1 cancel was recorded without reaching the run's sandbox.

    The code is then CONFLICT, and the status is that of the failed lookup of the sandbox.
    Contract: v1.md §9.
    """
    return info.on_v1 and error_body.code == "CONFLICT" and info.status != 409


def _message(error_type: type[errors.MogplexError], info: ResponseInfo, error_body: ErrorBody) -> str:
    if error_type is errors.NotSignedIn:
        return {
            CredentialKind.TOKEN: "The service does not accept this token",
            CredentialKind.COOKIE: "The service does not accept this session cookie",
            CredentialKind.NONE: "This context has no credential for the service",
        }[info.credential]
    lead = _MESSAGES[error_type].format(info.resource)
    if _sandbox_lookup_failed(info, error_body):
        lead = f"The service could not reach the sandbox of {info.resource}"
    text = visible(info.scrub(error_body.text)).rstrip(".")
    if error_type is errors.NotAllowed and "required scope: " in text:
        # The rest of the service's text repeats the advice.
        text = text.partition(". ")[0]
    return f"{lead}: {text}" if text else f"{lead} (HTTP {info.status})"


def _missing_scope(error_body: ErrorBody) -> str | None:
    """Return the scope that an error message names as missing, or None.

    Contract: auth.md §5.2.
    """
    return next((scope for scope in ("write", "read") if f"scope: {scope}" in error_body.text), None)


def _advice(error_type: type[errors.MogplexError], info: ResponseInfo, error_body: ErrorBody) -> str | None:
    scope = _missing_scope(error_body) if error_type is errors.NotAllowed else None
    if scope == "write":
        return "This token is read-only; use one with the write scope"
    if scope == "read":
        return "Use a token with the read scope"
    if _sandbox_lookup_failed(info, error_body):
        return "The request is recorded; send the cancel again to repeat it"
    if error_body.code == "VERCEL_AUTH_INVALID":
        return "Connect Vercel again"
    if _lacks_ai_credential(info, error_body):
        return "Add an AI provider key, or choose a plan that includes AI"
    if error_type is errors.NotSignedIn and info.credential is CredentialKind.COOKIE:
        return SIGN_IN_AGAIN
    if error_type is errors.Unavailable and info.method == "POST" and info.path == f"{V1}/runs":
        return "The service also says this for a repository that it does not know; check the repository first"
    return None


def _redirect(info: ResponseInfo) -> errors.MogplexError:
    try:
        location = urlsplit(info.location)
    except ValueError:
        location = urlsplit("")
    if location.path.rstrip("/").endswith("/login"):
        return _login_required(info)
    shown = visible(
        f"{location.scheme}://{location.netloc}{location.path}" if location.netloc else location.path, 120
    )
    return errors.Redirected(
        f"The service redirects {info.resource} to {shown or 'nowhere'} (HTTP {info.status})",
        **_facts(info),
    )


def _login_required(info: ResponseInfo) -> errors.LoginRequired:
    how = (
        "a web page came back"
        if info.is_html and info.status < 300
        else "the service asks to sign in in a browser"
    )
    advice = None
    if info.credential is CredentialKind.COOKIE:
        advice = SIGN_IN_AGAIN
    elif info.is_html and info.on_v1:
        advice = "Check that the base URL is a Mogplex service"
    elif info.on_v1:
        advice = "Give this context an API token"
    return errors.LoginRequired(f"No access to {info.resource}: {how}", advice=advice, **_facts(info))


def _retry_after_seconds(info: ResponseInfo) -> float | None:
    """Return the wait from the header `Retry-After` in seconds, or None.

    The header holds a number or a date. A date is compared with the date of the response, because
    the clocks of the service and of this machine may differ. A date in the past means 0 seconds.
    """
    seconds = _seconds(info.retry_after)
    until = _http_date(info.retry_after) if seconds is None else None
    if until is None:
        return seconds
    sent = _http_date(info.date) or datetime.now(UTC)
    return _seconds(max(0.0, (until - sent).total_seconds()))


def _http_date(text: str) -> datetime | None:
    """Parse the date in a header; return None if it is not a date."""
    if len(text) > _LONGEST_DATE:
        return None
    # Imported here because the console does not need it at its start.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _seconds(value: object) -> float | None:
    """Return a wait in seconds as a float, or None if the value is invalid.

    A wait is valid from 0 seconds to a year, because the wait for a quota may be hours or days.
    A caller that waits must set its own, shorter limit.
    """
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    # The comparison is False for NaN.
    return seconds if 0 <= seconds <= _LONGEST_WAIT else None
