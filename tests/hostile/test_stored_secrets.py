"""Stored OAuth tokens and cookies leak into no output, log, crash or browser."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mogplex_tui.api import transport
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context
from mogplex_tui.config.credential_store import Grant, StoredCredential, credentials_file
from mogplex_tui.config.paths import log_file
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import CommandRunner
from tests.hostile.program_environment import PROGRAM, ROOT, private_environment

NAME = "prod"
# Without a prefix by which a secret could be recognized.
ACCESS = "PlantedAccessTokenOfNoKnownForm01"
REFRESH = "PlantedRefreshTokenOfNoKnownForm2"
COOKIE = "PlantedCookieValueOfNoKnownForm03"
PLANTED = {"access token": ACCESS, "refresh token": REFRESH, "session cookie": COOKIE}


def _leaks(text: str) -> list[str]:
    return [name for name, secret in PLANTED.items() if secret in text]


def _sign_in(base_url: str, record: StoredCredential) -> None:
    context = Context(
        NAME, base_url, credential_store=credential_store.FILE, credential_kinds=record.credential_kinds
    )
    contexts.change(lambda known: known.put(context, use=True))
    credential_store.save(NAME, record, where=credential_store.FILE)


@pytest.fixture
def stored(mogplex: CommandRunner, plane: PlaneServer) -> CommandRunner:
    """The CLI in a context with planted credentials, which the plane refuses."""
    grant = Grant(Secret(ACCESS), time.time() + 3600, Secret(REFRESH), "read write")
    cookie = Secret(f"better-auth.session_token={COOKIE}")
    _sign_in(plane.base_url, StoredCredential(plane.base_url, grant=grant, session_cookie=cookie))
    return mogplex


def _files_with_secrets(leaks: Callable[[str], list[str]] = _leaks) -> list[str]:
    """Return the files of the home that hold a planted secret.

    The file of the credentials itself is left out.
    """
    files = [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
    assert credentials_file(NAME) in files
    return [
        f"{leak} in {path.name}"
        for path in files
        if path != credentials_file(NAME)
        for leak in leaks(path.read_text(errors="replace"))
    ]


COMMANDS = [
    "contexts list",
    "contexts list --json",
    "contexts set prod --protected --json",
    "info",
    "info --json",
    "info --keys",
    "doctor",
    "doctor --json",
    "settings list",
    "settings list -o csv",
    "settings list --json",
    "runs list -o csv",
    "runs list --json",
    "completions bash",
    "completions zsh",
    "completions fish",
]


async def test_output_shows_no_stored_secret(stored: CommandRunner) -> None:
    for command in COMMANDS:
        done = await stored(*command.split())
        assert done.out + done.err, command
        assert _leaks(done.out + done.err) == [], command
    assert _files_with_secrets() == []


async def test_output_shows_no_accepted_credential(mogplex: CommandRunner, plane: PlaneServer) -> None:
    token, cookie = plane.token, plane.session_cookie
    _sign_in(plane.base_url, StoredCredential(plane.base_url, Secret(token), session_cookie=Secret(cookie)))
    secrets = {"token": token, "session cookie": cookie.partition("=")[2]}

    def leaks(text: str) -> list[str]:
        return [name for name, secret in secrets.items() if secret in text]

    for command in COMMANDS:
        done = await mogplex(*command.split())
        assert done.code == 0, (command, done.err)
        assert leaks(done.out + done.err) == [], command
    assert _files_with_secrets(leaks) == []


ERRORS: dict[str, Exception] = {
    "message": ValueError(f"bad header {ACCESS} and {REFRESH}; better-auth.session_token={COOKIE}"),
    "bytes": ValueError(f"bad header {ACCESS} and {REFRESH} and {COOKIE}".encode()),
    "several lines": RuntimeError(f"\n{ACCESS}\n{REFRESH}\n{COOKIE}"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_crash_shows_no_stored_secret(
    stored: CommandRunner, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        header = f"Bearer {ACCESS}"
        cause = KeyError(header, REFRESH)
        raise error from cause

    monkeypatch.setattr(transport, "classify", fail)
    done = await stored("runs", "list")
    assert done.code == 1
    assert done.err.startswith("Internal error of mogplex-tui")
    logged = log_file().read_text()
    assert "Traceback (most recent call last)" in logged
    assert (_leaks(done.err), _leaks(logged)) == ([], [])


@pytest.mark.parametrize("name", ["mogplex.http", "mogplex.live", "asyncio"])
async def test_log_hides_secrets_of_every_logger(stored: CommandRunner, name: str) -> None:
    """A failed task that nothing waits for is logged by asyncio, with its traceback."""
    await stored("runs", "list")
    try:
        raise ValueError(f"{ACCESS} {REFRESH} {COOKIE} mog_PlantedTokenOfAnotherOne")
    except ValueError:
        logging.getLogger(name).exception("Task exception was never retrieved: %s", ACCESS)
    logged = log_file().read_text()
    assert "Task exception was never retrieved" in logged
    assert _leaks(logged) == []
    assert "mog_Planted" not in logged


def test_login_browser_gets_no_credentials(tmp_path: Path) -> None:
    seen, browser = tmp_path / "seen-by-the-browser", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\n{{ env; echo "$@"; }} > {seen}.new\nmv {seen}.new {seen}\n')
    browser.chmod(0o755)
    env = private_environment(tmp_path / "home") | {
        "BROWSER": str(browser),
        "DISPLAY": ":0",
        "MOGPLEX_TOKEN": f"mog_{ACCESS}",
        "MOGPLEX_SESSION_COOKIE": f"better-auth.session_token={COOKIE}",
    }
    command = [*PROGRAM, "login", "--base-url", "http://127.0.0.1:9"]
    with subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            deadline = time.monotonic() + 30
            while not seen.exists():
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
    assert _leaks(seen.read_text()) == []
