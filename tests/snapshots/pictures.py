"""Take SVG pictures of a console once its screen has settled."""

from __future__ import annotations

import asyncio
from typing import Any

from pytest_textual_snapshot import SVGImageExtension
from textual.pilot import Pilot

DEADLINE = 30.0


async def at_rest(pilot: Pilot[Any]) -> None:
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


def picture(pilot: Pilot[Any]) -> str:
    """What is on the screen, as SVG."""
    return pilot.app.export_screenshot(title=pilot.app.title, simplify=True)


class Named(SVGImageExtension):  # type: ignore[misc]
    """Files that are called what a test calls its pictures, of which it may take many."""

    @classmethod
    def get_snapshot_name(cls, *, test_location: Any, index: Any = 0) -> str:
        """Return the name that was given; raise TypeError for a picture without one."""
        if not isinstance(index, str):
            raise TypeError("each picture has a name")
        return index
