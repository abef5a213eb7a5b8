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
from tests.cli.support import Mogplex
from tests.memory_keyring import MemoryKeyring, in_use

URL = "http://127.0.0.1:9"
TOKEN = "mog_" + "k" * 24


class Asked(MemoryKeyring):
    """A keyring that counts its reads."""

    asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return super().get_password(service, username)


@pytest.fixture
def ring() -> Iterator[Asked]:
    with in_use(Asked()) as ring:
        assert isinstance(ring, Asked)
        kept = credential_store.save("work", StoredCredential(URL, token=Secret(TOKEN)))
        contexts.change(
            lambda known: known.put(Context("work", URL, kept_in=kept, holds=("token",)), use=True)
        )
        ring.asked = 0
        yield ring


async def _target(console: app.ConsoleApp) -> Target | None:
    """Return the target that a console finds with its credentials."""
    assert console._find_target is not None
    return await console._find_target()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, ring: Asked) -> list[str]:
    """Record the consoles that are shown.

    For each: how often the keyring was read before, and the target that was found then.
    """
    said: list[str] = []

    def run(self: app.ConsoleApp) -> int:
        said.append(f"asked {ring.asked} times")
        if self._find_target is not None:
            target = asyncio.run(_target(self))
            said.append("none" if target is None else f"{target.name} {target.token == Secret(TOKEN)}")
        return 0

    monkeypatch.setattr(app.ConsoleApp, "run", run)
    return said


async def test_the_keyring_is_asked_when_the_console_is_on_the_screen(
    mogplex: Mogplex, shown: list[str]
) -> None:
    done = await mogplex(terminal=True)
    assert (done.code, done.err) == (0, "")
    assert shown == ["asked 0 times", "work True"]


async def test_a_locked_keyring_ends_the_console_and_is_told_of(
    mogplex: Mogplex, shown: list[str], ring: Asked
) -> None:
    ring.locked = True
    done = await mogplex(terminal=True)
    assert done.code == 3
    assert "The system keyring does not give the credentials of work" in done.err
    assert shown == ["asked 0 times", "none"]


async def test_who_leaves_before_the_keyring_answers_is_asked_nothing(
    mogplex: Mogplex, shown: list[str], ring: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def left(self: app.ConsoleApp) -> None:
        looking = asyncio.ensure_future(_target(self))
        await asyncio.sleep(0)
        looking.cancel()

    def run(self: app.ConsoleApp) -> int:
        asyncio.run(left(self))
        for thread in threading.enumerate():
            if thread.name == "blocking call":
                thread.join(10)
        return 0

    monkeypatch.setattr(app.ConsoleApp, "run", run)
    ring.locked = True
    done = await mogplex(terminal=True)
    assert (done.code, done.err, ring.asked) == (0, "", 1)


async def test_credentials_that_are_gone_are_asked_for(
    mogplex: Mogplex, shown: list[str], ring: Asked
) -> None:
    ring.kept.clear()
    done = await mogplex(stdin="q\n", terminal=True)
    assert done.code == 0
    assert f"There is no credential for {URL} yet." in done.err
    assert shown == ["asked 0 times", "none"]


async def test_who_gives_both_credentials_waits_for_no_keyring(
    mogplex: Mogplex, shown: list[str], ring: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOGPLEX_TOKEN", TOKEN)
    monkeypatch.setenv("MOGPLEX_SESSION_COOKIE", "a=b")
    assert (await mogplex(terminal=True)).code == 0
    assert shown == ["asked 0 times"]
    assert ring.asked == 0


async def test_where_nobody_looks_the_keyring_comes_first(
    mogplex: Mogplex, shown: list[str], ring: Asked
) -> None:
    ring.locked = True
    assert (await mogplex()).code == 3
    assert shown == []


async def test_where_nobody_would_see_it_no_console_is_shown(
    mogplex: Mogplex, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # With `2> file` the console would be drawn into the file.
    monkeypatch.setattr("tests.cli.support._Captured.isatty", lambda stream: stream is not sys.stderr)
    done = await mogplex(terminal=True)
    assert (done.code, shown) == (2, [])
    assert "The console needs a terminal." in done.err
