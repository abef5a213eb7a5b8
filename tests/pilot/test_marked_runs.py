"""Several runs are marked and cancelled after one question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _calls(world: RowFactory, count: int, **columns: Any) -> list[str]:
    repo = world.repo("acme/api")
    return [world.call(repo_id=repo, metadata={"repo": "acme/api"}, **columns) for _ in range(count)]


async def _listed(ui: Any, rows: int) -> None:
    """Wait until a number of rows is drawn; the title may count them earlier."""
    await ui.until(
        lambda: sum(line.strip(" ▌").startswith(("○", "✓")) for line in ui.text.split("\n")) == rows
    )


def _states(world: RowFactory, calls: list[str]) -> list[str]:
    return [world.row("ai_calls", call)["status"] for call in calls]


async def test_three_runs_are_cancelled_with_six_keys(console: Run, world: RowFactory) -> None:
    calls = _calls(world, 4)
    async with console() as ui:
        await _listed(ui, 4)
        await ui.press("space", "space", "space", "x")
        text = await ui.sees(
            "3 marked", "Cancel 3 runs?", "Uses 6 API requests", "branches and sandboxes stay"
        )
        assert text.count("○ acme/api") == 3
        await ui.press("right", "enter")
        await ui.sees("Cancelled 3 runs.")
        assert sorted(_states(world, calls)) == ["cancelled"] * 3 + ["pending"]
        await ui.loses("marked")


async def test_range_the_others_and_all_shown_rows_are_marked(console: Run, world: RowFactory) -> None:
    over = _calls(world, 1, status="success")
    calls = _calls(world, 4)
    docs = world.call(repo_id=world.repo("acme/docs"), metadata={"repo": "acme/docs"})
    async with console() as ui:
        await _listed(ui, 6)
        screen = ui.app.screen
        keys = [screen.view.key_at(place) for place in range(6)]
        await ui.press("V")
        await ui.sees("Mark a row first")
        await ui.press("home", "down", "space", "down", "V")
        await ui.until(lambda: screen.marks.keys == set(keys[1:4]) - set(over), "the range")
        await ui.press("I")
        await ui.until(lambda: screen.marks.keys == {keys[0], *keys[4:]} - set(over), "the others")
        await ui.press("escape", "slash", *"api", "enter", "asterisk")
        await ui.sees("4 marked")
        assert screen.marks.keys == set(calls) and docs not in screen.marks.keys


async def test_declining_keeps_the_runs_and_their_marks(console: Run, world: RowFactory) -> None:
    calls = _calls(world, 2)
    async with console() as ui:
        await _listed(ui, 2)
        await ui.press("space", "space", "x")
        await ui.sees("Cancel 2 runs?")
        await ui.press("enter")
        await ui.loses("Cancel 2 runs?")
        await ui.sees("2 marked")
        assert _states(world, calls) == ["pending", "pending"]


async def test_ended_run_cannot_be_marked_and_the_reason_is_shown(console: Run, world: RowFactory) -> None:
    over = _calls(world, 1, status="success")
    calls = _calls(world, 2)
    async with console() as ui:
        await _listed(ui, 3)
        await ui.press("space", "space", "space")
        await ui.sees("2 marked", "already finished (success)")
        await ui.press("x")
        await ui.sees("Cancel 2 runs?")
        await ui.press("right", "enter")
        await ui.sees("Cancelled 2 runs.")
        assert _states(world, [*over, *calls]) == ["success", "cancelled", "cancelled"]


async def test_mark_is_cleared_when_its_run_ends(console: Run, world: RowFactory) -> None:
    from mogplex_tui.controlplane.calls import call_writes as writes

    ends, stays = _calls(world, 2)
    async with console() as ui:
        await _listed(ui, 2)
        await ui.until(lambda: ui.app.screen.table.move_cursor_to(ends), "the run that ends")
        await ui.press("space")
        await ui.sees("1 marked", "esc unmark all")
        world.start_streaming(ends)
        with world.plane.db.transaction() as tx:
            writes.finish_call(tx, ends, "success", world.clock.us)
        await ui.press("r")
        await ui.loses("marked")
        await ui.until(lambda: ui.app.screen.table.move_cursor_to(stays), "the run that goes on")
        await ui.sees("x cancel")
        await ui.press("x")
        await ui.sees("Cancel this run?")


async def test_escape_clears_the_filter_and_then_the_marks(console: Run, world: RowFactory) -> None:
    _calls(world, 2)
    world.call(repo_id=world.repo("acme/web"), metadata={"repo": "acme/web"})
    async with console(size=(120, 60)) as ui:
        await _listed(ui, 3)
        await ui.press("space", "space", "space")
        await ui.sees("3 marked", "esc unmark all")
        await ui.press("slash", *"web", "enter")
        await ui.sees("3 marked, 2 not shown", "esc clear filter")
        await ui.press("escape")
        await ui.loses("not shown")
        await ui.sees("3 marked")
        await ui.press("escape")
        await ui.loses("marked")
        assert "unmark all" not in ui.text
        await ui.press("question_mark")
        await ui.sees("Go back; clears filter and marks first.")


async def test_second_space_clears_the_mark(console: Run, world: RowFactory) -> None:
    _calls(world, 1)
    async with console() as ui:
        await _listed(ui, 1)
        await ui.press("space")
        await ui.sees("1 marked")
        await ui.press("space")
        await ui.loses("marked")


async def test_read_only_context_cannot_mark_or_cancel(console: Run, world: RowFactory) -> None:
    calls = _calls(world, 2)
    async with console(read_only=True) as ui:
        await _listed(ui, 2)
        assert "space mark" not in ui.text
        await ui.press("space", "x")
        assert "marked" not in ui.text
        assert "Cancel" not in ui.text
        assert _states(world, calls) == ["pending", "pending"]
        world.sandbox(world.repo("acme/api"))
        await ui.press("5")
        text = await ui.sees("Sandboxes   1", "⏎ open")
        assert "space mark" not in text
        await ui.press("space")
        await ui.sees("This console is read-only.")
        assert "1 marked" not in ui.text
