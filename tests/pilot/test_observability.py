from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mogplex_tui.api.errors import ServiceFailed
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.screens.observability import cost_segments
from mogplex_tui.widgets.styles import Tone
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _usage(text: str) -> list[tuple[str, str]]:
    """Return the first two figures of the usage card."""
    return re.findall(r"(\d+) +(calls?|tokens)(?= )", text)[:2]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=["80x24", "120x40", "200x50"])
async def test_figures_of_the_stats_route_with_their_age(
    console: Run, world: RowFactory, size: tuple[int, int]
) -> None:
    repo = world.repo("acme/api")
    world.call(
        repo_id=repo, model="acme/nova", cost_usd=3.5, cost_source="gateway", tokens=Tokens(input=10, output=2),
        status="success", type="chat",
    )  # fmt: skip
    world.call(repo_id=repo, status="success", type="chat", started_at=world.clock.us - 30 * 3_600_000_000)
    world.sandbox(repo)
    async with console(size=size) as ui:
        await ui.press("6")
        await ui.sees(
            "Jobs", "Dispatch", "Usage", "Sandboxes", "last hour ~$3.50/h", "today ~$3.50", "nova", "chat"
        )
        text = await ui.sees("updated", "1 of 1", "by model, tokens, last 24 h")
        # What the range in the title is of, all the figures are of, in the words of the bars.
        assert _usage(text) == [("1", "call"), ("12", "tokens")]
        assert "tok " not in text
        await ui.press("d")
        text = await ui.sees("by model, tokens, last 7 days")
        assert _usage(text) == [("2", "calls"), ("12", "tokens")]


async def test_null_is_a_dash_and_unpriced_work_is_not_free(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), model="harness:codex", status="success")
    async with console() as ui:
        await ui.press("6")
        text = await ui.sees("harness:codex", "–  success", "today –", "last hour –")
        assert "$0.00" not in text


async def test_new_call_is_counted_without_a_key_press(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    world.call(repo_id=repo, status="success")
    async with console() as ui:
        await ui.press("6")
        await ui.until(lambda: ("1", "call") in _usage(ui.text))
        world.call(repo_id=repo, status="success", model="acme/nova")
        await ui.until(lambda: ("2", "calls") in _usage(ui.text))


async def test_observability_with_token_alone_names_the_session(console: Run, world: RowFactory) -> None:
    world.flow()
    async with console(cookie=False, gate=True) as ui:
        await ui.sees("the runs of your automations")
        await ui.press("6")
        text = await ui.sees("Figures and costs need a browser session", "Runs screen (1)")
        assert text.count("login --session") == 1
        assert not any(heading in text for heading in ("Jobs", "Dispatch", "an hour", "by model"))
        await ui.press("1")
        await ui.sees("the runs of your automations")


async def _whole(ui: Any) -> Any:
    """Wait until the page below the fold is complete; return it."""
    figures = [each.feed.freshness for each in ui.app.screen._subscriptions]
    await ui.until(lambda: all(fresh.as_of is not None for fresh in figures), "every figure")
    await ui.pilot.pause()
    return ui.app.screen.query_one("#page")


@pytest.mark.parametrize("size", [(60, 15), (80, 24)], ids=["60x15", "80x24"])
async def test_small_screen_cuts_no_word_and_reaches_every_row(
    console: Run, world: RowFactory, size: tuple[int, int]
) -> None:
    repo = world.repo("acme/api")
    types = ("agent", "chat", "pr_review")
    for number in range(15):
        world.call(
            repo_id=repo, model=f"acme/a-model-with-a-name-{number:02}", status="success",
            type=types[number % 3], tokens=Tokens(input=1_000_000 - number, output=2),
        )  # fmt: skip
    async with console(size=size) as ui:
        await ui.press("6")
        text = await ui.sees("Jobs", "over quota", "success")
        page, seen = await _whole(ui), [text]
        for _ in range(6):
            place = page.scroll_y
            await ui.press("pagedown")
            await ui.until(lambda: page.scroll_y > place or place == page.max_scroll_y)
            await ui.pilot.pause()
            seen.append(ui.text)
        whole = "\n".join(seen)
        assert "5 calls" in seen[-1] and "by type" in whole
        for number in range(15):
            assert f"a-model-with-a-name-{number:02}" in whole
        assert ("tokens  1 call" in whole) == (size[0] == 60)
        assert not [
            line for page in seen for line in page.splitlines()[4:-1] if "…" in line or "more" in line
        ]
        await ui.press("home")
        await ui.sees("over quota")


async def test_keys_listed_in_help_scroll_the_page(console: Run, world: RowFactory) -> None:
    async with console(size=(60, 20)) as ui:
        await ui.press("6")
        await ui.sees("Dispatch")
        page = await _whole(ui)
        await ui.until(lambda: page.max_scroll_y > 2)
        for key, place in (("j", 1), ("down", 2), ("k", 1), ("G", page.max_scroll_y), ("g", 0)):
            await ui.press(key)
            await ui.until(lambda: page.scroll_y == place, f"the place that {key} leads to")


async def test_escape_goes_back_to_the_previous_screen(console: Run) -> None:
    async with console() as ui:
        await ui.sees("No runs yet")
        await ui.press("2")
        await ui.until(lambda: ui.app.current_mode == "projects")
        await ui.press("6")
        await ui.sees("Dispatch", "esc back")
        await ui.press("escape")
        await ui.until(lambda: ui.app.current_mode == "projects")


async def test_only_the_figure_that_cannot_be_read_is_stale(console: Run, world: RowFactory) -> None:
    async def fails() -> bool:
        raise ServiceFailed("The service failed on the stats: broken", status=500)

    world.call(repo_id=world.repo("acme/api"), status="success", cost_usd=3.5, cost_source="gateway")
    async with console(size=(140, 40)) as ui:
        await ui.press("6")
        await ui.sees("7 d ~$3.50", "24 h ~$3.50")
        week = ui.app.session.costs.feeds["week"]
        week.fetch = fails
        for failures in (1, 2):
            await ui.press("r")
            await ui.until(lambda: week.freshness.failures >= failures, "a failure")
        await ui.sees("The cost of 7 d is shown as last read.", "partly stale")
        week.freshness.as_of -= 60
        tones = {each.text: each.tone for each in cost_segments(ui.app.session)}
        assert (tones["7 d ~$3.50"], tones["24 h ~$3.50"]) == (Tone.DIM, Tone.PLAIN)
        assert not ui.app.screen.has_class("-old")
