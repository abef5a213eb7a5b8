"""Places that were opened are kept on disk, and the palette offers them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mogplex_tui.config.state_file import FileErrorReporter
from mogplex_tui.operate.recent_places import MAX_PLACES, RecentPlace, RecentPlaces
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _titles(places: RecentPlaces) -> list[str]:
    return [place.title for place in places.all()]


async def test_places_of_two_consoles_and_teams_are_merged_and_bounded(tmp_path: Path) -> None:
    errors = FileErrorReporter()
    one, other, team = (RecentPlaces(tmp_path, team, errors) for team in (None, None, "t1"))
    one.add(RecentPlace("runs", "runs / repo:web", filter="repo:web"))
    other.add(RecentPlace("agents", "agent fixer", key="a1"))
    team.add(RecentPlace("agents", "agent of a team", key="a2"))
    for places in (one, other, team):
        await places.sync()
    assert _titles(other) == ["agent fixer", "runs / repo:web"]
    assert _titles(team) == ["agent of a team"]
    # What one console drops is not brought back by the other.
    other.remove(other.all()[0])
    await other.sync()
    one.add(RecentPlace("runs", "runs / repo:web", filter="repo:web", sort="cost"))
    assert not one.add(RecentPlace("runs", "runs / repo:web", filter="repo:web", sort="cost"))
    await one.sync()
    assert [(place.title, place.sort) for place in one.all()] == [("runs / repo:web", "cost")]
    for number in range(MAX_PLACES + 5):
        one.add(RecentPlace("agents", f"agent {number}", key=f"k{number}"))
    await one.sync()
    assert len(one.all()) == MAX_PLACES


async def test_palette_opens_recent_places_and_drops_deleted_records(
    console: Run, world: RowFactory, tmp_path: Path
) -> None:
    for name in ("web", "api"):
        world.call(repo_id=world.repo(f"acme/{name}"), status="success")
    agent = world.agent(name="fixer")
    stored = RecentPlaces(tmp_path / "state", None, FileErrorReporter())
    stored.add(RecentPlace("agents", "agent fixer", key=agent))
    stored.add(RecentPlace("runs", "runs / repo:web", filter="repo:web"))
    await stored.sync()
    async with console() as ui:
        await ui.until(ui.app.parts.recent.all)
        await ui.press("colon")
        screen = await ui.sees("Recent", "agent fixer")
        assert screen.index("runs / repo:web") < screen.index("agent fixer") < screen.index("approvals")
        await ui.press("enter")
        await ui.sees("/ repo:web", "1 of 2")
        await ui.press("colon")
        # The list that is shown is not offered.
        await ui.sees("Recent")
        assert "runs / repo:web" not in ui.text
        await ui.press("enter")
        await ui.sees("Runs ▸ agent fixer")
        await ui.press("3", "slash", *"fix", "enter", "1", "escape")
        with ui.server.plane.db.transaction() as tx:
            tx.execute("DELETE FROM agents WHERE id = ?", (agent,))
        # The list of agents was read too long ago to show the record from it.
        ui.app.parts.collections.of_name("agents").set.freshness.as_of -= 1000
        await ui.press("colon", *"agent fixer", "enter")
        await ui.sees("Agent fixer no longer exists.")
    await stored.sync()
    assert _titles(stored) == ["runs / repo:web", "agents / fix"]
