"""Planted secrets leak into no file, title, argument or child environment."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context
from mogplex_tui.config.credential_store import StoredCredential
from mogplex_tui.config.secret import Secret
from tests.e2e.terminal import Terminal
from tests.hostile.plane import Plane
from tests.hostile.program_environment import PROGRAM, ROOT, credentials, private_environment

OTHER_TOKEN = "mog_PlantedTokenOfAnotherOne"
PROVIDER_KEY = "sk-ant-planted0123456789abcdefghij"
TITLES = re.compile(rb"\x1b\][012];([^\x07\x1b]*)")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, seeded_database: Path) -> Iterator[Plane]:
    folder = tmp_path_factory.mktemp("plane")
    database = Path(shutil.copy(seeded_database, folder / "plane.db"))
    running = Plane(database, ["--rate-limit", "off"], private_environment(folder / "home"))
    running.start()
    yield running
    running.stop()


def _secrets(plane: Plane, made: str) -> dict[str, bytes]:
    """Return the secrets that must not be found, by description."""
    about = plane.about
    texts = {
        "token": about["token"],
        "session cookie": about["session_cookie"].partition("=")[2],
        "webhook secret": about["webhook_secret"],
        "new API key": made,
        "token typed into a field": OTHER_TOKEN,
        "provider key typed into a field": PROVIDER_KEY,
    }
    return {name: text.encode() for name, text in texts.items()}


def _browser(folder: Path, seen: Path) -> Path:
    """Return a browser that writes its environment and arguments to a file."""
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\n{{ env; echo "$@"; }} > {seen}.new\nmv {seen}.new {seen}\n')
    browser.chmod(0o755)
    return browser


def _found(secrets: dict[str, bytes], where: str, data: bytes) -> list[str]:
    return [f"{name} in {where}" for name, secret in secrets.items() if secret in data]


def test_console_leaks_no_secret(plane: Plane, tmp_path: Path) -> None:
    home, seen = tmp_path / "home", tmp_path / "seen-by-the-browser"
    env = private_environment(home) | credentials(plane.about, plane.url)
    env |= {"BROWSER": str(_browser(tmp_path, seen)), "DISPLAY": ":0"}
    terminal = Terminal(PROGRAM, columns=100, rows=30, env=env, cwd=ROOT)
    try:
        terminal.wait_for(r"acme/")
        # A new API key is shown once; its name and a prompt are what somebody pastes secrets into by mistake.
        terminal.press(":", "api-keys", "enter")
        terminal.wait_for(r"API keys +\d")
        terminal.press("n")
        terminal.wait_for("╭─")
        terminal.press(OTHER_TOKEN, "ctrl+s")
        made = terminal.wait_for(r"(?!mog_Planted)mog_\w{20,}")[0]
        terminal.press("esc")
        terminal.wait_gone(made)
        terminal.press(":", "runs", "enter")
        terminal.wait_for(r"STATE +ABOUT")
        terminal.press("/")
        terminal.wait_for(r"esc clear")
        terminal.press(PROVIDER_KEY)
        terminal.wait_for(PROVIDER_KEY[:20])
        terminal.press("esc")
        terminal.wait_gone(PROVIDER_KEY[:20])
        terminal.press("2")
        terminal.wait_for(r"(?m)^ Projects +\d")
        terminal.press("o")
        while not seen.exists():
            assert terminal.read_some(20), terminal.text
        secrets = _secrets(plane, made)
        command = Path(f"/proc/{terminal.pid}/cmdline").read_bytes()
        leaks = _found(secrets, "the arguments", command)
        leaks += _found(secrets, "the environment of the browser", seen.read_bytes())
        leaks += _found(secrets, "the title", b"".join(TITLES.findall(terminal.raw)))
        terminal.press("\x11")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {"ledger.jsonl", "mogplex-tui.log", "picture.json", "known_records.json"} <= {
        path.name for path in files
    }
    for path in files:
        leaks += _found(secrets, path.name, path.read_bytes())
    assert leaks == []


def test_stored_secrets_reach_no_child_process(plane: Plane, tmp_path: Path) -> None:
    # The home of this process, so that the test can store the context.
    home = Path(os.environ["HOME"])
    seen, shell = tmp_path / "seen-by-the-browser", tmp_path / "seen-by-the-shell"
    env = private_environment(home)
    env |= {"BROWSER": str(_browser(tmp_path, seen)), "DISPLAY": ":0"}
    record = StoredCredential(
        plane.url, Secret(plane.about["token"]), None, Secret(plane.about["session_cookie"])
    )
    context = Context(
        "prod", plane.url, credential_store=credential_store.FILE, credential_kinds=record.credential_kinds
    )
    contexts.change(lambda known: known.put(context, use=True))
    credential_store.save("prod", record, where=credential_store.FILE)
    console = " ".join(map(shlex.quote, PROGRAM))
    job = f"set -m; {console}; {{ env; jobs -l; }} > {shell}; echo suspended; read -r; fg"
    terminal = Terminal(["bash", "-c", job], columns=100, rows=30, env=env, cwd=ROOT)
    try:
        terminal.wait_for(r"acme/")
        terminal.press("2")
        terminal.wait_for(r"(?m)^ Projects +\d")
        terminal.press("o")
        while not seen.exists():
            assert terminal.read_some(20), terminal.text
        terminal.press("\x1a")
        terminal.wait_for(r"suspended")
        secrets = _secrets(plane, OTHER_TOKEN)
        leaks = _found(secrets, "the environment of the browser", seen.read_bytes())
        leaks += _found(secrets, "the environment of the shell", shell.read_bytes())
        leaks += _found(secrets, "the terminal", terminal.raw)
        (pid,) = re.findall(r"(\d+) Stopped", shell.read_text())
        for name in ("environ", "cmdline"):
            leaks += _found(secrets, f"the console's {name}", Path(f"/proc/{pid}/{name}").read_bytes())
        terminal.press("enter")
        terminal.wait_gone(r"suspended")
        terminal.press("\x11")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()
    kept = [path for path in home.rglob("*") if path.is_file() and path.parent.name == "credentials"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600]
    for path in home.rglob("*"):
        if path.is_file() and path not in kept:
            leaks += _found(secrets, path.name, path.read_bytes())
    assert leaks == []
