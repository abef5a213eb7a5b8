"""Simulate the test of a connection.

The plane sends nothing to other hosts, so the result depends on the URL and the credential. A
path that ends in a status (`/503`) gives that status; a host under `.invalid` does not
resolve, a host under `.test` does not answer; a credential that contains "expired" or
"revoked" is refused. Everything else succeeds (library.md §8.4).
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple
from urllib.parse import urlsplit

from ..db.database import Row
from . import connections

_STATUS = re.compile(r"/([1-5]\d\d)/?", re.ASCII)
_SPENT = re.compile(r"expired|revoked", re.IGNORECASE)
_MISCONFIGURED = re.compile(r"missing|required|invalid url", re.IGNORECASE)
_AUTH = re.compile(r"unauthorized|forbidden|401|403|token", re.IGNORECASE)
_UNREACHABLE = re.compile(r"timeout|fetch failed|ECONN\w*|ENOTFOUND", re.IGNORECASE)
# Tools of well-known services.
_TOOLS = {"linear": 23, "notion": 14, "sentry": 16, "supabase": 20, "browserbase": 9, "sanity": 31}


class ProbeResult(NamedTuple):
    """The result of a connection test.

    `status` is the health status, `summary` a message for the user and `http_status` the status
    of the response, if there was a response.
    """

    status: str
    summary: str
    error: str | None = None
    http_status: int | None = None
    tool_count: int | None = None


def classify(error: str) -> str:
    """Return the health status of a connection from the error text of its test.

    It is "misconfigured", "auth_failed", "unreachable" or, for an unknown text, "error".
    """
    for pattern, status in (
        (_MISCONFIGURED, "misconfigured"),
        (_AUTH, "auth_failed"),
        (_UNREACHABLE, "unreachable"),
    ):
        if pattern.search(error):
            return status
    return "error"


def probe(row: Row, now: int) -> ProbeResult:
    """Simulate the test of a connection and return the result.

    `row` must contain all columns of the table; `now` is in µs.
    """
    field = "mcp_url" if row["type"] == "mcp_server" else "base_url"
    url = row[field]
    if not url:
        return _failed("misconfigured", f"{field} is missing")
    if not connections.is_complete(row, now):
        if row["auth_type"] == "oauth":
            return _failed("auth_failed", "OAuth authorization has not been completed")
        return _failed("misconfigured", "Credentials are missing")
    host = urlsplit(url).hostname or ""
    if host.endswith(".invalid"):
        return _raised(f"{field} must resolve to a public host")
    if host.endswith(".test"):
        return _raised("fetch failed")
    return _answered(row, url)


def _failed(status: str, error: str, http_status: int | None = None) -> ProbeResult:
    return ProbeResult(status, error, error, http_status)


def _raised(error: str) -> ProbeResult:
    return _failed(classify(error), error)


def _answered(row: Row, url: str) -> ProbeResult:
    match = _STATUS.search(urlsplit(url).path)
    is_server = row["type"] == "mcp_server"
    code = int(match[1]) if match else 200 if is_server else 204
    if _SPENT.search(connections.secret_of(row) or ""):
        code = 401
    if not 200 <= code < 300:
        status = "auth_failed" if code in (401, 403) else "error"
        return _failed(status, f"HTTP {code}", code)
    if not is_server:
        return ProbeResult("healthy", f"HTTP {code}", None, code)
    count = _TOOLS.get(row["source_preset"] or "") or 3 + zlib.crc32(url.encode()) % 19
    return ProbeResult("healthy", f"{count} tools detected", tool_count=count)
