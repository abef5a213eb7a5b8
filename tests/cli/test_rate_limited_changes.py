"""A change that a rate limit refuses is sent again, and ctrl+c cancels it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest

from mogplex_tui.config.paths import state_dir
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.command_process import start_command
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory

QUEUED = re.compile(
    r"Delete of agent Reviewer is queued: too many requests\. Retrying in \d+s, at \d\d:\d\d:\d\d\. "
    r"ctrl\+c cancels it\.\n"
)


def _refuse(plane: PlaneServer, rule: str) -> None:
    assert plane.plane.faults is not None
    plane.plane.faults.add(parse(rule))


def _states() -> list[str]:
    (file,) = Path(state_dir("x")).parent.glob("*/ledger.jsonl")
    return [json.loads(line)["state"] for line in file.read_text().splitlines()]


async def test_change_is_retried_after_retry_after(
    operator: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    agent = factory.agent("Reviewer")
    _refuse(plane, "DELETE /api/* 429:7 x2")
    result = await operator("agents", "delete", agent, "--yes")
    assert (result.code, result.out.strip()) == (0, agent)
    assert len(QUEUED.findall(result.err)) == 2 and "Retrying in 7s" in result.err
    assert _states() == ["sent", "queued", "sent", "queued", "sent", "done"]


async def test_repeatedly_refused_change_ends_as_throttled(
    operator: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    agent = factory.agent("Reviewer")
    _refuse(plane, "DELETE /api/* 429:7")
    result = await operator("agents", "delete", agent, "--yes")
    assert (result.code, result.out) == (5, "")
    assert result.err.endswith("Delete of agent Reviewer was refused: too many requests. Retry in 7s.\n")
    assert _states()[-1] == "refused"


async def test_hourly_quota_is_not_waited_for(
    operator: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    agent = factory.agent("Reviewer")
    _refuse(plane, "DELETE /api/* 429:3600")
    result = await operator("agents", "delete", agent, "--yes")
    assert result.err == "Delete of agent Reviewer was refused: too many requests. Retry in 3600s.\n"
    assert _states() == ["sent", "refused"]


@pytest.mark.parametrize(
    ("end", "code", "state"),
    [(signal.SIGINT, 130, "refused"), (signal.SIGKILL, -9, "queued")],
    ids=["ctrl+c", "killed"],
)
async def test_interrupted_command_records_nothing_done(
    operator: CommandRunner,
    plane: PlaneServer,
    factory: RowFactory,
    end: signal.Signals,
    code: int,
    state: str,
) -> None:
    agent = factory.agent("Reviewer")
    _refuse(plane, "DELETE /api/* 429:60")
    process = await start_command("agents", "delete", agent, "--yes")
    assert process.stderr is not None
    line = await asyncio.wait_for(process.stderr.readline(), 30)
    assert QUEUED.fullmatch(line.decode())
    process.send_signal(end)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out) == (code, b"")
    message = b"The delete of agent Reviewer was given up and not sent.\n"
    assert err == (message if end is signal.SIGINT else b"")
    assert _states()[-1] == state


async def test_wait_counts_down_on_terminal(
    operator: CommandRunner, plane: PlaneServer, factory: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mogplex_tui.operate import executor

    shown = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def pause(_: float, __: asyncio.Event | None = None) -> None:
        # Until the line is on the terminal.
        while "Waiting: delete in" not in command.err.text:
            await asyncio.sleep(0.01)
        loop.call_soon_threadsafe(shown.set)

    monkeypatch.setattr(executor, "pause", pause)
    agent = factory.agent("Reviewer")
    _refuse(plane, "DELETE /api/* 429:7 x1")
    command = operator.start("agents", "delete", agent, "--yes", terminal=True)
    result = await command.result()
    assert shown.is_set()
    assert result.code == 0
    assert "\x1b[KWaiting: delete in 7 s" in result.err
