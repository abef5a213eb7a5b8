"""The newest related records on a record's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mogplex_tui.operate.related_rows import MOST
from tests.controlplane.row_factory import RowFactory


async def test_page_lists_the_newest_related_records(console: Callable[..., Any], world: RowFactory) -> None:
    repo, other = world.repo("acme/api"), world.repo("acme/web")
    for number in range(MOST + 2):
        world.call(
            repo_id=repo,
            status="success",
            model=f"acme/m{number}",
            started_at=world.clock.us - number * 60_000_000,
        )
    world.call(repo_id=other, status="failed", error="boom")
    async with console() as ui:
        await ui.app.parts.navigation.go("projects")
        await ui.sees("acme/api", "acme/web")
        await ui.press("enter")
        await ui.until(lambda: "all runs" in ui.text and ui.text.count("✓ success") == MOST, "five runs")
        assert "✗ failed" not in ui.text
        await ui.press("down", "enter")
        await ui.sees("Projects ▸ acme/api", "✓ success")
        assert ui.app.screen.run_feed.row.model == "acme/m0"
        # A new run takes the place of the oldest.
        await ui.press("escape")
        world.call(repo_id=repo)
        await ui.until(
            lambda: (ui.text.count("✓ success"), ui.text.count("○ pending")) == (MOST - 1, 1), "the new run"
        )
