"""A refused command has a message on stderr, an exit code and no output."""

from __future__ import annotations

import pytest

from tests.api.support import http, refused, serving
from tests.cli.support import TOKEN, CommandRunner

RUN = "7d0c0000-0000-4000-8000-000000000001"
COMMANDS = [("runs", "list"), ("runs", "get", RUN), ("runs", "events", RUN), ("stats",)]
# The service quotes the credential and colours its response.
HOSTILE_MESSAGE = f"Bad token {TOKEN} \x1b[31mred"


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (http(307, b"", "", Location="/login?next=%2F"), 3, "sign in"),
        (refused(401, "UNAUTHORIZED", HOSTILE_MESSAGE), 3, "does not accept this token"),
        (refused(403, "FORBIDDEN", HOSTILE_MESSAGE), 4, "has no permission for"),
        (http(404, b"<html>no</html>", "text/html"), 1, "no route"),
        (
            refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60"),
            5,
            "Too many",
        ),
        (refused(503, "SERVICE_UNAVAILABLE", HOSTILE_MESSAGE), 6, "cannot serve"),
        (http(502, b"<html>bad gateway</html>", "text/html"), 6, "cannot serve"),
        (http(200, b"<!doctype html><p>hi", "text/html"), 3, "web page"),
        (http(200, b'{"calls": [', "application/json"), 1, "JSON"),
    ],
    ids=["login", "401", "403", "404", "429", "503", "502", "html", "cut"],
)
async def test_refusal_gives_message_and_exit_code(
    mogplex: CommandRunner, argv: tuple[str, ...], answer: bytes, code: int, message: str
) -> None:
    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex(*argv, "--json")
    assert result.code == code
    assert result.out == ""
    assert message in result.err
    assert TOKEN not in result.err
    assert "\x1b" not in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("argv", [*COMMANDS, ("runs", "cancel", RUN, "--yes")], ids=" ".join)
async def test_closed_port_is_unreachable(mogplex: CommandRunner, argv: tuple[str, ...]) -> None:
    async with serving(b"") as service:
        url = service.base_url
    mogplex.use(url)
    result = await mogplex(*argv)
    assert (result.code, result.out) == (6, "")
    assert "No connection to 127.0.0.1" in result.err


async def test_temporary_error_is_retried(mogplex: CommandRunner) -> None:
    attempts = 0

    async def answer(seen: object, _: object) -> bytes:
        nonlocal attempts
        attempts += 1
        return http(502, b"", "") if attempts < 3 else http(200, {"summary": {}})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("stats", "--json")
    assert result.code == 0
    assert "Trying again" in result.err


async def test_missing_service_or_credential_gives_advice(mogplex: CommandRunner) -> None:
    none = await mogplex("stats")
    assert (none.code, none.out) == (3, "")
    assert "MOGPLEX_BASE_URL" in none.err
    mogplex.use("http://127.0.0.1:9", token=None)
    assert "MOGPLEX_TOKEN" in (await mogplex("doctor")).err


@pytest.mark.parametrize("url", ["http://mogplex.example", "ftp://x", "https://u:p@mogplex.example"])
async def test_plain_http_address_is_a_usage_error(mogplex: CommandRunner, url: str) -> None:
    mogplex.use(url)
    result = await mogplex("runs", "list")
    assert (result.code, result.out) == (2, "")


async def test_option_overrides_environment_before_and_after_verb(
    mogplex: CommandRunner,
) -> None:
    async with serving(http(200, {"summary": {}})) as service:
        mogplex.use("http://127.0.0.1:9")
        for argv in (("--base-url", service.base_url, "stats"), ("stats", "--base-url", service.base_url)):
            assert (await mogplex(*argv)).code == 0


@pytest.mark.parametrize(
    "argv",
    [
        ("runs",),
        ("runs", "frob"),
        ("runs", "list", "--limit", "0"),
        ("runs", "list", "--state", "odd"),
        ("runs", "get"),
    ],
    ids=" ".join,
)
async def test_mistyped_command_is_a_usage_error(mogplex: CommandRunner, argv: tuple[str, ...]) -> None:
    result = await mogplex(*argv)
    assert (result.code, result.out) == (2, "")
    assert "usage:" in result.err
