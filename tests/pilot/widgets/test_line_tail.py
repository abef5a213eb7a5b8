from __future__ import annotations

import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.tail_rows import TailRow

from .hosts import Events, TailHost, ragged, shown, text_of, until

SIZE = (100, 20)


def cursor_lines(app: TailHost) -> list[str]:
    return [line for line in shown(app.tail) if line.startswith("▌")]


def last_line(app: TailHost) -> str:
    return shown(app.tail)[-1]


def log(key: str, text: str) -> TailRow:
    return TailRow(key, "14:03:07", ("log", Tone.DIM), [(text, Tone.PLAIN)])


async def test_tail_opens_at_its_end_and_reads_only_visible_rows() -> None:
    app = TailHost(Events(50_000))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "event 49999" in last_line(app)
        assert "event 49980" in shown(app.tail)[0]
        assert app.events.asked < 200
        assert cursor_lines(app) == [last_line(app)]


async def test_tail_follows_new_rows() -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        app.events.add(3)
        app.tail.appended(3)
        await until(pilot, lambda: "event 102" in last_line(app))
        assert app.tail.cursor_key == "e102"
        assert app.tail.unseen == 0


@pytest.mark.parametrize("key", ["up", "k", "pageup", "home"])
async def test_scrolling_back_stops_following(key: str) -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: ("following", False) in app.messages)
        assert not app.tail.follow
        before = [line[:60] for line in shown(app.tail)]
        app.events.add(7)
        app.tail.appended(3)
        app.tail.appended(4)
        await until(pilot, lambda: "+7 new" in last_line(app))
        assert app.tail.unseen == 7
        assert [line[:60] for line in shown(app.tail)] == before


@pytest.mark.parametrize("key", ["end", "G"])
async def test_following_resumes_by_key(key: str) -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("pageup")
        app.events.add(5)
        app.tail.appended(5)
        await pilot.press(key)
        await until(pilot, lambda: ("following", True) in app.messages)
        assert app.tail.follow
        assert app.tail.unseen == 0
        assert "event 104" in last_line(app)
        assert "new" not in last_line(app)


async def test_following_can_stop_without_scrolling() -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        app.tail.follow = False
        app.events.add(2)
        app.tail.appended(2)
        await until(pilot, lambda: "+2 new" in last_line(app))
        assert "event 99" in last_line(app)
        await pilot.press("pagedown")
        await until(pilot, lambda: app.tail.unseen == 0)
        assert "event 101" in last_line(app)
        assert not app.tail.follow


async def test_added_rows_cause_one_repaint_of_visible_rows() -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        painted, asked = app.painted, app.events.asked
        app.events.add(5000)
        app.tail.appended(5000)
        await until(pilot, lambda: "event 5099" in last_line(app))
        await pilot.pause()
        assert app.painted - painted <= 2
        assert app.events.asked - asked <= SIZE[1] * 4


async def test_cursor_and_view_keep_their_rows_when_rows_precede() -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("pageup", "down", "down")
        key, before = app.tail.cursor_key, [line[:60] for line in shown(app.tail)]
        app.events.rows[:0] = [log(f"old{number}", "older") for number in range(5)]
        app.tail.refresh_rows()
        await pilot.pause()
        assert app.tail.cursor_key == key
        assert [line[:60] for line in shown(app.tail)] == before


async def test_row_shows_added_detail_on_its_own_line() -> None:
    app = TailHost(Events(50))
    async with app.run_test(size=SIZE) as pilot:
        tool = TailRow(
            "t", "14:04:10", ("tool", Tone.DIM), [("shell ", Tone.ACCENT), ("pnpm test", Tone.PLAIN)]
        )
        app.events.rows.append(tool._replace(right=("…", Tone.LIVE)))
        app.tail.appended(1)
        await until(pilot, lambda: "pnpm test" in last_line(app))
        assert last_line(app).rstrip(" ▐").endswith("…")
        app.events.rows[-1] = tool._replace(
            right=("✗ 31.4s", Tone.ERROR), detail=[("1 failed: keeps the query string", Tone.ERROR)]
        )
        app.tail.refresh_rows(["t"])
        await until(pilot, lambda: "1 failed" in last_line(app))
        lines = shown(app.tail)
        assert lines[-2].rstrip(" ▐").endswith("✗ 31.4s")
        assert lines[-1].index("1 failed") == lines[-2].index("pnpm test")
        assert not ragged(app.tail)


async def test_messages_line_up_with_and_without_a_name() -> None:
    app = TailHost(Events(0))
    rows = app.events.rows
    rows.append(TailRow("1", "14:03:07", ("started", Tone.ACCENT), [("accepted", Tone.PLAIN)]))
    rows.append(
        TailRow("2", "14:03:25", ("tool", Tone.DIM), [("search ", Tone.ACCENT), ("words", Tone.PLAIN)])
    )
    rows.append(TailRow("3", "14:03:26", ("log", Tone.DIM), [("two", Tone.PLAIN), (" spans", Tone.DIM)]))
    rows.append(TailRow("4", "", ("", Tone.DIM), [("── 14 events are missing ──", Tone.DIM)]))
    async with app.run_test(size=(80, 24)):
        lines = shown(app.tail)
        assert lines[0].index("accepted") == lines[1].index("words") == lines[2].index("two spans")
        assert lines[3][1:].startswith("── 14 events")
        assert not ragged(app.tail)


async def test_wrapping_rewraps_on_resize_and_cuts_again() -> None:
    words = " ".join(f"word{number}" for number in range(40))
    app = TailHost(Events(30, text=words + " end{}"))
    async with app.run_test(size=SIZE) as pilot:
        assert "…" in last_line(app)
        app.tail.toggle_wrap()
        assert app.tail.wrap
        text = "\n".join(shown(app.tail))
        assert "…" not in text
        assert "end29" in last_line(app)
        assert not ragged(app.tail)
        for columns in (60, 140, 30):
            await pilot.resize_terminal(columns, 20)
            await until(pilot, lambda: app.tail.size.width == columns)
            assert "end29" in last_line(app)
            assert not ragged(app.tail)
            joined = " ".join(" ".join(shown(app.tail)).replace("▌", " ").replace("▐", " ").split())
            assert "word39 end29" in joined
        app.tail.toggle_wrap()
        assert "word39" not in last_line(app)


async def test_scrolling_wrapped_rows_goes_line_by_line_and_comes_back() -> None:
    words = " ".join(f"word{number}" for number in range(60))
    app = TailHost(Events(30, text=words))
    async with app.run_test(size=SIZE) as pilot:
        app.tail.toggle_wrap()
        end = shown(app.tail)
        app.tail.post_message(MouseScrollUp(app.tail, 5, 5, 0, 0, 0, False, False, False))
        await until(pilot, lambda: ("following", False) in app.messages)
        moved = shown(app.tail)
        assert [line[:80] for line in moved[3:]] == [line[:80].replace("▌", "▌") for line in end[:-3]]
        app.tail.post_message(MouseScrollDown(app.tail, 5, 5, 0, 0, 0, False, False, False))
        await until(pilot, lambda: shown(app.tail) == end)
        for _ in range(60):
            await pilot.press("pageup")
        first = shown(app.tail)[0]
        assert first.startswith("▌") and "word0 word1 word2" in first
        assert app.tail.cursor_key == "e0"


async def test_hidden_times_leave_their_width_to_messages() -> None:
    app = TailHost(Events(30))
    async with app.run_test(size=SIZE):
        assert "14:03:07" in last_line(app)
        app.tail.toggle_times()
        assert not app.tail.times
        assert "14:03:07" not in "\n".join(shown(app.tail))
        assert "event 29" in last_line(app)


async def test_notice_is_drawn_above_the_rows_and_wraps() -> None:
    notice = "This token sees the first 200 events of a run; a browser session sees all of them."
    app = TailHost(Events(100))
    async with app.run_test(size=(50, 20)) as pilot:
        app.tail.set_notice(notice)
        await pilot.pause()
        lines = shown(app.tail)
        assert " ".join(f"{lines[0]} {lines[1]}".split()) == notice
        assert "event 99" in lines[-1]
        await pilot.press("pageup")
        assert text_of(app.tail, 0) == lines[0]
        await pilot.resize_terminal(120, 20)
        await until(pilot, lambda: app.tail.size.width == 120)
        assert notice in text_of(app.tail, 0)
        assert "event" in text_of(app.tail, 1)
        app.tail.set_notice(None)
        await pilot.pause()
        assert "event" in text_of(app.tail, 0)


async def test_empty_tail_shows_its_first_rows() -> None:
    app = TailHost(Events(0))
    async with app.run_test(size=SIZE) as pilot:
        app.tail.set_message(["No events yet."])
        await pilot.pause()
        assert "No events yet." in "\n".join(shown(app.tail))
        await pilot.press("up", "down", "pageup", "enter", "end")
        app.events.add(2)
        app.tail.appended(2)
        await until(pilot, lambda: "event 1" in "\n".join(shown(app.tail)))
        assert "No events yet." not in "\n".join(shown(app.tail))
        assert "event 0" in shown(app.tail)[0]


async def test_enter_and_a_double_click_select() -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("up", "enter")
        await until(pilot, lambda: ("selected", "e98") in app.messages)
        await pilot.click(app.tail, offset=(30, 2), times=2)
        await until(pilot, lambda: ("selected", "e82") in app.messages)
        assert app.tail.move_cursor_to("e5")
        assert "event 5 " in "\n".join(cursor_lines(app))
        assert not app.tail.move_cursor_to("nobody")


async def test_scroll_bar_can_be_dragged_to_both_ends() -> None:
    app = TailHost(Events(1000))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.mouse_down(app.tail, offset=(99, 19))
        await pilot.hover(app.tail, offset=(99, 0))
        await until(pilot, lambda: "event 0 " in text_of(app.tail, 0))
        await pilot.hover(app.tail, offset=(99, 19))
        await until(pilot, lambda: "event 999" in last_line(app))
        await pilot.mouse_up(app.tail, offset=(99, 19))


async def test_event_text_is_data() -> None:
    app = TailHost(Events(0))
    texts = [
        "[red]not markup[/red] [link=http://x]y[/link]",
        "\x1b]0;title\x07\x1b[2Jgone?",
        "日本語" * 40,
        "a\u202eb\u0000c",
        "one\ntwo\r\nthree\tfour",
        "🎉👨‍👩‍👧‍👦🏳️‍🌈" * 10,
        "x" * 100_000,
    ]
    app.events.rows.extend(log(str(number), text) for number, text in enumerate(texts))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(2):
            text = "\n".join(shown(app.tail))
            assert not ragged(app.tail)
            assert not any(
                ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200d" for c in text if c != "\n"
            )
            app.tail.toggle_wrap()
            await pilot.press("home")
        assert "[red]not markup[/red] [link=http://x]y[/link]" in text
        assert "␛]0;title␇␛[2Jgone?" in text
        assert "a<U+202E>b␀c" in text


async def test_new_source_starts_at_its_end() -> None:
    app = TailHost(Events(100))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home")
        app.tail.set_source(Events(300, text="other {}"))
        await pilot.pause()
        assert app.tail.follow
        assert "other 299" in last_line(app)


@pytest.mark.parametrize("key", ["up", "pageup", "home", "enter", "end"])
async def test_key_after_removed_rows_uses_the_remaining_rows(key: str) -> None:
    app = TailHost(Events(500))
    async with app.run_test(size=SIZE) as pilot:
        app.events.rows = [log(f"new{number}", f"anew {number}") for number in range(30)]
        await pilot.press(key)
        app.tail.set_highlight("anew")
        app.tail.next_match()
        app.tail.refresh_rows(None)
        await until(pilot, lambda: "anew 10" in "".join(shown(app.tail)))
        assert not any("event" in line for line in shown(app.tail))
