from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mogplex_tui.api.errors import ServiceFailed
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.screens.usage_cards import range_choices
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
            "Jobs", "Dispatch", "Usage", "Sandboxes", "last hour ~$3.50/h", "today ~$3.50", "[24 h ~$3.50]"
        )
        text = await ui.sees("updated", "1 of 1", "from all 1 run", "Cost per hour")
        # What the range in the title is of, all the figures are of.
        assert _usage(text) == [("1", "call"), ("12", "tokens")]
        await ui.press("d")
        text = await ui.sees("last 7 days", "[7 d", "from all 2 runs", "Cost per day")
        assert _usage(text) == [("2", "calls"), ("12", "tokens")]
        # The ranges and measures can be clicked, too.
        await ui.pilot.click("#ranges", offset=(ui.text.splitlines()[4].index("last hour") + 2, 0))
        text = await ui.sees("[last hour", "from all 1 run", "Cost per 10 minutes")
        assert _usage(text) == [("1", "call"), ("12", "tokens")]


async def test_null_is_a_dash_and_unpriced_work_is_not_free(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), model="harness:codex", status="success")
    async with console() as ui:
        await ui.press("6")
        text = await ui.sees("harness:codex", "–  success", "today –", "last hour –", "no cost known")
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


@pytest.mark.parametrize("size", [(60, 15), (80, 24)], ids=["60x15", "80x24"])
async def test_small_screen_cuts_no_word_and_reaches_every_bar(
    console: Run, world: RowFactory, size: tuple[int, int]
) -> None:
    repo = world.repo("acme/api")
    for number in range(8):
        world.call(
            repo_id=repo, model=f"acme/a-model-with-a-name-{number:02}", status="success",
            type="agent", tokens=Tokens(input=1_000_000 - number, output=2),
        )  # fmt: skip
    async with console(size=size) as ui:
        await ui.press("6")
        await ui.sees("Jobs", "over quota", "success", "[24 h")
        await ui.press("m", "l", "l")
        await ui.sees("models by tokens  1–3 of 8")
        await ui.press("G")
        text = await ui.sees("models by tokens  6–8 of 8", "a-model-with-a-name-07")
        assert not [line for line in text.splitlines()[4:-1] if "…" in line]
        # Up from the first bar leads to the chart, and from there to the cards.
        await ui.press("home", "k", "k", "k", "k")
        await ui.sees("over quota")


def _priced(world: RowFactory, flow: str | None, cost: float, hours_ago: float, **columns: Any) -> str:
    """Insert a call with a price, made by the automation `flow`."""
    metadata = {"flow_id": flow} if flow else {}
    return world.call(
        status="success", cost_usd=cost, cost_source="gateway", metadata=metadata,
        started_at=world.clock.us - int(hours_ago * 3_600_000_000), **columns,
    )  # fmt: skip


async def test_most_expensive_run_and_automation_take_few_keys(console: Run, world: RowFactory) -> None:
    repo, other = world.repo("acme/api"), world.repo("acme/docs")
    flow = world.flow()
    _priced(world, None, 5.0, 30, repo_id=repo)
    _priced(world, None, 0.75, 0.002, repo_id=repo, type="chat")
    most = _priced(world, flow, 4.25, 0.001, repo_id=other)
    _priced(world, flow, 0.5, 0.003, repo_id=repo)
    async with console(size=(80, 24)) as ui:
        await ui.sees("acme/docs")
        await ui.press("6")
        await ui.sees("from all 3 runs", "$4.25", "Review")
        await ui.press("enter")
        await ui.sees("acme/docs", most[:8])
        assert ui.app.screen.scope == "run"
        await ui.press("escape")
        # The automations of today, the first of them opened: four keys in all.
        await ui.press("D", "tab")
        text = await ui.sees("automations by cost", "[today")
        assert re.search(r"Review .*~?\$4\.75  2 runs", text)
        await ui.press("enter")
        text = await ui.sees("/ automation:=Review", "$4.25", "$0.50")
        text = text.partition("COST")[2]
        assert "$0.75" not in text and text.index("$4.25") < text.index("$0.50")


async def test_failures_are_grouped_and_open_the_failed_runs_of_a_group(
    console: Run, world: RowFactory
) -> None:
    repo, flow, hour = world.repo("acme/api"), world.flow(), 3_600_000_000
    for status, error, model, ago in (
        ("failed", "Too many requests", "acme/nova", 1),
        ("failed", "Too many requests", "acme/nova", 10),
        ("failed", "Too many requests", "acme/star", 1),
        ("failed", "The operation timed out", "acme/nova", 1),
        ("success", None, "acme/nova", 1),
    ):
        world.call(
            repo_id=repo, status=status, error=error, model=model, type="agent", metadata={"flow_id": flow},
            started_at=world.clock.us - ago * hour,
        )  # fmt: skip
    async with console(size=(140, 40)) as ui:
        await ui.press("6", "f")
        text = await ui.sees("[failures]", "from all 5 runs", "failures by automation", "failures by model")
        # The chart counts what failed, too.
        await ui.press("shift+tab", "left")
        text = await ui.sees("Failures per hour", "3 failed   4 runs")
        await ui.until(lambda: re.search(r"^ *3 ┤", ui.text, re.M) is not None, "the axis of failures")
        assert "$" not in ui.text.partition("Failures per hour")[2].partition("Top")[0]
        await ui.press("m", "m")
        await ui.sees("Tokens per hour", "– tokens   4 runs")
        await ui.press("m")
        await ui.sees("Calls per hour")
        await ui.press("f", "tab")
        assert re.search(r"rate limited .* 3  ▁▁▁▁▅▁▁█", text) and re.search(r"timeout .* 1  ▁▁▁▁▁▁▁█", text)
        assert re.search(r"nova .* 3 of 4  ▁▁▁▁▅▁▁█", text) and re.search(r"Review .* 4 of 5", text)
        await ui.press("enter")
        text = await ui.sees("/ state:failed class:=rate_limited age:<24h", "3 of 5", "star")
        assert "time limit" not in text
        await ui.press("escape", "l", "l", "enter")
        text = await ui.sees("/ state:failed model:=acme/nova age:<24h", "3 of 5", "time limit")
        assert "star" not in text and "success" not in text


async def test_chart_cursor_opens_the_runs_of_its_hour(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    for cost, ago in ((1.5, 3), (0.25, 3), (0.75, 0)):
        _priced(world, None, cost, ago, repo_id=repo)
    async with console() as ui:
        await ui.press("6")
        await ui.sees("from all 3 runs")
        await ui.press("up", "left", "left", "left")
        text = await ui.sees("$1.75   2 runs")
        hour = re.search(r"\w{3} (\d\d):00–\d\d:00   \$1\.75", text)
        assert hour is not None
        await ui.press("enter")
        text = await ui.sees("Observability ▸ Runs", "/ started:", f"T{hour[1]}", "$1.50", "$0.25")
        assert "$0.75" not in text.partition("COST")[2]
        await ui.press("escape")
        await ui.sees("$1.75   2 runs")


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
        tones = {each.text: each.tone for each in range_choices(ui.app.session)}
        assert (tones["7 d ~$3.50"], tones["24 h ~$3.50"]) == (Tone.DIM, Tone.PLAIN)
        assert not ui.app.screen.has_class("-old")
