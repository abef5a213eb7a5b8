"""Typed and handed-over credentials are verified, then stored, and never shown."""

from __future__ import annotations

import asyncio
import html
import os
import pty
import re
import sys
from asyncio.subprocess import PIPE
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from mogplex_tui.config import contexts, credential_store
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import http, refused, serving
from tests.cli.browser_sign_in import (
    form_fields,
    single_context,
    stored_credential,
    stored_files,
    wait_for_address,
)
from tests.cli.support import TOKEN, CommandRunner, SystemClock
from tests.memory_keyring import MemoryKeyring, in_use


async def test_token_from_stdin_is_verified_and_stored(mogplex: CommandRunner, plane: PlaneServer) -> None:
    result = await mogplex(
        "login", "--base-url", plane.base_url, "--token", "--json", stdin=f"  {plane.token}\n"
    )
    assert result.code == 0, result.err
    assert result.only_object["credentials"] == ["token"]
    assert result.only_object["account"] and result.only_object["account"] in result.err
    name = single_context().name
    assert stored_credential(name) == {"base_url": plane.base_url, "token": plane.token}
    assert plane.token not in result.out + result.err
    assert (await mogplex("runs", "list")).code == 0
    assert [path.name for path in stored_files() if plane.token in path.read_text()] == [f"{name}.json"]


async def test_typed_token_is_not_shown(plane: PlaneServer) -> None:
    terminal, child_terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mogplex_tui", "login", "--base-url", plane.base_url, "--token"),
            stdin=child_terminal,
            stdout=PIPE,
            stderr=child_terminal,
            start_new_session=True,
        )
        shown = b""
        loop = asyncio.get_running_loop()
        while b"(not shown)" not in shown:
            shown += await asyncio.wait_for(loop.run_in_executor(None, os.read, terminal, 4096), 30)
        os.write(terminal, plane.token.encode() + b"\n")
        assert await asyncio.wait_for(process.wait(), 30) == 0
        shown += os.read(terminal, 65536)
    finally:
        os.close(terminal)
        os.close(child_terminal)
    assert plane.token.encode() not in shown
    assert stored_credential(single_context().name)["token"] == plane.token


async def test_cookie_is_verified_and_stored(mogplex: CommandRunner, plane: PlaneServer) -> None:
    result = await mogplex(
        "login", "--base-url", plane.base_url, "--session", stdin=plane.session_cookie + "\n"
    )
    assert result.code == 0, result.err
    assert single_context().credential_kinds == ("session",)
    assert (await mogplex("stats", "--json")).code == 0


@pytest.mark.parametrize(
    ("option", "typed", "code", "message"),
    [
        ("--token", "mog_NobodyKnowsThisOne000000", 3, "does not accept this token"),
        ("--token", "ghp_somethingElseAltogether", 2, "begin with mog_"),
        ("--token", "mog_with\x07bell", 2, "Copy the token again"),
        ("--token", "", 2, "Nothing was changed"),
        (
            "--session",
            "better-auth.session_token=NobodyKnowsThisOne",
            3,
            "does not accept this session cookie",
        ),
        ("--session", "NobodyKnowsThisOne", 2, "has no name"),
        ("--session", "", 2, "Nothing was changed"),
    ],
    ids=[
        "unknown token",
        "wrong prefix",
        "control character",
        "empty token",
        "unknown cookie",
        "cookie without name",
        "empty cookie",
    ],
)
async def test_rejected_credential_is_neither_stored_nor_shown(
    mogplex: CommandRunner, plane: PlaneServer, option: str, typed: str, code: int, message: str
) -> None:
    result = await mogplex("login", "--base-url", plane.base_url, option, stdin=typed + "\n")
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert not typed or typed not in result.err
    assert contexts.read().by_name == {}
    assert not any(path.suffix == ".json" for path in stored_files())


async def test_failed_sign_in_keeps_former_credential(mogplex: CommandRunner, plane: PlaneServer) -> None:
    await mogplex("login", "--base-url", plane.base_url, "--token", stdin=plane.token)
    result = await mogplex("login", "--token", stdin="mog_NobodyKnowsThisOne000000")
    assert result.code == 3
    assert stored_credential(single_context().name)["token"] == plane.token


async def test_rate_limited_token_is_accepted(mogplex: CommandRunner) -> None:
    limited = refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60")
    async with serving(limited) as service:
        result = await mogplex("login", "--base-url", service.base_url, "--token", stdin=TOKEN)
    assert result.code == 0
    assert single_context().credential_kinds == ("token",)


async def test_unverified_credential_is_not_stored(mogplex: CommandRunner) -> None:
    async with serving(http(502, b"", "")) as service:
        result = await mogplex("login", "--base-url", service.base_url, "--token", stdin=TOKEN)
    assert result.code == 6
    assert contexts.read().by_name == {}


@pytest.mark.parametrize(
    "argv",
    [("login", "--token", TOKEN), ("login", f"--token={TOKEN}"), ("runs", "list", TOKEN)],
    ids=["separate word", "option value", "other command"],
)
async def test_token_argument_is_refused_and_not_shown(mogplex: CommandRunner, argv: tuple[str, ...]) -> None:
    result = await mogplex(*argv)
    assert (result.code, result.out) == (2, "")
    assert "Revoke it" in result.err and TOKEN not in result.err


async def test_plain_http_off_loopback_gets_no_credential(mogplex: CommandRunner) -> None:
    result = await mogplex("login", "--base-url", "http://mogplex.example", "--token", stdin=TOKEN)
    assert result.code == 2
    assert contexts.read().by_name == {}


async def test_ctrl_c_at_hidden_prompt_changes_nothing(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(question: str, stream: Any) -> str:
        stream.write(question)
        raise KeyboardInterrupt

    monkeypatch.setattr("getpass.getpass", interrupted)
    result = await mogplex("login", "--base-url", "http://127.0.0.1:9", "--token", terminal=True)
    assert (result.code, result.err) == (130, "Personal access token (not shown): \n")
    assert contexts.read().by_name == {}


async def test_working_keyring_is_used_and_named(mogplex: CommandRunner, plane: PlaneServer) -> None:
    with in_use(MemoryKeyring()) as ring:
        result = await mogplex("login", "--base-url", plane.base_url, "--token", stdin=plane.token)
        assert result.code == 0
        assert "system keyring (memory)" in result.err
        name = single_context().name
        assert single_context().credential_store == credential_store.KEYRING
        assert not credential_store.credentials_file(name).exists()
        assert (await mogplex("runs", "list")).code == 0
        info = await mogplex("info", "--json")
        assert {"object": "setting", "name": "token", "value": "personal access token"}.items() <= {
            key: value for key, value in info.objects[2].items() if key != "origin"
        }.items()
        assert info.objects[2]["origin"] == f"context {name} (system keyring)"
        assert (await mogplex("contexts", "rename", name, "mine")).code == 0
        assert [key for _, key in ring.kept] == ["mine"]
        assert (await mogplex("runs", "list")).code == 0
        out = await mogplex("logout")
        assert out.code == 0 and "/settings/api-keys" in out.err
        assert ring.kept == {}


async def test_failed_keyring_removal_is_not_reported_as_sign_out(
    mogplex: CommandRunner, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = MemoryKeyring()
    with in_use(ring):
        await mogplex("login", "--base-url", plane.base_url, "--token", stdin=plane.token)
    name = single_context().name

    async def refused() -> None:
        result = await mogplex("logout")
        assert (result.code, "Signed out" in result.err) == (1, False)
        assert f"credentials of {name} stay in the system keyring" in result.err
        assert single_context().credential_kinds == ("token",)

    # First a session where none is stored, then the right one while the keyring is locked.
    await refused()
    with in_use(ring):
        ring.locked = True
        await refused()
        listed = await mogplex("repos", "list")
        assert (listed.code, "Unlock it, or sign in again" in listed.err) == (3, True)
        with monkeypatch.context() as shell:
            shell.setenv("MOGPLEX_TOKEN", plane.token)
            assert (await mogplex("repos", "list")).code == 0
        # A context can still be removed; the credentials that are left are named.
        removed = await mogplex("contexts", "remove", name)
        assert (removed.code, contexts.read().by_name) == (0, {})
        assert "stay in the system keyring" in removed.err and "credentials with it" not in removed.err


async def test_overriding_token_variable_is_reported(
    mogplex: CommandRunner, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOGPLEX_TOKEN", "mog_other")
    result = await mogplex("login", "--base-url", plane.base_url, "--token", stdin=plane.token)
    assert "MOGPLEX_TOKEN is set" in result.err


# The hand-off ------------------------------------------------------------------------------------------------------


async def approve_hand_off(url: str) -> dict[str, str]:
    """Sign in, approve, and return the token that the page would hand over."""
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        login = await browser.get(url)
        page = await browser.post(login.url.join("/login"), data=form_fields(login.text))
        answer = await browser.post(
            page.url.join("/api/oauth/decision"), data={**form_fields(page.text), "accept": "true"}
        )
    found = re.findall(r'data-(\w+)="([^"]*)"', answer.text)
    return {name: html.unescape(value) for name, value in found}


async def test_hand_off_page_sends_token_after_preflight(mogplex: CommandRunner, plane: PlaneServer) -> None:
    command = mogplex.start("login", "--base-url", plane.base_url, "--hand-off", "--no-browser")
    facts = await approve_hand_off(await wait_for_address(command, "/cli-auth?"))
    origin, body = {"Origin": plane.base_url}, {"token": facts["token"], "name": facts["name"]}
    preflight_headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-cli-nonce",
    }
    private = {"Access-Control-Request-Private-Network": "true"}
    async with httpx.AsyncClient() as page:
        preflight = await page.options(facts["callback"], headers=origin | preflight_headers | private)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == plane.base_url
        assert preflight.headers["access-control-allow-methods"] == "POST"
        assert preflight.headers["access-control-allow-headers"] == "content-type, x-cli-nonce"
        assert preflight.headers["access-control-allow-private-network"] == "true"

        good = {"X-CLI-Nonce": facts["nonce"]}
        for status, headers, sent in (
            (403, {"Origin": "https://evil.example"} | good, body),
            (403, origin | {"X-CLI-Nonce": "0" * 32}, body),
            (403, origin, body),
            (400, origin | good, {"token": "ghp_x"}),
            (400, origin | good, ["mog_x"]),
        ):
            assert (await page.post(facts["callback"], headers=headers, json=sent)).status_code == status
        assert (await page.get(facts["callback"], headers=origin)).status_code == 405
        assert (await page.post(facts["callback"] + "x", headers=origin | good, json=body)).status_code == 404
        assert not command.task.done()

        result = await page.post(facts["callback"], headers=origin | good, json=body)
        assert (result.status_code, result.json()) == (200, {"ok": True})
        assert result.headers["access-control-allow-origin"] == plane.base_url
    ended = await command.result()
    assert ended.code == 0, ended.err
    assert single_context().credential_kinds == ("token",)
    assert stored_credential(single_context().name)["token"] == facts["token"]
    assert facts["token"] not in ended.err
    assert "mogplex-tui on " in facts["name"]


async def test_retired_hand_off_page_keeps_waiting(
    mogplex: CommandRunner,
) -> None:
    async with PlaneServer(Settings(speed=0, seeded=False, profile="hosted"), clock=SystemClock()) as hosted:
        command = mogplex.start("login", "--base-url", hosted.base_url, "--hand-off", "--no-browser")
        async with httpx.AsyncClient() as browser:
            page = await browser.get(await wait_for_address(command, "/cli-auth?"))
        assert page.status_code == 200 and "Update your CLI" in page.text
        query = parse_qs(urlsplit(str(page.url)).query)
        async with httpx.AsyncClient() as anybody:
            bad = await anybody.post(
                query["callback"][0], json={"token": "x"}, headers={"X-CLI-Nonce": query["nonce"][0]}
            )
            assert bad.status_code == 400
            good = {"token": hosted.token, "name": "x"}
            await anybody.post(
                query["callback"][0], json=good, headers={"X-CLI-Nonce": query["nonce"][0].upper()}
            )
        assert (await command.result()).code == 0
