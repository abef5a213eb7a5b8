"""A sandbox's log beside its facts: follows what is written, as a run's tail does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mogplex_tui.api.errors import Unavailable
from mogplex_tui.controlplane.sandboxes import sandbox_writes
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _sandbox(world: RowFactory, **columns: Any) -> str:
    given = {"install_log": "added 412 packages", "dev_log": "ready on 3000"} | columns
    key = world.sandbox(world.repo("acme/api"), **given)
    with world.plane.db.transaction() as tx:
        sandbox_writes.lifecycle_event(tx, key, "tab_attached", world.clock.us)
    return key


def _write(world: RowFactory, key: str, log: str) -> None:
    with world.plane.db.transaction() as tx:
        sandbox_writes.set_sandbox(tx, key, dev_log=log)


async def _open(ui: Any, *texts: str) -> str:
    await ui.app.parts.navigation.go("sandboxes")
    await ui.until(lambda: ui.app.screen.scope == "sandboxes" and ui.app.screen.rows.rows, "the list")
    await ui.until(lambda: ui.app.screen.table.cursor_key, "a row under the cursor")
    await ui.press("enter")
    text: str = await ui.sees(*texts)
    return text


async def test_log_is_shown_next_to_facts_and_follows_new_lines(console: Run, world: RowFactory) -> None:
    key = _sandbox(world)
    async with console() as ui:
        text = await _open(ui, "added 412 packages", "ready on 3000", "tab attached", "following")
        line = next(line for line in text.split("\n") if "added 412 packages" in line)
        assert line.split("│")[0].strip()
        # No room is kept for a time that a line does not have.
        assert re.search(r"│ ?.? install +added 412", line), line
        assert re.search(r"life +\d\d:\d\d:\d\d +tab attached", text), text
        await ui.sees("3 lines")
        _write(world, key, "ready on 3000\nGET / 200 in 14ms")
        text = await ui.sees("GET / 200", "4 lines")
        assert text.index("tab attached") < text.index("GET / 200")


async def test_scrolled_log_counts_new_lines_and_f_follows(console: Run, world: RowFactory) -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    key = _sandbox(world, dev_log=log)
    async with console() as ui:
        await _open(ui, "line 99")
        await ui.press("l", "home")
        await ui.sees("added 412", "paused")
        _write(world, key, f"{log}\nthe newest")
        await ui.sees("+1 new")
        assert "the newest" not in ui.text
        await ui.press("f")
        await ui.sees("the newest", "following")


async def test_search_marks_matches_and_n_moves_to_the_next(console: Run, world: RowFactory) -> None:
    _sandbox(world, dev_log="boom one\nquiet\nboom two")
    async with console() as ui:
        await _open(ui, "boom two")
        await ui.press("slash", *"boom", "enter")
        # From the last line on there is none, so it goes round to the first.
        await ui.sees("/ boom 1/2")
        await ui.press("n")
        text = await ui.sees("/ boom 2/2")
        assert next(line for line in text.split("\n") if "boom two" in line).count("▌") == 1
        await ui.press("escape")
        await ui.loses("/ boom")
        assert ui.app.screen.scope == "sandboxes.detail"


async def test_enter_shows_a_step_of_the_life_as_json_and_y_copies_it(
    console: Run, world: RowFactory
) -> None:
    _sandbox(world)
    async with console() as ui:
        await _open(ui, "tab attached")
        await ui.press("l", "enter")
        await ui.sees('"event_type": "tab_attached"')
        await ui.press("y")
        await ui.sees("Copied the JSON.")
        assert json.loads(ui.app.clipboard)["event_type"] == "tab_attached"


async def test_j_and_y_act_on_the_record_while_the_log_is_focused(console: Run, world: RowFactory) -> None:
    key = _sandbox(world)
    async with console() as ui:
        await _open(ui, "tab attached")
        await ui.press("l", "y")
        await ui.until(lambda: ui.app.clipboard == key, "the id on the clipboard")
        await ui.press("j")
        await ui.until(lambda: ui.app.screen.query_one("#json").has_focus, "the JSON")
        await ui.press("y")
        assert json.loads(ui.app.clipboard)["id"] == key


async def test_facts_are_folded_at_80_columns_and_i_opens_them(console: Run, world: RowFactory) -> None:
    _sandbox(world)
    async with console(size=(80, 24)) as ui:
        text = await _open(ui, "ready on 3000", "status ◐ running", "repo acme/api")
        assert "health unknown" in text
        assert "created" not in text
        await ui.press("i")
        await ui.sees("last active", "ready on 3000")
        await ui.press("end")
        await ui.sees("→ acme/api", "ready on 3000")
        await ui.press("i")
        await ui.loses("→ acme/api")


async def test_session_without_token_reads_logs_of_the_record(console: Run, world: RowFactory) -> None:
    key = _sandbox(world)
    async with console(token=False) as ui:
        await _open(ui, "added 412 packages", "ready on 3000", "2 lines")
        _write(world, key, "ready on 3000\nGET /")
        await ui.sees("GET /", "3 lines")


async def test_empty_log_explains_its_source(console: Run, world: RowFactory) -> None:
    world.sandbox(world.repo("acme/api"))
    async with console() as ui:
        await _open(ui, "No log lines yet.")


async def test_closing_the_json_view_restores_the_focus(console: Run, world: RowFactory) -> None:
    _sandbox(world)
    async with console() as ui:
        await _open(ui, "ready on 3000", "⏎ open", "l log")
        await ui.press("l")
        await ui.sees("⏎ line", "l links")
        await ui.press("enter")
        await ui.sees('"event_type": "tab_attached"')
        await ui.press("escape")
        await ui.loses('"event_type"')
        await ui.sees("⏎ line", "l links")
        await ui.press("l", "j")
        await ui.sees('"dev_log"')
        await ui.press("escape")
        await ui.sees("⏎ open", "l log")


async def test_failed_reads_of_record_and_log_are_reported_once(console: Run, world: RowFactory) -> None:
    _sandbox(world)
    async with console(size=(80, 24)) as ui:
        await _open(ui, "ready on 3000")
        records, log = ui.app.screen.collection.feed, ui.app.screen.record_log.feed
        log.freshness.mark_failed(Unavailable("The service cannot serve the log now"))
        ui.app.screen.flush()
        await ui.sees("The service cannot serve the log now")
        for _ in range(2):
            records.freshness.mark_failed(Unavailable("The service cannot serve the sandboxes now"))
        ui.app.screen.flush()
        text = await ui.sees("The service cannot serve the sandboxes now")
        assert "serve the log" not in text
