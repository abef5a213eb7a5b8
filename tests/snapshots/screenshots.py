"""Take SVG pictures of a console once its screen has settled."""

from __future__ import annotations

import asyncio
from typing import Any

from pytest_textual_snapshot import SVGImageExtension
from textual.pilot import Pilot

DEADLINE = 30.0


async def wait_until_settled(pilot: Pilot[Any]) -> None:
    """Wait until the screen has settled: two renderings in a row are the same."""
    loop = asyncio.get_running_loop()
    deadline, before = loop.time() + DEADLINE, None
    while True:
        await pilot.pause()
        screen = pilot.app.screen
        now = (screen, screen.size, screen._compositor.render_strips())
        if now == before:
            return
        assert loop.time() < deadline, "the screen never came to rest"
        before = now


def screenshot(pilot: Pilot[Any]) -> str:
    """Return the screen as SVG."""
    return pilot.app.export_screenshot(title=pilot.app.title, simplify=True)


class NamedSnapshot(SVGImageExtension):  # type: ignore[misc]
    """Snapshot files named by the test, which may take several."""

    @classmethod
    def get_snapshot_name(cls, *, test_location: Any, index: Any = 0) -> str:
        """Return the name that was given; raise TypeError for a picture without one."""
        if not isinstance(index, str):
            raise TypeError("each picture has a name")
        return index
