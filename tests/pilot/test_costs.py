"""The cost explorer shows where the money went, down to the runs."""

from __future__ import annotations

import re
from typing import Any

from mogplex_tui.controlplane.calls.pricing import Tokens
from tests.controlplane.row_factory import RowFactory

HOUR = 3_600_000_000


def _calls(world: RowFactory) -> None:
    """Insert 150 calls, one an hour; every tenth has no price."""
    repos = [world.repo("acme/api"), world.repo("acme/web")]
    for number in range(150):
        is_priced = number % 10 != 9
        world.call(
            started_at=world.clock.us - 1_000_000 - number * HOUR, repo_id=repos[number % 2],
            status="failed" if number % 4 == 0 else "success", type="agent",
            model="acme/nova" if number % 3 else "acme/mini", tokens=Tokens(900, 100),
            cost_usd=0.5 if is_priced else None, cost_source="gateway" if is_priced else None,
        )  # fmt: skip


async def test_costs_are_grouped_and_opened_down_to_the_runs(console: Any, world: RowFactory) -> None:
    _calls(world)
    async with console(size=(150, 40)) as ui:
        await ui.sees("acme/api")
        await ui.press("colon", *"cost", "enter")
        text = await ui.sees(
            "Cost by model, then repo", "last 24 h", "complete", "$11.00 from 24 calls, 2 without"
        )
        assert re.search(r"█ +nova +\$7\.50 +█+ +16 ", text) and re.search(
            r"▓ +mini +\$3\.50 +█\S* +8 ", text
        )
        assert "forecast to midnight UTC ~$" in text and "█ nova" in text
        # The older page is read for a longer range, and days are the bars of the plot.
        await ui.press("d")
        text = await ui.sees("last 7 days", "$67.50 from 150 calls, 15 without a price", "complete")
        assert re.search(r"\d\d [A-Z][a-z]{2}  +\d\d [A-Z][a-z]{2}", text)
        await ui.press("enter")
        text = await ui.sees("▸ model nova ▸ by repo", "all calls:")
        assert re.search(r"acme/web +\$", text) and "mini" not in text
        await ui.press("enter")
        await ui.sees("model:=acme/nova", "age:<7d")
        await ui.press("escape")
        await ui.sees("▸ model nova ▸ by repo")
        await ui.press("escape", "tab", "left")
        await ui.sees("Cost by model, then repo")
        await ui.press("enter")
        await ui.sees("started:")
        await ui.press("escape", "b", *["down"] * 8, "enter")
        text = await ui.sees("Cost by outcome, then repo")
        assert re.search(r"failed +\$", text)


async def test_costs_without_a_session_say_it_once(console: Any, world: RowFactory) -> None:
    _calls(world)
    async with console(size=(100, 30), cookie=False, gate=True) as ui:
        await ui.sees("Runs")
        await ui.press("dollar_sign")
        text = await ui.sees("Cost", "need a browser session", "No calls have been read yet.")
        assert text.count("browser session") == 1 and "$0.00" not in text


async def test_ranges_are_typed_and_checked(console: Any, world: RowFactory) -> None:
    _calls(world)
    async with console(size=(80, 24), ascii=True) as ui:
        await ui.sees("acme/api")
        await ui.press("colon", *"cost by repo 1h", "enter")
        text = await ui.sees("Cost by repo", "last hour", "$0.50 from 1 call")
        assert re.search(r"# +acme/api +\$0\.50 +#+ +1", text)
        await ui.press("t", *["backspace"] * 2, *"soon", "enter")
        await ui.sees("It must be like 30m, 24h")
        await ui.press(*["backspace"] * 4, *"2020-01-01..2020-01-02", "enter")
        await ui.sees("2020-01-01..2020-01-02", "No calls in this time.")
