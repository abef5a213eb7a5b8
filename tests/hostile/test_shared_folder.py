"""Two consoles and a command that share a state directory lose no changes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from textual.widgets import Select, TextArea

from mogplex_tui.api.target import Target
from mogplex_tui.config.paths import state_dir
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.row_factory import RowFactory
from tests.pilot.conftest import console, server, world
from tests.pilot.console import Console

__all__ = ["console", "server", "world"]

CONSOLES = ("first console", "second console")
COMMANDS = [f"command {number}" for number in range(8 if os.environ.get("MOGPLEX_TEST_LONG") == "1" else 1)]


async def _start_and_cancel(ui: Console, repo: str, prompt: str) -> None:
    await ui.until(lambda: ui.app.session.names.repos)
    await ui.press("n")
    await ui.sees("New run")
    ui.app.screen.query_one("#repo", Select).value = repo
    ui.app.screen.query_one("#prompt", TextArea).text = prompt
    await ui.press("ctrl+s")
    await ui.sees("following", prompt)
    await ui.press("x")
    await ui.sees("Cancel this run?")
    await ui.press("right", "enter")
    await ui.sees("cancelled")


async def _command(server: PlaneServer, *arguments: str) -> str:
    """Run a command as a process of its own and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mogplex_tui", *arguments),
        env={
            **os.environ,
            "MOGPLEX_BASE_URL": server.base_url,
            "MOGPLEX_TOKEN": server.token,
            "MOGPLEX_SESSION_COOKIE": server.session_cookie,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def _start_and_cancel_by_command(server: PlaneServer, repo: str, prompt: str) -> None:
    started = await _command(server, "runs", "start", "--repo", repo, "--prompt", prompt, "--json")
    run_id = json.loads(started)["run_id"]
    await _command(server, "runs", "cancel", "--yes", run_id)


async def test_shared_directory_has_changes_of_all_programs(
    console: Callable[..., Any], server: PlaneServer, world: RowFactory
) -> None:
    repo = world.repo("acme/web")
    folder = state_dir(Target("default", server.base_url).host)
    both_run = asyncio.Barrier(len(CONSOLES) + 1)

    async def operate(prompt: str) -> None:
        async with console(directory=folder) as ui:
            await ui.sees("Runs")
            await both_run.wait()
            await _start_and_cancel(ui, repo, prompt)
            await both_run.wait()

    async def command() -> None:
        await both_run.wait()
        await asyncio.gather(*(_start_and_cancel_by_command(server, repo, each) for each in COMMANDS))
        await both_run.wait()

    async with asyncio.timeout(120):
        await asyncio.gather(command(), *(operate(prompt) for prompt in CONSOLES))
    lines = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    changes = Counter(line["action"] for line in lines if line["state"] == "sent")
    assert changes == {action: len(CONSOLES) + len(COMMANDS) for action in ("runs.start", "runs.cancel")}
    for change in {line["id"] for line in lines}:
        assert [line["state"] for line in lines if line["id"] == change] == ["sent", "done"], change
    remembered = json.loads((folder / "runs.json").read_text())
    assert Counter(run["prompt"] for run in remembered) == Counter([*CONSOLES, *COMMANDS])
    assert len({run["run_id"] for run in remembered}) == len(remembered)
    assert json.loads((folder / "picture.json").read_text())["runs"]
    assert [path.name for path in folder.iterdir() if "damaged" in path.name or path.name[0] == "."] == []
