from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rich.console import RenderableType
from textual.screen import Screen

from mogplex_tui.app import ConsoleApp
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import ConsoleFactory


def _call(world: RowFactory, repo: str, **columns: Any) -> str:
    return world.call(**({"repo_id": repo, "status": "success"} | columns))


def _lines(text: str, needle: str) -> list[str]:
    return [line for line in text.splitlines() if needle in line]


async def test_live_runs_stand_on_top_and_the_rest_newest_first(
    console: ConsoleFactory, world: RowFactory
) -> None:
    now = world.clock.us
    repo = world.repo("acme/api")
    _call(world, repo, model="acme/old", started_at=now - 3_600_000_000)
    _call(world, repo, model="acme/young", started_at=now - 60_000_000)
    _call(world, repo, model="acme/alive", started_at=now - 7_200_000_000, status="streaming")
    async with console() as ui:
        text = await ui.sees("alive", "young", "old", "1 live")
        order = re.findall(r"(alive|young|old) ", text)
        assert order == ["alive", "young", "old"]
        assert "◐ streaming" in _lines(text, "alive")[0]
        assert "✓ success" in _lines(text, "young")[0]


async def test_money_has_its_provenance_and_unknown_is_a_dash(
    console: ConsoleFactory, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    world.model("acme/nova-1", pricing_input=1e-5, pricing_output=1e-4)
    _call(world, repo, model="acme/nova-1", tokens=Tokens(input=10_000, output=1_000))
    _call(
        world,
        repo,
        model="acme/nova-1",
        cost_usd=1.25,
        cost_source="gateway",
        tokens=Tokens(input=7, output=1),
    )
    _call(world, repo, model="harness:codex")
    async with console() as ui:
        text = await ui.sees("~$0.20", "$1.25")
        assert "$0.00" not in text
        assert _lines(text, "codex")[0].rstrip("▐ ").endswith("–")


async def test_changed_run_is_drawn_in_place_and_keeps_the_cursor(
    console: ConsoleFactory, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    first = _call(world, repo, model="acme/first", status="streaming", started_at=world.clock.us - 5_000_000)
    _call(world, repo, model="acme/second", started_at=world.clock.us - 9_000_000)
    async with console() as ui:
        await ui.sees("first", "second", "live")
        await ui.press("down")
        assert "second" in ui.app.screen.cursor_row().model
        with world.plane.db.transaction() as tx:
            assert call_writes.finish_call(tx, first, "success", world.clock.us)
        _call(world, repo, model="acme/third", status="streaming")
        await ui.sees("third", "1 live")
        await ui.until(lambda: "✓ success" in _lines(ui.text, "first")[0])
        assert "second" in ui.app.screen.cursor_row().model
        assert "▌" in _lines(ui.text, "second")[0]


async def test_slash_filters_the_list_and_escape_clears_the_filter(
    console: ConsoleFactory, world: RowFactory
) -> None:
    for name in ("acme/web", "acme/api", "acme/docs"):
        _call(world, world.repo(name), status="failed" if name == "acme/api" else "success")
    async with console() as ui:
        await ui.sees("acme/web", "acme/api", "acme/docs")
        await ui.press("slash", *"repo:web")
        await ui.loses("acme/docs")
        await ui.sees("acme/web", "1 of 3")
        await ui.press("enter", "slash")
        await ui.press(*("backspace",) * 8, *"!state:failed", "enter")
        await ui.sees("acme/web", "acme/docs", "2 of 3")
        await ui.press("escape")
        await ui.sees("acme/api", "acme/docs", "acme/web")


async def test_filter_without_matches_shows_a_message(console: ConsoleFactory, world: RowFactory) -> None:
    _call(world, world.repo("acme/web"))
    async with console() as ui:
        await ui.sees("acme/web")
        await ui.press("slash", *"zzz", "enter")
        await ui.sees("No matches in 1 run: zzz", "esc clears the filter")
        await ui.press("escape", "slash", *"colour:red", "enter")
        await ui.sees("No run has a field colour.", "Fields: state, about, repo,", "no field colour")


async def test_sort_by_cost_can_be_reversed(console: ConsoleFactory, world: RowFactory) -> None:
    repo = world.repo("acme/web")
    for model, cost in (("acme/cheap", 0.5), ("acme/dear", 9.5), ("acme/middle", 3.5)):
        _call(world, repo, model=model, cost_usd=cost, cost_source="gateway")
    async with console() as ui:
        await ui.sees("cheap", "dear", "middle")
        await ui.press("s", "c")
        await ui.sees("by cost ↓")
        assert re.findall(r"(cheap|dear|middle) ", ui.text) == ["dear", "middle", "cheap"]
        await ui.press("S")
        await ui.sees("by cost ↑")
        assert re.findall(r"(cheap|dear|middle) ", ui.text) == ["cheap", "middle", "dear"]


async def test_order_is_picked_by_letter_cursor_or_the_same_again(
    console: ConsoleFactory, world: RowFactory
) -> None:
    now = world.clock.us
    for number, age in enumerate((5, 1, 3)):
        _call(world, world.repo(f"acme/t{number}"), started_at=now - age * 3_600_000_000)
    async with console(size=(80, 24)) as ui:
        await ui.sees("t0", "t1", "t2")
        await ui.press("s", "r")
        await ui.sees("by repo ↑", "REPO▴")
        assert re.findall(r"acme/t(\d)", ui.text) == ["0", "1", "2"]
        assert ui.app.screen.cursor_row().repo == "acme/t0"
        # Enter chooses the row under the cursor, which is the current order.
        await ui.press("s", "enter")
        await ui.sees("by repo ↓")
        assert re.findall(r"acme/t(\d)", ui.text) == ["2", "1", "0"]
        await ui.press("s", "escape")
        await ui.sees("by repo ↓")
        await ui.press("s", "home", "enter")
        await ui.loses("by repo")
        assert re.findall(r"acme/t(\d)", ui.text) == ["1", "2", "0"]


async def test_dearest_run_of_the_last_day_takes_three_keys(
    console: ConsoleFactory, world: RowFactory
) -> None:
    repo, hour, now = world.repo("acme/web"), 3_600_000_000, world.clock.us
    for number in range(250):
        # The dearest of all is older than a day, the dearest of the day is not among the newest 100.
        cost = 50.0 if number == 240 else 9.0 if number == 200 else 0.1
        age = 30 * hour if number >= 230 else number * hour // 20
        _call(world, repo, cost_usd=cost, cost_source="gateway", started_at=now - age - number)
    async with console() as ui:
        await ui.sees("acme/web")
        await ui.press("d", "s", "c")
        await ui.sees("/ age:<1d", "by cost ↓", "230 searched")
        await ui.until(lambda: "$9.00" in ui.text.splitlines()[5], "the dearest run of the day")
        await ui.press("d")
        await ui.sees("/ age:<7d")
        await ui.until(lambda: "$50.00" in ui.text.splitlines()[5], "the dearest run of the week")
        await ui.press("d", "d")
        await ui.loses("/ age")


async def test_one_key_shows_failed_runs_and_one_live_ones(
    console: ConsoleFactory, world: RowFactory
) -> None:
    for repo, status in (("bad", "failed"), ("good", "success"), ("busy", "streaming")):
        _call(world, world.repo(f"acme/{repo}"), status=status)
    async with console() as ui:
        await ui.sees("acme/bad", "acme/good", "acme/busy", "f failed", "l live")
        await ui.press("f")
        await ui.sees("/ state:failed", "1 of 3")
        assert re.findall(r"acme/(\w+)", ui.text) == ["bad"]
        await ui.press("l")
        await ui.sees("/ state:live", "1 of 3")
        assert re.findall(r"acme/(\w+)", ui.text) == ["busy"]
        await ui.press("l")
        await ui.loses("state:live")
        assert len(re.findall(r"acme/(\w+)", ui.text)) == 3


async def test_empty_account_shows_the_next_step(console: ConsoleFactory) -> None:
    async with console() as ui:
        await ui.sees("No runs yet. n starts one; :automations shows what could start them.")


async def test_hostile_text_is_drawn_as_text(console: ConsoleFactory, world: RowFactory) -> None:
    repo = world.repo("acme/[red]web[/]")
    _call(
        world, repo, status="failed", model="acme/\x1b[31mnova", error="boom \x1b]0;owned\x07 [bold]x[/bold]"
    )
    async with console(size=(200, 40)) as ui:
        text = await ui.sees("[red]web[/]")
        assert "\x1b" not in text and "\x07" not in text


async def test_runs_with_token_alone_name_the_missing_data(
    console: ConsoleFactory, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    flow = world.flow()
    world.job(flow, repo, start=True, repo_full_name="acme/api")
    call_id = world.call(repo_id=repo)
    run_id = world.run(repo, call_id)
    world.event(
        call_id, "started", message="External Mogplex run accepted", payload={"external_run_id": run_id}
    )
    async with console(cookie=False, gate=True) as ui:
        text = await ui.sees("the runs of your automations", "login --session", "acme/api", "◐ running")
        # Nothing here tells models or costs; the columns leave their room to the rest until a row has a value.
        assert not {"MODEL", "COST", "TOKENS", "BRANCH"} & set(text.split())
        await ui.press("O", *run_id, "enter")
        await ui.sees(f"run {run_id[:8]}", "External Mogplex run accepted", "–  needs a browser")
        await ui.press("escape")
        assert "BRANCH" in await ui.sees("codex", "○ pending")


async def test_header_reports_a_mistyped_token(console: ConsoleFactory, world: RowFactory) -> None:
    world.run(world.repo())
    async with console(token="mog_nobodyhasthistokenatall00", cookie=False) as it:
        await it.sees("● not signed in", "The service does not accept this token.", "r retries now.")
        assert "You see the runs of your automations" not in it.text
        assert "new run" not in it.text
        await it.press("n")
        await it.until(lambda: it.app._notifications, "why no run is started")
        (notice,) = it.app._notifications
        assert notice.message.startswith("The service does not accept this token.")
        assert len(it.app.screen_stack) == 1


async def test_closed_route_family_is_not_requested_again(console: ConsoleFactory, world: RowFactory) -> None:
    world.flow()
    async with console(cookie=False, gate=True) as ui:
        await ui.sees("the runs of your automations")
        await ui.press("r")
        await ui.until(lambda: ui.app.runs.feed.finished and not ui.app.runs.feed.running)
        turned_away = [path for path in ui.edge.turned_away if "observability/calls" in path]
        assert len(turned_away) == 1


async def test_console_recovers_after_the_service_restarts(
    console: ConsoleFactory, world: RowFactory, server: Any, tmp_path: Path
) -> None:
    web = world.repo("acme/web")
    _call(world, world.repo("acme/api"))
    async with console(gate=True) as ui:
        await ui.sees("acme/api", "connected")
        await ui.edge.stop()
        await ui.press("r")
        await ui.until(lambda: re.search(r"offline|degraded|reconnecting", ui.text), "the loss in the header")
        assert "acme/api" in ui.text
        await ui.edge.start()
        _call(world, web)
        await ui.press("r")
        await ui.sees("acme/web", "connected")


async def test_first_frame_shows_the_cached_rows(
    console: ConsoleFactory, world: RowFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _call(world, world.repo("acme/api"))
    kept = tmp_path / "kept"
    async with console(directory=kept) as ui:
        await ui.sees("acme/api")
    frames: list[str] = []
    display = ConsoleApp._display

    def seen(app: ConsoleApp, screen: Screen[None], renderable: RenderableType | None) -> None:
        if renderable is not None and not app._batch_count:
            frames.append("\n".join(strip.text for strip in screen._compositor.render_strips()))
        display(app, screen, renderable)

    monkeypatch.setattr(ConsoleApp, "_display", seen)
    async with console(directory=kept, gate=True, draw_every_change=True) as ui:
        await ui.edge.stop()
        assert "acme/api" in frames[0]
        assert "acme/api" in ui.text


async def test_more_than_a_page_is_loaded_when_one_scrolls_to_it(
    console: ConsoleFactory, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    now = world.clock.us
    for number in range(130):
        _call(world, repo, model=f"acme/m{number:03d}", started_at=now - number * 1_000_000)
    async with console() as ui:
        await ui.sees("130", "m000")
        await ui.press("end", "end")
        await ui.until(lambda: len(ui.app.screen.view) == 130, "all rows")
        await ui.press("end")
        await ui.sees("m129")


async def test_row_removed_between_two_frames_causes_no_error(
    console: ConsoleFactory, world: RowFactory
) -> None:
    _call(world, world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api")
        ui.app.runs.set.rows.clear()
        ui.app.screen.on_tick()
        await ui.loses("acme/api")


async def test_startup_reads_each_list_once(console: ConsoleFactory, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    world.start_streaming(world.call(repo_id=repo))
    async with console(gate=True) as ui:
        await ui.sees("acme/api", "live")
        scheduler = ui.app.session.scheduler
        feeds = [feed for feed in scheduler._feeds.values() if feed.name in ("runs", "names")]
        # Nothing that was announced waits to be read: the next read is the usual poll.
        await ui.until(lambda: all((scheduler.due_in(feed) or 0.0) > 10 for feed in feeds), "the usual polls")
        # The approvals are read in the background, one list after the other.
        approvals = {"/api/flows/approvals", "/api/control/approvals"}
        await ui.until(lambda: approvals <= set(ui.edge.passed), "both lists of approvals")
        counts = Counter(ui.edge.passed)
    assert counts["/api/observability/calls"] == 1
    assert counts["/api/v1/mogplex/repos"] + counts["/api/repos"] == 1, counts
    assert counts["/api/v1/mogplex/agents"] + counts["/api/agents"] == 1, counts
    assert counts["/api/auth/user"] <= 2, counts
    assert counts["/api/flows/approvals"] == counts["/api/control/approvals"] == 1, counts
