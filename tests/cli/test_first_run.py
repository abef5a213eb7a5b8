"""The console without a service or a credential offers the demo or a sign-in.

Without a terminal it ends with a message.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex_tui import app
from mogplex_tui.cli import demo
from mogplex_tui.config import contexts
from mogplex_tui.config.contexts import Context
from mogplex_tui.config.file_locks import locked
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.screens.header_line import Look, header_segments
from mogplex_tui.widgets.styles import Tone
from tests.cli.browser_sign_in import approve, wait_for_address
from tests.cli.support import CommandRunner


@pytest.fixture
def consoles(monkeypatch: pytest.MonkeyPatch) -> list[app.ConsoleApp]:
    """Record the consoles that are started; none is drawn."""
    found: list[app.ConsoleApp] = []

    def run(self: app.ConsoleApp) -> int:
        found.append(self)
        return 0

    monkeypatch.setattr(app.ConsoleApp, "run", run)
    return found


@pytest.fixture
def ports() -> Iterator[None]:
    with locked(Path(tempfile.gettempdir()) / "mogplex-tui-test-ports.lock", 300):
        yield


async def test_first_run_without_terminal_gives_advice(
    mogplex: CommandRunner, consoles: list[app.ConsoleApp]
) -> None:
    result = await mogplex()
    assert (result.code, result.out) == (3, "")
    assert "mogplex-tui demo" in result.err and "mogplex-tui login" in result.err
    assert not consoles


@pytest.mark.parametrize("command", [["demo"], []], ids=["demo", "console"])
async def test_console_does_not_start_without_terminal(
    mogplex: CommandRunner,
    consoles: list[app.ConsoleApp],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    monkeypatch.setenv("MOGPLEX_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("MOGPLEX_TOKEN", "mog_any")
    result = await mogplex(*command)
    assert (result.code, result.out) == (2, "")
    assert "needs a terminal" in result.err and "mogplex-tui runs list" in result.err
    assert not consoles


@pytest.mark.parametrize(
    ("command", "closed", "code"), [("demo", "<&-", 2), ("info", ">&-", 0)], ids=["stdin", "stdout"]
)
def test_closed_stream_is_not_a_terminal(tmp_path: Path, command: str, closed: str, code: int) -> None:
    words = ["sh", "-c", f'exec "$0" -m mogplex_tui {command} {closed}', sys.executable]
    result = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)})
    assert (result.returncode, result.stdout) == (code, "")
    assert "Traceback" not in result.stderr
    assert ("needs a terminal" in result.stderr) == (code == 2)


@pytest.mark.parametrize("choice", ["1\n", "\n"], ids=["1", "default"])
async def test_demo_is_the_default_choice(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    demos: list[argparse.Namespace] = []

    def run(arguments: argparse.Namespace) -> int:
        demos.append(arguments)
        return 0

    monkeypatch.setattr(demo, "run", run)
    result = await mogplex("--theme", "light", "--ascii", stdin=choice, terminal=True)
    assert result.code == 0
    assert "try the demo" in result.err and "sign in" in result.err
    assert [(each.command, each.theme, each.ascii, each.read_only) for each in demos] == [
        ("demo", "light", True, None)
    ]


@pytest.mark.parametrize(
    ("typed", "count"),
    [("q\n", 0), ("", 0), ("7\ndemo\nq\n", 2)],
    ids=["quit", "end of input", "two invalid choices"],
)
async def test_invalid_choice_is_asked_again(
    mogplex: CommandRunner, consoles: list[app.ConsoleApp], typed: str, count: int
) -> None:
    result = await mogplex(stdin=typed, terminal=True)
    assert (result.code, result.err.count("Type 1, 2 or q.")) == (0, count)
    assert not consoles and contexts.read().by_name == {}


async def test_sign_in_leads_to_console(
    mogplex: CommandRunner, plane: PlaneServer, consoles: list[app.ConsoleApp], ports: None
) -> None:
    command = mogplex.start(stdin=f"2\n{plane.base_url}\n", terminal=True)
    await approve(await wait_for_address(command))
    assert (await command.result()).code == 0
    (console,) = consoles
    assert console.session.target.base_url == plane.base_url
    assert console.session.target.renewal is not None
    assert console.look.context == contexts.read().current


async def test_known_service_is_offered_for_sign_in(
    mogplex: CommandRunner, plane: PlaneServer, consoles: list[app.ConsoleApp], ports: None
) -> None:
    contexts.change(lambda known: known.put(Context("mine", plane.base_url, protected=True, colour="error")))
    command = mogplex.start(stdin="2\n", terminal=True)
    await approve(await wait_for_address(command))
    assert (await command.result()).code == 0
    (console,) = consoles
    assert (console.look.context, console.look.protected, console.look.colour) == ("mine", True, "error")
    assert f"no credential for {plane.base_url}" in command.err.text


@pytest.mark.parametrize(
    ("look", "text", "tone"),
    [
        (Look("work"), "work", Tone.STRONG),
        (Look("work", colour="success"), "work", Tone.OK),
        (Look("prod", protected=True), "prod protected", Tone.WARN),
        (Look("prod", protected=True, colour="error"), "prod protected", Tone.ERROR),
        (Look("work", colour="of a later version"), "work", Tone.STRONG),
    ],
    ids=["plain", "coloured", "protected", "protected and coloured", "unknown colour"],
)
async def test_header_shows_context_in_its_colour(look: Look, text: str, tone: Tone) -> None:
    from mogplex_tui.live.session import Session

    segment = header_segments(Session(), look)[1]
    assert (segment.text, segment.tone) == (text, tone)


async def test_demo_does_not_load_sign_in_modules() -> None:
    never = [
        *(
            "keyring",
            "tomllib",
            "webbrowser",
            "getpass",
            "mogplex_tui.config.contexts",
            "mogplex_tui.config.credential_store",
        ),
        *("mogplex_tui.api.token_renewal", "mogplex_tui.api.oauth", "mogplex_tui.cli.login"),
        *("mogplex_tui.cli.first_run",),
    ]
    code = (
        # Coverage measurement loads modules before the first line.
        "import sys\nbefore = set(sys.modules)\nfrom mogplex_tui.cli import demo, parser\n"
        # It ends where the plane would start.
        "demo.PlaneProcess, demo.require_terminal = lambda *_, **__: sys.exit(0), lambda: None\n"
        "try: parser.run(['demo'])\n"
        "except SystemExit: print('reached')\n"
        f"print(*[name for name in {never} if name in sys.modules.keys() - before])"
    )
    result = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["reached"]
