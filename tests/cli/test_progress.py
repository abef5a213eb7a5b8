"""A ctrl+c while the progress line is being removed ends the command."""

from __future__ import annotations

import asyncio
import io

import pytest

from mogplex_tui.cli import progress


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_ctrl_c_while_progress_line_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    ending, free = asyncio.Event(), asyncio.Event()

    async def slow_to_end(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await free.wait()

    monkeypatch.setattr("sys.stderr", FakeTerminal())
    monkeypatch.setattr(progress, "_draw_line", slow_to_end)

    async def command() -> str:
        async with progress.progress("reading"):
            await asyncio.sleep(0)
        return "went on"

    running = asyncio.create_task(command())
    await ending.wait()
    running.cancel()
    await asyncio.sleep(0)
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await running
