"""A console whose credentials are in a keyring is shown before it reads them."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from mogplex_tui import app
from mogplex_tui.api.target import Target
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context
from mogplex_tui.config.credential_store import StoredCredential
from mogplex_tui.config.secret import Secret
from tests.cli.support import CommandRunner
from tests.memory_keyring import MemoryKeyring, in_use

URL = "http://127.0.0.1:9"
TOKEN = "mog_" + "k" * 24


class CountingKeyring(MemoryKeyring):
    """A keyring that counts its reads."""

    read_count = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.read_count += 1
        return super().get_password(service, username)


@pytest.fixture
def keyring() -> Iterator[CountingKeyring]:
    with in_use(CountingKeyring()) as keyring:
        assert isinstance(keyring, CountingKeyring)
        store = credential_store.save("work", StoredCredential(URL, token=Secret(TOKEN)))
        contexts.change(
            lambda known: known.put(
                Context("work", URL, credential_store=store, credential_kinds=("token",)), use=True
            )
        )
        keyring.read_count = 0
        yield keyring


async def _find_target_of(console: app.ConsoleApp) -> Target | None:
    """Return the target that a console finds with its credentials."""
    assert console._find_target is not None
    return await console._find_target()


@pytest.fixture
def consoles(monkeypatch: pytest.MonkeyPatch, keyring: CountingKeyring) -> list[str]:
    """Record the consoles that are shown.

    For each: how often the keyring was read before, and the target that was found then.
    """
    log: list[str] = []

    def run(self: app.ConsoleApp) -> int:
        log.append(f"asked {keyring.read_count} times")
        if self._find_target is not None:
            target = asyncio.run(_find_target_of(self))
            log.append("none" if target is None else f"{target.name} {target.token == Secret(TOKEN)}")
        return 0

    monkeypatch.setattr(app.ConsoleApp, "run", run)
    return log


async def test_keyring_is_read_after_console_is_shown(mogplex: CommandRunner, consoles: list[str]) -> None:
    result = await mogplex(terminal=True)
    assert (result.code, result.err) == (0, "")
    assert consoles == ["asked 0 times", "work True"]


async def test_locked_keyring_ends_console_with_message(
    mogplex: CommandRunner, consoles: list[str], keyring: CountingKeyring
) -> None:
    keyring.locked = True
    result = await mogplex(terminal=True)
    assert result.code == 3
    assert "The system keyring does not give the credentials of work" in result.err
    assert consoles == ["asked 0 times", "none"]


async def test_leaving_before_keyring_responds_asks_nothing(
    mogplex: CommandRunner, consoles: list[str], keyring: CountingKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(self: app.ConsoleApp) -> None:
        looking = asyncio.ensure_future(_find_target_of(self))
        await asyncio.sleep(0)
        looking.cancel()

    def run(self: app.ConsoleApp) -> int:
        asyncio.run(leave(self))
        for thread in threading.enumerate():
            if thread.name == "blocking call":
                thread.join(10)
        return 0

    monkeypatch.setattr(app.ConsoleApp, "run", run)
    keyring.locked = True
    result = await mogplex(terminal=True)
    assert (result.code, result.err, keyring.read_count) == (0, "", 1)


async def test_missing_credentials_are_asked_for(
    mogplex: CommandRunner, consoles: list[str], keyring: CountingKeyring
) -> None:
    keyring.kept.clear()
    result = await mogplex(stdin="q\n", terminal=True)
    assert result.code == 0
    assert f"There is no credential for {URL} yet." in result.err
    assert consoles == ["asked 0 times", "none"]


async def test_configured_credentials_need_no_keyring(
    mogplex: CommandRunner, consoles: list[str], keyring: CountingKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOGPLEX_TOKEN", TOKEN)
    monkeypatch.setenv("MOGPLEX_SESSION_COOKIE", "a=b")
    assert (await mogplex(terminal=True)).code == 0
    assert consoles == ["asked 0 times"]
    assert keyring.read_count == 0


async def test_keyring_is_read_first_without_terminal(
    mogplex: CommandRunner, consoles: list[str], keyring: CountingKeyring
) -> None:
    keyring.locked = True
    assert (await mogplex()).code == 3
    assert consoles == []


async def test_console_is_not_shown_on_redirected_stderr(
    mogplex: CommandRunner, consoles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # With `2> file` the console would be drawn into the file.
    monkeypatch.setattr("tests.cli.support.CapturedStream.isatty", lambda stream: stream is not sys.stderr)
    result = await mogplex(terminal=True)
    assert (result.code, consoles) == (2, [])
    assert "The console needs a terminal." in result.err
