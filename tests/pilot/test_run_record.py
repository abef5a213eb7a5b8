"""A run's record: links, JSON and id, and its facts in 80 columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mogplex_tui.controlplane.calls import call_writes
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _run(world: RowFactory, **metadata: Any) -> tuple[str, str, str]:
    """Insert a streaming v1 run in a sandbox; return the ids of run, call and sandbox."""
    repo = world.repo("acme/api")
    sandbox = world.sandbox(repo)
    about = {"external_request_id": "k", "repo": "acme/api", "sandbox_record_id": sandbox, **metadata}
    call_id = world.call(repo_id=repo, metadata=about)
    run_id = world.run(repo, call_id)
    world.event(call_id, "started", payload={"external_run_id": run_id})
    world.start_streaming(call_id)
    return run_id, call_id, sandbox


def _ground(ui: Any, words: str) -> Any:
    """Return the background colour of a text on the screen."""
    strips = ui.app.screen._compositor.render_strips()
    return next(part.style.bgcolor for strip in strips for part in strip if words in part.text)


async def _opened(ui: Any) -> None:
    await ui.sees("acme/api")
    await ui.press("enter")
    await ui.sees("following", "started")
    await ui.until(lambda: ui.app.screen.run_feed.row.run_id, "the run's id")


async def test_y_and_j_act_on_the_run_while_events_are_focused(console: Run, world: RowFactory) -> None:
    run_id, call_id, _ = _run(world, from_elsewhere={"odd": None})
    async with console() as ui:
        await _opened(ui)
        await ui.press("y")
        await ui.until(lambda: ui.app.clipboard == run_id, "the run's id on the clipboard")
        await ui.press("j")
        await ui.sees('"input_tokens": null')
        await ui.press("y")
        copied = json.loads(ui.app.clipboard)
        assert copied["id"] == call_id and copied["metadata"]["from_elsewhere"] == {"odd": None}
        await ui.press("escape")
        await ui.loses('"input_tokens"')
        assert ui.app.screen.pane.tail.has_focus


async def test_j_shows_the_run_as_json_with_v1_alone(console: Run, world: RowFactory) -> None:
    run_id, _, _ = _run(world)
    async with console(cookie=False, gate=True) as ui:
        await ui.press("O", *run_id, "enter")
        await ui.sees("following")
        await ui.press("j")
        await ui.sees(f'"run_id": "{run_id}"')


async def test_run_that_cannot_be_read_is_shown_as_last_known(console: Run, world: RowFactory) -> None:
    run_id, _, _ = _run(world)
    async with console(gate=True) as ui:
        await _opened(ui)
        await ui.edge.stop()
        await ui.press("j")
        await ui.sees("last known", f'"run_id": "{run_id}"')


async def test_y_copies_the_id_of_the_run_or_call_in_the_list(console: Run, world: RowFactory) -> None:
    run_id, _, _ = _run(world)
    async with console() as ui:
        await _opened(ui)
        await ui.press("escape")
        await ui.sees("STATE")
        await ui.press("y")
        await ui.until(lambda: ui.app.clipboard == run_id, "the run's id on the clipboard")


async def test_links_lead_from_a_run_to_its_repository_and_sandbox(console: Run, world: RowFactory) -> None:
    _run(world)
    async with console() as ui:
        await _opened(ui)
        await ui.sees("l links", "→ acme/api", "Harness run streaming")
        bright = _ground(ui, "Harness run streaming")
        await ui.press("l", "j")
        await ui.sees('"id"')
        await ui.press("escape")
        # They still have the keys.
        await ui.sees("⏎ open", "l events")
        # Only what has the keys has a bright cursor.
        assert _ground(ui, "Harness run streaming") != bright
        await ui.press("down", "enter")
        await ui.until(lambda: ui.app.screen.scope == "sandboxes.detail", "the sandbox")
        await ui.press("escape")
        await ui.until(lambda: ui.app.screen.scope == "run", "the run again")
        await ui.press("up", "enter")
        await ui.until(lambda: ui.app.screen.scope == "projects.detail", "the repository")


async def test_i_focuses_facts_and_links_at_eighty_columns(console: Run, world: RowFactory) -> None:
    run_id, _, _ = _run(world)
    async with console(size=(80, 24)) as ui:
        await _opened(ui)
        # Where the key bar has no room for all, the way back and the help stay.
        assert ui.text.splitlines()[-1].endswith("esc back  : command  ? help")
        assert run_id not in ui.text
        await ui.press("i", "end")
        await ui.sees(run_id, "→ acme/api")
        await ui.press("l", "i")
        await ui.loses("→ acme/api")
        assert ui.app.screen.pane.tail.has_focus


async def test_breadcrumb_omits_a_missing_repository(console: Run, world: RowFactory) -> None:
    call_id = world.call()
    async with console() as ui:
        await ui.sees("1 live")
        await ui.press("enter")
        text = await ui.sees("No events yet.")
        assert re.search(rf" Runs ▸ \w+ {call_id[:8]} ", text), text


async def test_ended_run_without_events_does_not_announce_any(console: Run, world: RowFactory) -> None:
    call_id = world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("enter")
        await ui.sees("No events yet.")
        with world.plane.db.transaction() as tx:
            call_writes.finish_call(tx, call_id, "success", world.clock.us)
        await ui.sees("✓ success", "No events recorded.")
        assert "appear here" not in ui.text


async def test_failed_run_shows_its_cause_above_folded_facts(console: Run, world: RowFactory) -> None:
    call_id = world.call(repo_id=world.repo("acme/api"))
    with world.plane.db.transaction() as tx:
        call_writes.finish_call(tx, call_id, "failed", world.clock.us, error="timed out")
    async with console(size=(80, 24)) as ui:
        await ui.sees("✗ failed")
        await ui.press("enter")
        await ui.sees("The run exceeded its time limit. Retry it", "cost", "No events recorded.")


async def test_run_is_stale_while_the_service_is_down(console: Run, world: RowFactory) -> None:
    _run(world)
    async with console(size=(80, 24), gate=True) as ui:
        await _opened(ui)
        await ui.edge.stop()
        await ui.sees("stale")
        assert "following" not in ui.text

        def clock_and_age() -> list[tuple[str, str]]:
            return re.findall(r"streaming  +(\S+) .*stale (\d+)s", ui.text)

        # What is read in several parts fails part by part; then the clock stands, and the age alone grows.
        since: dict[str, int] = {}

        def age_grows_alone() -> bool:
            return any(int(age) > since.setdefault(took, int(age)) + 1 for took, age in clock_and_age())

        await ui.until(age_grows_alone, "the clock standing while the age grows")
        await ui.edge.start()
        await ui.press("r")
        await ui.sees("following")
        assert "stale" not in ui.text
