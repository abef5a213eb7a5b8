"""Pictures of the cost explorer with fixed calls, in several sizes and themes."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from textual.pilot import Pilot

from mogplex_tui.live.call_spans import EPOCH, CoveredSpan
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.screens.cost_explorer import CostScreen
from tests.snapshots.frozen_console import NOW, SIZES, frozen_console, size_id

Snap = Callable[..., bool]
MODELS = (
    "anthropic/claude-opus-5", "anthropic/claude-sonnet-5", "openai/gpt-5.4", "zai/glm-5.2-fast", "acme/a", "acme/b",
)  # fmt: skip


def _rows() -> list[RunRow]:
    rng, rows = random.Random(7), []
    for number in range(400):
        model = rng.randrange(len(MODELS))
        cost = None if rng.random() < 0.1 else Decimal(rng.randint(1, 300)) / (100 + 300 * model)
        source = Cost.UNKNOWN if cost is None else Cost.ESTIMATED if model == 1 else Cost.KNOWN
        tokens = rng.randint(1_000, 90_000)
        rows.append(
            RunRow(
                f"c{number}", RunSource.CALL, "failed" if rng.random() < 0.1 else "success", kind="agent",
                model=MODELS[model], repo=rng.choice(["acme/web", "acme/api", "acme/docs"]), cost=cost,
                cost_source=source, started_at=NOW - timedelta(minutes=30 * number + 3), tokens=tokens,
                input_tokens=tokens // 4, cached_tokens=tokens // 2, user_id="ada",
            )
        )  # fmt: skip
    return rows


def _costs(*keys: str, complete: bool = True) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def before(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        history = app.session.call_history
        history.put(_rows())
        oldest = EPOCH if complete else NOW - timedelta(hours=9)
        history.cover(CoveredSpan(oldest, NOW - timedelta(minutes=3), NOW))
        await pilot.press("dollar_sign")
        await _settled(pilot)
        for key in keys:
            await pilot.press(key)
            await _settled(pilot)

    return before


async def _settled(pilot: Pilot[Any]) -> None:
    """Wait until the screen shows the report of its present question."""
    screen = pilot.app.screen
    assert isinstance(screen, CostScreen)
    while screen.is_computing:
        await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=size_id)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_costs(snap_compare: Snap, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(frozen_console(theme=theme), terminal_size=size, run_before=_costs())


def test_costs_of_a_group_by_day(snap_compare: Snap) -> None:
    assert snap_compare(
        frozen_console(), terminal_size=(120, 40), run_before=_costs("d", "enter", "tab", "left")
    )


def test_costs_that_are_not_complete_in_ascii(snap_compare: Snap) -> None:
    assert snap_compare(
        frozen_console(ascii=True), terminal_size=(120, 40), run_before=_costs(complete=False)
    )
