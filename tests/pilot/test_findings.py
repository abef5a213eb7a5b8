"""The header says what is wrong, and its key leads to the records that explain it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events

from mogplex_tui.widgets.segment_line import HeaderLine
from tests.controlplane.row_factory import RowFactory
from tests.pilot.approvals import insert_approval

Run = Callable[..., Any]
HOUR_US = 3_600_000_000


def _failing_model(world: RowFactory) -> None:
    repo = world.repo("acme/api")
    for hour in range(2, 12):
        world.call(repo_id=repo, status="success", started_at=world.clock.us - hour * HOUR_US)
    for _ in range(9):
        world.call(repo_id=repo, status="failed", model="openai/gpt-5.2")
    world.call(repo_id=repo, status="success", model="openai/gpt-5-mini")


async def test_finding_leads_to_its_records(console: Run, world: RowFactory) -> None:
    _failing_model(world)
    for _ in range(8):
        insert_approval(world, 3600)
    async with console(size=(140, 40)) as ui:
        await ui.sees("▲ 9 failed in 1 h (gpt-5.2)", "◆ 8 approvals", "! health")
        assert ui.text.count("◆") == 1
        await ui.press("exclamation_mark")
        await ui.sees("9 of 9 runs of gpt-5.2 failed in 1 h; usually 0 %", "8 approvals wait for a person.")
        await ui.press("enter")
        await ui.sees("9 of 20", "model:=openai/gpt-5.2")
        header = ui.app.screen.query_one(HeaderLine)
        at = header.render_line(0).text.index("8 approvals")
        header.post_message(events.Click(header, at, 0, 0, 0, 1, False, False, False))
        await ui.sees("8 approvals wait for a person.")
        await ui.press("down", "enter")
        await ui.until(lambda: ui.app.screen.scope == "approvals", "the approvals")


async def test_nothing_unusual_is_not_shown(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), status="failed")
    async with console() as ui:
        await ui.sees("acme/api")
        assert "▲" not in ui.text
        assert "! health" not in ui.text
        await ui.press("exclamation_mark")
        await ui.sees("Nothing unusual in the last hour.")
