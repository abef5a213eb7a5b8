"""Shows a progress line on stderr during slow commands, only on a terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from mogplex_tui.cli.output import clip
from mogplex_tui.operate import formatting

REDRAW_SECONDS = 1.0
_CLEAR = "\r\x1b[K"


@asynccontextmanager
async def progress(sentence: str | Callable[[], str]) -> AsyncGenerator[None]:
    """Show a sentence and the elapsed time on one line until the block ends.

    The line is then removed. Nothing is shown if stderr is not a terminal.
    """
    if not sentence or not sys.stderr.isatty():
        yield
        return
    task = asyncio.create_task(_draw_line(sentence if callable(sentence) else lambda: sentence))
    try:
        yield
    finally:
        task.cancel()
        # Not `await task`: a KeyboardInterrupt that comes meanwhile would be taken for the cancelled task's own error.
        try:
            await asyncio.wait([task])
        finally:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


async def _draw_line(sentence: Callable[[], str]) -> None:
    import shutil

    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        line = f"{sentence()} … {formatting.seconds(loop.time() - started)}"
        sys.stderr.write(_CLEAR + clip(line, shutil.get_terminal_size().columns - 1))
        sys.stderr.flush()
        await asyncio.sleep(REDRAW_SECONDS)
