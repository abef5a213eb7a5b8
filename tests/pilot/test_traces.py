"""The two traces of ARCHITECTURE.md run through every file that they name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.controlplane.row_factory import RowFactory

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = f"{ROOT / 'mogplex_tui'}/"
MOST_FILES = 15


def _trace(beginning: str) -> list[str]:
    """Return the files of the list in ARCHITECTURE.md under a line."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    part = text.partition(beginning)[2].strip().split("\n\n")[0]
    return re.findall(r"^\d+\. `([\w/]+\.py)`", part, re.MULTILINE)


@contextmanager
def _recorded(files: set[str]) -> Iterator[None]:
    """Add every file of the package whose functions are called."""

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            files.add(frame.f_code.co_filename.removeprefix(PACKAGE))

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)


async def test_both_traces_of_the_architecture(console: Any, world: RowFactory) -> None:
    event, cancel = (
        _trace("An event of a run, from HTTP to pixels:"),
        _trace("A cancel, from the key to the state that was read again:"),
    )
    assert 10 <= len(event) <= MOST_FILES
    assert 10 <= len(cancel) <= MOST_FILES
    repo = world.repo("acme/api")
    call_id = world.call(repo_id=repo, metadata={"repo": "acme/api"}, status="streaming")
    world.event(call_id, "log", message="the first line")
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("enter")
        await ui.sees("the first line")
        files = set[str]()
        with _recorded(files):
            world.event(call_id, "log", message="the second line")
            await ui.sees("the second line")
        assert set(event) <= files
        await ui.press("escape")
        await ui.sees("streaming")
        files.clear()
        with _recorded(files):
            await ui.press("x")
            await ui.sees("Cancel this run?")
            await ui.press("right", "enter")
            await ui.sees("⊘ cancelled")
        assert set(cancel) <= files
