"""What takes long says so on stderr while a person looks at it; files and pipes get nothing of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from mogplex_tui.cli.output import clip
from mogplex_tui.operate import formatting

EVERY = 1.0
_CLEAR = "\r\x1b[K"


@asynccontextmanager
async def progress(sentence: str | Callable[[], str]) -> AsyncGenerator[None]:
    """Keep one line on the terminal, with the time that has passed, until the block is left; then take it away."""
    if not sentence or not sys.stderr.isatty():
        yield
        return
    task = asyncio.create_task(_shown(sentence if callable(sentence) else lambda: sentence))
    try:
        yield
    finally:
        task.cancel()
        # Not `await task`: it would take a ctrl+c that comes meanwhile for the end of the line.
        try:
            await asyncio.wait([task])
        finally:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


async def _shown(sentence: Callable[[], str]) -> None:
    import shutil

    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        line = f"{sentence()} … {formatting.seconds(loop.time() - began)}"
        sys.stderr.write(_CLEAR + clip(line, shutil.get_terminal_size().columns - 1))
        sys.stderr.flush()
        await asyncio.sleep(EVERY)
