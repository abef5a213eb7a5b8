"""Draws the pictures of the README and the documentation, `make pictures`.

The console runs on an embedded control plane with the demo's data. Both clocks stand still and the data comes from a
seed, so that the pictures change only when the console or the data does.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from textual.pilot import Pilot

from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.realtime import RealtimeState
from tests.controlplane.manual_clock import ManualClock
from tests.docs.markdown import DOCS
from tests.snapshots.screenshots import screenshot, wait_until_settled

FOLDER = DOCS / "images"
# Columns and lines of the terminal: readable in the width of a page on a code host.
SIZE = (110, 30)


class ScreenImage(NamedTuple):
    """The keys that open a screen from the one before, and prefixes of its feeds."""

    keys: tuple[str, ...]
    feeds: tuple[str, ...]


SCREENS = {
    "runs": ScreenImage((), ("runs",)),
    # The fourth run of the list is in progress and has written events.
    "run": ScreenImage(("down", "down", "down", "enter"), ("run:", "runs")),
    "observability": ScreenImage(("escape", "6"), ("stats:day", "stats:week")),
}
# Seconds until the service has answered everything that a screen asks for.
_DEADLINE = 30.0
_HEADER_FEEDS = ("account", "names", "stats:hour", "stats:hours", "waiting")
_WEB_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


class _FixedClock:
    """A client's clock that stands still, five seconds after the plane's."""

    def monotonic(self) -> float:
        return 1000.0

    def now(self) -> datetime:
        return datetime(2026, 8, 5, 10, 0, 5, tzinfo=UTC)


def _without_web_font(svg: str) -> str:
    """Return the picture with a local font: documents load nothing from other hosts."""
    font = "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    return _WEB_FONT.sub("", svg).replace("font-family: Fira Code, monospace", font)


async def _until_read(app: ConsoleApp, pilot: Pilot[Any], names: tuple[str, ...]) -> None:
    """Wait until the feeds of header and screen were read, and draw the screen."""
    session = app.session
    async with asyncio.timeout(_DEADLINE):
        while True:
            await wait_until_settled(pilot)
            feeds = list(session.scheduler._feeds.values())
            are_read = all(feed.freshness.as_of is not None and not feed.running for feed in feeds)
            are_wanted = all(
                any(feed.name.startswith(name) for feed in feeds) for name in (*_HEADER_FEEDS, *names)
            )
            if are_read and are_wanted and session.realtime.state is RealtimeState.OPEN:
                break
            await asyncio.sleep(0.01)
        costs = session.costs
        starts = costs.hourly.starts()
        while costs.hourly.read_count(starts) < len(starts):
            await costs.feeds["hours"].fetch()
    screen: Any = app.screen
    screen.flush()
    screen.tick()
    # Lay the screen out again, now that no message takes height from it.
    for lines in (SIZE[1] - 1, SIZE[1]):
        await pilot.resize_terminal(SIZE[0], lines)
        await wait_until_settled(pilot)


async def draw(scratch: Path) -> dict[str, str]:
    """Return the pictures as SVG, by name.

    The time zone of the process must be UTC. `scratch` is an empty directory.
    """
    images = {}
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=ManualClock()) as server:
        settings = load({"reduced_motion": True}, environ={}, path=scratch / "config.toml")
        target = Target("demo", server.base_url, Secret(server.token), Secret(server.session_cookie))
        app = ConsoleApp(settings, target=target, context="demo", clock=_FixedClock())
        async with app.run_test(size=SIZE) as pilot:
            for name, (keys, feeds) in SCREENS.items():
                for key in keys:
                    await pilot.press(key)
                await _until_read(app, pilot, feeds)
                images[name] = _without_web_font(screenshot(pilot))
    return images


def main() -> None:
    """Write every picture."""
    import os
    import tempfile
    import time

    os.environ.update(TZ="UTC", COLORTERM="truecolor")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HOME"] = scratch
        images = asyncio.run(draw(Path(scratch)))
    FOLDER.mkdir(exist_ok=True)
    for name, svg in images.items():
        (FOLDER / f"{name}.svg").write_text(svg)


if __name__ == "__main__":
    main()
