from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.errors import ServiceFailed
from mogplex_tui.live.scheduler import DEBOUNCE
from mogplex_tui.operate import action_registry
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _streaming(world: RowFactory, events: int = 3, **columns: Any) -> tuple[str, str]:
    """Insert a streaming v1 run with log events; return the ids of run and call."""
    repo = world.repo("acme/api")
    call_id = world.call(repo_id=repo, metadata={"external_request_id": "k", "repo": "acme/api"}, **columns)
    run_id = world.run(repo, call_id)
    world.event(
        call_id, "started", message="External Mogplex run accepted", payload={"external_run_id": run_id}
    )
    world.start_streaming(call_id)
    for number in range(events):
        world.event(call_id, "log", message=f"line {number}")
    return run_id, call_id


async def _opened(ui: Any) -> LineTail:
    await ui.sees("acme/api")
    await ui.press("enter")
    await ui.sees("following")
    tail = ui.app.screen.query_one(LineTail)
    assert isinstance(tail, LineTail)
    return tail


async def test_new_events_appear_within_a_second(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world)
    async with console() as ui:
        await _opened(ui)
        await ui.sees("line 2", "live")
        (feed,) = (feed for feed in ui.app.screen.feeds() if feed.name.startswith("run:"))
        # No poll brings it, and what an announcement waits for is told by these.
        feed.every = feed.poll_without_realtime = 3600.0
        assert DEBOUNCE + feed.gap < 1.0
        world.event(call_id, "log", message="fresh from the service")
        await ui.sees("fresh from the service")


async def test_title_has_no_age_while_events_arrive(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world)
    async with console() as ui:
        await _opened(ui)
        await ui.sees("line 2", "live")
        # The list was read long ago, for no change of a call was announced; an event is.
        ui.app.runs.set.freshness.as_of -= 34
        world.event(call_id, "log", message="fresh from the service")
        await ui.sees("fresh from the service")
        title = next(line for line in ui.text.splitlines() if "following" in line)
        assert not re.search(r"as of|updated|3\ds", title), title


async def test_tool_call_is_one_line_with_its_failure_cause(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world, 0)
    about = {"tool_call_id": "t1", "input": {"command": "pnpm test auth"}, "input_preview": "pnpm test auth"}
    world.event(call_id, "tool_started", message="Tool started: shell", tool_name="shell", payload=about)
    # Wide enough for the whole of the sentence beside the facts.
    async with console(size=(140, 40)) as ui:
        await _opened(ui)
        await ui.sees("shell", "pnpm test auth", "…")
        ended = {
            **about,
            "duration_ms": 31_400,
            "success": False,
            "error": "1 failed: keeps the query string",
        }
        world.event(call_id, "tool_finished", message="Tool failed: shell", tool_name="shell", payload=ended)
        # Observability words a raw error as a sentence with an incident id (observability.md §9).
        text = await ui.sees("✗ 31.4s", "internal service error")
        assert text.count("pnpm test auth") == 1


async def test_scrolling_up_stops_following_and_says_how_much_is_new(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever key follows again, the registry names it.
    followed = action_registry.BY_ID["tail.follow"]._replace(title="catch up", defaults=("F", "f"))
    monkeypatch.setitem(action_registry.BY_ID, "tail.follow", followed)
    _, call_id = _streaming(world, 80)
    async with console(size=(120, 24)) as ui:
        tail = await _opened(ui)
        await ui.sees("line 79")
        await ui.press("pageup")
        await ui.sees("paused")
        top = ui.text.splitlines()[4]
        for number in range(3):
            world.event(call_id, "log", message=f"later {number}")
        await ui.sees("+3 new  F catch up")
        assert ui.text.splitlines()[4] == top and "later 2" not in ui.text
        await ui.press("f")
        await ui.sees("later 2", "following")
        assert tail.follow and "+3 new" not in ui.text
        await ui.press("pageup")
        await ui.sees("paused")
        await ui.press("end")
        await ui.sees("following", "later 2")


def _tool(world: RowFactory, call_id: str, name: str, given: dict[str, Any], **finish: Any) -> None:
    """Insert the start and the finish of a tool call."""
    about = {"tool_call_id": f"{name}-{given}", "input": given}
    ended = {**about, "duration_ms": 1_200, "success": "error" not in finish, **finish}
    world.event(call_id, "tool_started", message=f"Tool started: {name}", tool_name=name, payload=about)
    world.event(call_id, "tool_finished", message=f"Tool finished: {name}", tool_name=name, payload=ended)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=["80x24", "120x40", "200x50"])
async def test_enter_opens_an_event_and_arrows_step_with_it_open(
    console: Run, world: RowFactory, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, call_id = _streaming(world, 30)
    _tool(world, call_id, "readFile", {"path": "src/a.py"}, output="148 lines")
    edit = {"path": "src/a.py", "old_string": "one\ntwo", "new_string": "one\nthree"}
    _tool(world, call_id, "editFile", edit, output="note Bearer abcdef123456")
    _tool(world, call_id, "bash", {"command": "make"}, output="\n".join(f"out {n}" for n in range(3_000)))
    async with console(size=size) as ui:
        tail = await _opened(ui)
        await ui.sees("make")
        await ui.press("enter")
        await ui.sees("Output  3,000 lines", "out 0", "command  make", "paused", "esc close")
        await ui.press("end")
        await ui.sees("out 2999")
        await ui.press("slash", *"out 17", "enter")
        await ui.sees("/ out 17 1/111", "out 17")
        await ui.press("n")
        await ui.sees("/ out 17 2/111", "out 170")
        await ui.press("escape", "up")
        text = await ui.sees("-two", "+three")
        assert "old string" not in text
        await ui.press("j")
        await ui.sees('"toolName"', "j text")
        await ui.press("s")
        await ui.until(lambda: list(tmp_path.glob("*.json")), "the file")
        await ui.press("j", "s", "s")
        saved = await ui.until(lambda: sorted(tmp_path.glob("*.txt"))[1:], "a second file")
        assert "+three" in saved[0].read_text() and "note Bearer [redacted]" in saved[0].read_text()
        assert saved[0].stat().st_mode & 0o777 == 0o600
        await ui.press("up")
        await ui.sees("Result", "148 lines")
        for _ in range(20):
            await ui.press("up")
        await ui.sees("Message", "line 11")
        assert tail.lines_of(tail._cursor)
        await ui.press("escape")
        await ui.loses("Message")


async def test_e_goes_to_the_next_failed_event(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world, 2)
    async with console() as ui:
        await _opened(ui)
        await ui.press("e")
        await ui.sees("No errors among")
        for name in ("first", "second"):
            _tool(world, call_id, name, {"command": name}, error=f"{name} broke\nat line 3")
            world.event(call_id, "log", message=f"after {name}")
        await ui.sees("after second")
        await ui.press("home", "e", "enter")
        await ui.sees("first   ✗ failed")
        await ui.press("e")
        await ui.sees("second   ✗ failed", "internal service error")
        await ui.press("ctrl+e")
        await ui.sees("first   ✗ failed")


async def test_repeats_fold_and_only_matches_can_be_shown(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world, 6)
    for _ in range(4):
        world.event(call_id, "log", message="waiting for the lock")
    async with console() as ui:
        tail = await _opened(ui)
        text = await ui.sees("waiting for the lock", "×4")
        assert text.count("waiting for the lock") == 1
        world.event(call_id, "log", message="waiting for the lock")
        await ui.sees("×5")
        await ui.press("z")
        await ui.until(lambda: ui.text.count("waiting for the lock") == 5)
        await ui.press("z")
        await ui.sees("×5")
        await ui.press("ampersand", *"line 3", "enter")
        text = await ui.sees("& line 3 1/1", "c context")
        assert "line 2" not in text and "waiting" not in text
        await ui.press("c")
        text = await ui.sees("line 1", "line 5", "1/1, 2 around")
        assert "line 0" not in text
        world.event(call_id, "log", message="again line 3")
        await ui.sees("again line 3", "×5")
        await ui.press("ampersand")
        await ui.sees("line 0", "/ line 3")
        await ui.press("ampersand", "escape")
        await ui.sees("line 0", "waiting for the lock")
        assert tail.cursor_key is not None and "& line" not in ui.text


async def test_e_in_the_list_opens_a_failed_run_at_its_first_error(console: Run, world: RowFactory) -> None:
    from mogplex_tui.controlplane.calls import call_writes

    _, call_id = _streaming(world, 60)
    _tool(world, call_id, "make", {"command": "make"}, error="no rule")
    for number in range(60):
        world.event(call_id, "log", message=f"later {number}")
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("e")
        await ui.sees("This run has not failed.")
        with world.plane.db.transaction() as tx:
            call_writes.finish_call(tx, call_id, "failed", world.clock.us, error="exit 1")
        await ui.sees("✗ failed", "e first error")
        await ui.press("e")
        await ui.sees("make   ✗ failed", "Error", "▌")
        assert "later 59" not in ui.text


async def test_v1_alone_states_the_limit_of_its_events(console: Run, world: RowFactory) -> None:
    run_id, _ = _streaming(world, 250)
    async with console(cookie=False, gate=True) as ui:
        await ui.sees("the runs of your automations")
        await ui.press("O", *run_id, "enter")
        text = await ui.sees("The first 200 events")
        assert "login --session" in text


async def test_wrap_and_times_can_be_switched(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world, 0)
    world.event(call_id, "log", message="a long story " * 20 + "THE-END")
    async with console(size=(100, 30)) as ui:
        await _opened(ui)
        await ui.sees("a long story")
        assert "THE-END" not in ui.text
        await ui.press("w")
        await ui.sees("THE-END")
        stamped = re.compile(r"\d\d:\d\d:\d\d  log")
        assert stamped.search(ui.text)
        await ui.press("t")
        await ui.until(lambda: not stamped.search(ui.text))


async def test_search_marks_a_word_and_counts_its_places(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world, 5)
    world.event(call_id, "log", message="the needle")
    async with console() as ui:
        await _opened(ui)
        await ui.press("slash", *"needle", "enter")
        await ui.sees("/ needle 1/1")
        await ui.press("slash", *("backspace",) * 6, *"line", "enter")
        await ui.until(lambda: "/5" in ui.text)
        before = ui.text
        await ui.press("n")
        await ui.until(lambda: ui.text != before)


async def test_each_letter_of_a_search_starts_from_the_same_row(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world, 0)
    for message in ("mend the linter", "lint the tests", "link the pages", "line up the facts", "linger"):
        world.event(call_id, "log", message=message)
    async with console() as ui:
        tail = await _opened(ui)
        await ui.sees("linger")
        await ui.press("home", "down", "down")
        start = tail.cursor_key
        await ui.press("slash", *"lin")
        await ui.sees("/ lin 1/5")
        await ui.press("k")
        await ui.sees("/ link 1/1")
        await ui.press("backspace", "t")
        await ui.sees("/ lint 1/2")
        assert tail.cursor_key == start
        await ui.press("enter", "n")
        await ui.sees("/ lint 2/2")


async def test_f_follows_and_a_second_press_changes_nothing(console: Run, world: RowFactory) -> None:
    _streaming(world, 80)
    async with console(size=(120, 24)) as ui:
        await _opened(ui)
        await ui.sees("line 79")
        await ui.press("f", "w", "t")
        await ui.until(lambda: not re.search(r"\d\d:\d\d:\d\d  log", ui.text))
        await ui.sees("following", "line 79")
        await ui.press("pageup")
        await ui.sees("paused")
        await ui.press("f", "f")
        await ui.sees("following", "line 79")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_run_facts_show_repository_harness_and_price(
    console: Run, world: RowFactory, size: tuple[int, int]
) -> None:
    _streaming(world)
    async with console(size=size) as ui:
        await _opened(ui)
        await ui.sees("acme/api", "codex")
        # Values that are missing are shown when they are asked for.
        assert not re.search(r"^ *branch", ui.text, re.MULTILINE)
        await ui.press("i")
        text = await ui.sees("branch", "started", "no price for harness")
        assert "$0.00" not in "\n".join(text.splitlines()[3:])


async def test_failed_run_shows_its_cause(console: Run, world: RowFactory) -> None:
    from mogplex_tui.controlplane.calls import call_writes

    _, call_id = _streaming(world)
    async with console() as ui:
        await _opened(ui)
        with world.plane.db.transaction() as tx:
            call_writes.finish_call(
                tx, call_id, "failed", world.clock.us, error="Agent run exited with code 1."
            )
        await ui.sees("✗ failed", "MOG-CALL")


async def test_screen_closes_while_events_and_keys_arrive(console: Run, world: RowFactory) -> None:
    _, call_id = _streaming(world)
    async with console() as ui:
        await ui.sees("acme/api")
        for number in range(8):
            await ui.press("enter")
            await ui.sees("following")
            world.event(call_id, "log", message=f"while leaving {number}")
            await ui.until(lambda: ui.app.screen._flush_timer is not None or "while leaving" in ui.text)
            await ui.press("pageup", "escape")
            await ui.sees("STATE")
        assert ui.app.return_value is None


async def test_failed_list_makes_run_state_but_not_events_stale(console: Run, world: RowFactory) -> None:
    async def fails() -> bool:
        raise ServiceFailed("The service failed on the calls: broken", status=500)

    def tone_of(word: str) -> Tone:
        segments: list[Segment] = ui.app.screen.title_segments()
        return next(each.tone for each in segments if word in each.text)

    _, call_id = _streaming(world)
    async with console() as ui:
        await _opened(ui)
        assert tone_of("streaming") is not Tone.DIM
        listed = ui.app.runs.feed
        reads, listed.fetch = listed.fetch, fails
        for failures in (1, 2):
            await ui.press("r")
            await ui.until(lambda: listed.freshness.failures >= failures, "a failure")
        await ui.sees("The state of the run is", "read.", "partly stale", "following")
        assert tone_of("streaming") is Tone.DIM
        world.event(call_id, "log", message="fresh from the service")
        await ui.sees("fresh from the service", "partly stale")
        listed.fetch = reads
        await ui.press("r")
        await ui.loses("partly stale")
        assert tone_of("streaming") is not Tone.DIM


async def test_web_pages_of_a_run_are_offered_by_name(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mogplex_tui.operate.browser_detection.has_browser", lambda: True)
    opened: list[str] = []
    pull = "https://github.com/acme/web/pull/7"
    world.call(repo_id=world.repo("acme/web"), metadata={"repo": "acme/web", "pull_request_url": pull})
    async with console() as ui:
        monkeypatch.setattr(ui.app, "open_url", opened.append)
        await ui.sees("acme/web", "pending")
        # In the list, then on the screen of the run.
        for count, keys in enumerate((("o",), ("enter", "o")), 1):
            await ui.press(*keys)
            await ui.sees(
                "Open in the browser", f"pull request   {pull}", "repository   https://github.com/acme/web"
            )
            await ui.press("enter")
            await ui.until(lambda n=count: opened == [pull] * n, "the pull request")
