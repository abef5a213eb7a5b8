from __future__ import annotations

import json
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.response_errors import (
    CredentialKind,
    ResponseInfo,
    classify,
    parse_error_body,
    parse_success,
)
from tests.api.support import TOKEN

V1_RUN = "/api/v1/mogplex/runs/8f3a2b1c"
CALLS = "/api/observability/calls"


def v1(code: str, message: str = "Some sentence") -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message}}


def reply(status: int, body: Any = b"", path: str = V1_RUN, **facts: Any) -> ResponseInfo:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    facts.setdefault("content_type", "application/json")
    facts.setdefault("method", "GET")
    return ResponseInfo(path=path, status=status, body=raw, resource="run 8f3a2b1c", request_id="r1", **facts)


@pytest.mark.parametrize(
    ("status", "body", "path", "kind"),
    [
        # v1: the code first, whatever the status
        (400, v1("BAD_REQUEST"), V1_RUN, e.BadRequest),
        (403, v1("BAD_REQUEST"), V1_RUN, e.NotAllowed),
        (404, v1("BAD_REQUEST"), V1_RUN, e.NotFound),
        (429, v1("BAD_REQUEST"), V1_RUN, e.Throttled),
        (401, v1("UNAUTHORIZED"), V1_RUN, e.NotSignedIn),
        (403, v1("FORBIDDEN"), V1_RUN, e.NotAllowed),
        (404, v1("NOT_FOUND"), V1_RUN, e.NotFound),
        (409, v1("CONFLICT"), V1_RUN, e.Conflict),
        (500, v1("CONFLICT"), V1_RUN, e.Conflict),
        (409, v1("IDEMPOTENCY_CONFLICT"), V1_RUN, e.IdempotencyConflict),
        (429, v1("RATE_LIMITED"), V1_RUN, e.Throttled),
        (500, v1("INTERNAL_ERROR"), V1_RUN, e.ServiceFailed),
        (503, v1("SERVICE_UNAVAILABLE"), V1_RUN, e.Unavailable),
        (502, v1("SERVICE_UNAVAILABLE"), V1_RUN, e.Unavailable),
        (501, v1("SERVICE_UNAVAILABLE"), V1_RUN, e.FeatureOff),
        (409, v1("SOMETHING_NEW"), V1_RUN, e.Conflict),
        # outside the envelope
        (405, b"", V1_RUN, e.Absent),
        (404, b"<html>", V1_RUN, e.Absent),
        (404, b"", V1_RUN, e.Absent),
        (500, b"", V1_RUN, e.ServiceFailed),
        (503, b"<html>", V1_RUN, e.Unavailable),
        (504, b"", V1_RUN, e.Unavailable),
        # unversioned shapes
        (400, {"error": "Invalid JSON body"}, CALLS, e.BadRequest),
        (401, {"error": "Unauthorized"}, CALLS, e.NotSignedIn),
        (403, {"error": "Forbidden"}, CALLS, e.NotAllowed),
        (404, {"error": "Call not found"}, CALLS, e.NotFound),
        (409, {"error": "Call is no longer active"}, CALLS, e.Conflict),
        (410, {"error": "Gone"}, CALLS, e.Absent),
        (413, {"error": "Too large"}, CALLS, e.BadRequest),
        (415, {"error": "x"}, CALLS, e.BadRequest),
        (422, {"error": "x"}, CALLS, e.BadRequest),
        (429, {"error": "x", "code": "chat_rate_limited", "retryAfterSeconds": 12}, CALLS, e.Throttled),
        (500, {"error": "invalid input syntax for type uuid"}, CALLS, e.ServiceFailed),
        (501, {"error": "VERCEL_INTEGRATION_REQUIRED", "message": "m"}, CALLS, e.FeatureOff),
        (502, {"error": "GITHUB_API_ERROR", "detail": "d"}, CALLS, e.Unavailable),
        (418, {"error": "x"}, CALLS, e.BadRequest),
        (408, b"", CALLS, e.TimedOut),
    ],
)
def test_answers_become_errors(status: int, body: Any, path: str, kind: type[e.MogplexError]) -> None:
    error = classify(reply(status, body, path))
    assert type(error) is kind
    assert error is not None
    assert (error.status, error.method, error.path, error.request_id) == (status, "GET", path, "r1")
    assert error.message and error.advice
    assert str(error).startswith(error.message)
    assert str(error).endswith((".", "…", "!", "?"))


@pytest.mark.parametrize(
    "location", ["/login?next=%2Fapi", "https://mogplex.com/login?x=1", "/base/login", "/login/"]
)
@pytest.mark.parametrize("status", [302, 307, 308])
def test_redirect_to_login_is_login_required(location: str, status: int) -> None:
    error = classify(reply(status, path=CALLS, location=location, content_type=""))
    assert type(error) is e.LoginRequired
    assert "login --session" in str(error)


@pytest.mark.parametrize(
    "location",
    ["https://mogplex.com/api/x", "/api/v1/mogplex/repos", "", "/loginx", "http://[bad", "/api?next=/login"],
)
def test_other_redirects_are_reported_and_not_followed(location: str) -> None:
    error = classify(reply(308, path=CALLS, location=location, content_type=""))
    assert type(error) is e.Redirected


def test_html_response_means_login_required() -> None:
    error = classify(reply(200, b"<html>", CALLS, content_type="text/html; charset=utf-8"))
    assert type(error) is e.LoginRequired


def test_login_redirect_of_a_cookie_reports_an_expired_session() -> None:
    error = classify(reply(307, path=CALLS, location="/login", credential=CredentialKind.COOKIE))
    assert error is not None and "session cookie has probably expired" in error.advice


@pytest.mark.parametrize(
    ("body", "text", "code"),
    [
        ({"error": "Human sentence"}, "Human sentence", None),
        ({"error": "MACHINE_CODE", "message": "A sentence"}, "A sentence", "MACHINE_CODE"),
        ({"error": "MACHINE_CODE"}, "MACHINE_CODE", "MACHINE_CODE"),
        ({"error": "A sentence", "code": "FLOW_NOT_FOUND"}, "A sentence", "FLOW_NOT_FOUND"),
        ({"error": {"message": "Inner"}}, "Inner", None),
        ({"message": "Invalid redirect URI"}, "Invalid redirect URI", None),
        ({"message": "No", "code": "VALIDATION_ERROR"}, "No", "VALIDATION_ERROR"),
        ({"error": 5}, "", None),
        ({"error": None}, "", None),
        ([1], "", None),
        ("x", "", None),
        (
            {"error": {"code": "NOT_FOUND", "message": "Run not found"}, "ok": False},
            "Run not found",
            "NOT_FOUND",
        ),
        ({"error": {"code": 5, "message": ["x"]}}, "", None),
    ],
)
def test_error_body_shapes_are_parsed(body: Any, text: str, code: str | None) -> None:
    complaint = parse_error_body(json.dumps(body).encode())
    assert (complaint.text, complaint.code) == (text, code)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"{", b"[" * 100_000])
def test_error_body_that_is_not_json_is_empty(body: bytes) -> None:
    assert parse_error_body(body).text == ""


@pytest.mark.parametrize(
    ("header", "body", "wait"),
    [
        ("60", v1("RATE_LIMITED"), 60.0),
        ("", v1("RATE_LIMITED"), None),
        ("-5", v1("RATE_LIMITED"), None),
        ("inf", v1("RATE_LIMITED"), None),
        ("", {"error": "x", "code": "chat_rate_limited", "retryAfterSeconds": 12}, 12.0),
        ("", {"error": "x", "retryAfterSeconds": True}, None),
    ],
)
def test_retry_after_is_read_from_header_or_body(header: str, body: Any, wait: float | None) -> None:
    error = classify(reply(429, body, retry_after=header))
    assert error is not None and error.retry_after == wait


# id: (Retry-After, Date, the seconds to wait)
DATED = "Wed, 21 Oct 2026 07:28:00 GMT"
WAITS_UNTIL: dict[str, tuple[str, str, float | None]] = {
    "in 40 s": ("Wed, 21 Oct 2026 07:28:40 GMT", DATED, 40.0),
    "in an obsolete form": ("Wednesday, 21-Oct-26 07:28:40 GMT", DATED, 40.0),
    "in another zone": ("Wed, 21 Oct 2026 09:28:40 +0200", DATED, 40.0),
    "without a zone": ("Wed, 21 Oct 2026 07:28:40", DATED, 40.0),
    "in the past": ("Wed, 21 Oct 2026 07:27:00 GMT", DATED, 0.0),
    "in 50 years": ("Wed, 21 Oct 2076 07:28:00 GMT", DATED, None),
    "day 41": ("Wed, 41 Oct 2026 07:28:40 GMT", DATED, None),
    "the last second of all": ("Fri, 31 Dec 9999 23:59:59 -2359", DATED, None),
    "the first second of all": ("Mon, 01 Jan 0001 00:00:00 +2359", DATED, 0.0),
    "an impossible zone": ("21 Oct 2026 07:28:40 +99999999999", DATED, None),
    "very long": ("1" * 100_000, DATED, None),
    "no date": ("tomorrow", DATED, None),
    "in the past, the answer has no date": ("Thu, 01 Jan 1970 00:00:00 GMT", "", 0.0),
    "in the past, the date of the answer is none": ("Thu, 01 Jan 1970 00:00:00 GMT", "today", 0.0),
}


@pytest.mark.parametrize(("until", "date", "wait"), WAITS_UNTIL.values(), ids=WAITS_UNTIL.keys())
def test_retry_after_date_is_relative_to_response_date(until: str, date: str, wait: float | None) -> None:
    error = classify(reply(429, v1("RATE_LIMITED"), retry_after=until, date=date))
    assert error is not None and error.retry_after == wait


@pytest.mark.parametrize(
    ("body", "path", "of_requests"),
    [
        (v1("RATE_LIMITED", "Rate limit exceeded. Retry after 60s."), V1_RUN, True),
        (v1("RATE_LIMITED", "External Mogplex run rate limit exceeded"), "/api/v1/mogplex/runs", False),
        (v1("RATE_LIMITED", "Daily external Mogplex run quota exceeded"), "/api/v1/mogplex/runs", False),
        (v1("BAD_REQUEST", "Sandbox boots exceeded"), "/api/v1/mogplex/sandboxes", False),
        (
            {"error": "Sandbox exec rate limit exceeded", "code": "sandbox_exec_rate_limited"},
            "/api/sandbox/x",
            False,
        ),
        (b"slow down", V1_RUN, True),
    ],
)
def test_rate_limit_differs_from_action_quota(body: Any, path: str, of_requests: bool) -> None:
    error = classify(reply(429, body, path))
    assert isinstance(error, e.Throttled)
    assert error.of_requests is of_requests


def test_error_names_the_missing_scope() -> None:
    message = "Missing required scope: write. Issue a new token with the 'write' scope at /settings/api-keys."
    error = classify(reply(403, v1("FORBIDDEN", message), method="POST"))
    assert error is not None
    assert str(error).endswith(
        ": Missing required scope: write. This token is read-only; use one with the write scope."
    )


def test_server_text_is_shown_harmless_and_without_credentials() -> None:
    text = f"boom \x1b[2J token {TOKEN} and opaque-secret"
    scrubbed = reply(500, v1("INTERNAL_ERROR", text), scrub=lambda t: t.replace("opaque-secret", "••••"))
    shown = str(classify(scrubbed))
    assert "␛[2J" in shown and "\x1b" not in shown
    assert TOKEN not in shown and "opaque-secret" not in shown


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"ok":true,"data":{"a":',
        b"nope",
        b'{"ok":true}',
        b'{"ok":false,"error":{}}',
        b"[]",
        b"null",
    ],
)
def test_success_without_envelope_is_invalid(body: bytes) -> None:
    with pytest.raises(e.InvalidResponse) as caught:
        parse_success(reply(200), body)
    assert "run 8f3a2b1c" in str(caught.value)


def test_unversioned_success_is_returned_unchanged() -> None:
    assert parse_success(reply(200, path=CALLS), b"[1]") == [1]
    assert parse_success(reply(200), b'{"ok":true,"data":[1]}') == [1]


@pytest.mark.parametrize(
    "kind", [k for k in vars(e).values() if isinstance(k, type) and issubclass(k, e.MogplexError)]
)
def test_errors_have_message_and_hint(kind: type[e.MogplexError]) -> None:
    error = kind(5.0) if kind is e.BudgetBlocked else kind("It broke")
    assert str(error).startswith(("It broke.", "The request budget is used up."))
    assert kind in (e.MogplexError, e.InvalidInput) or kind.default_advice
    assert isinstance(error, e.MogplexError)
