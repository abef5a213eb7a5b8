"""The hosted profile of the service: what a token alone may not see is asked for once, and a session opens all of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mogplex_tui.api.access import Family, family_of
from mogplex_tui.operate.kinds.base import Kind
from mogplex_tui.operate.kinds.registry import kinds
from tests.pilot.kinds.story import server
from tests.pilot.kinds.walking import asks_the_service, heard, soon, type_keys

__all__ = ["server"]

ASKING = [kind for kind in kinds().values() if asks_the_service(kind)]


async def _read_again(ui: Any, kind: Kind) -> None:
    """Ask for a list by its key and wait until that was heard."""
    screen = await heard(ui, kind)
    feed = screen.collection.feed
    await soon(ui, lambda: not feed.running, "the reading under way")
    begun = feed.begun
    await type_keys(ui, "r")
    await soon(ui, lambda: feed.begun != begun and not feed.running, f"{kind.name} read again")


async def test_a_token_alone_asks_for_what_is_closed_to_it_once(console: Any) -> None:
    async with console(gate=True, cookie=False) as ui:
        for kind in ASKING:
            await ui.app.go(kind.name)
            await heard(ui, kind)
        families = Counter(family_of(path) for path in ui.edge.turned_away)
        assert families, "the hosted profile turns nobody away"
        # The list of runs and the figures of the header leave together, before anything is known.
        assert families.pop(Family.OBSERVABILITY) <= 2
        assert set(families.values()) == {1}, families
        ui.edge.turned_away.clear()
        for kind in ASKING:
            await ui.app.go(kind.name)
            await _read_again(ui, kind)
        assert ui.edge.turned_away == []


async def test_with_a_session_beside_the_token_every_kind_is_whole(console: Any) -> None:
    async with console(gate=True) as ui:
        for kind in ASKING:
            await ui.app.go(kind.name)
            screen = await heard(ui, kind)
            await soon(ui, lambda screen=screen: screen.collection.set.rows, f"rows of {kind.name}")  # type: ignore[misc]
            assert screen.collection.road is kind.roads[0]
            assert "browser session" not in ui.text
        assert ui.edge.turned_away == []
