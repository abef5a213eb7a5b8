"""Search in a tail: matches, the current one, and how much text is read."""

from __future__ import annotations

from mogplex_tui.widgets.styles import Ground, Tone

from .hosts import Events, TailHost
from .test_line_tail import SIZE, log


async def test_search_marks_matches_and_starts_over() -> None:
    app = TailHost(Events(0))
    app.events.rows.extend(
        log(str(number), "the Login page" if number % 20 == 7 else "something else") for number in range(100)
    )
    async with app.run_test(size=SIZE) as pilot:
        assert app.tail.next_match() == (0, 0)
        app.tail.set_highlight("login")
        assert app.tail.next_match() == (1, 5)
        assert app.tail.cursor_key == "7"
        assert app.tail.next_match() == (2, 5)
        assert app.tail.prev_match() == (1, 5)
        assert app.tail.prev_match() == (5, 5)
        assert app.tail.cursor_key == "87"
        assert not app.tail.follow
        ground = app.tail.palette.style(Tone.PLAIN, Ground.MATCH).bgcolor
        marked = [
            segment.text
            for y in range(app.tail.size.height)
            for segment in app.tail.render_line(y)
            if segment.style and segment.style.bgcolor == ground
        ]
        assert marked == ["Login"]
        app.events.rows.append(log("new", "LOGIN again"))
        app.tail.appended(1)
        assert app.tail.next_match() == (6, 6)
        app.tail.set_highlight("nowhere")
        assert app.tail.next_match() == (0, 0)
        app.tail.set_highlight(None)
        await pilot.pause()
        assert ground not in {segment.style.bgcolor for segment in app.tail.render_line(3) if segment.style}


async def test_search_starts_at_the_current_row_and_includes_it() -> None:
    app = TailHost(Events(0))
    app.events.rows.extend(
        log(name, name) for name in ("stop", "stage", "start", "stare", "star", "stop again")
    )
    async with app.run_test(size=SIZE):
        assert app.tail.move_cursor_to("stage")
        for term, place, key in (
            ("s", (2, 6), "stage"),
            ("st", (2, 6), "stage"),
            ("sta", (1, 4), "stage"),
            ("star", (1, 3), "start"),
            ("stare", (1, 1), "stare"),
            ("star", (1, 3), "start"),
            ("stop", (2, 2), "stop again"),
        ):
            app.tail.set_highlight(term)
            assert app.tail.match_from("stage") == place
            assert app.tail.cursor_key == key


async def test_search_reads_every_text_once_and_then_only_changes() -> None:
    count = 20_000
    app = TailHost(Events(count))
    app.events.index_of = lambda key: int(key[1:])  # type: ignore[method-assign]

    def found(term: str) -> tuple[int, int]:
        app.tail.set_highlight(term)
        return app.tail.match_from("e0")

    async with app.run_test(size=SIZE) as pilot:
        drawn = app.events.asked
        assert found("event 1") == (1, 11_111)
        await pilot.pause()
        # What is drawn of a row is made for the screen alone.
        assert app.events.asked - drawn < 100
        read = app.events.read
        # What matches the longer term is among what matched the shorter; one letter back finds that again.
        assert found("event 19") == (1, 1_111)
        assert found("event 199") == (1, 111)
        assert found("event 19") == (1, 1_111)
        assert found("event 1") == (1, 11_111)
        assert app.events.read - read == 11_111 + 1_111
        read = app.events.read
        for number, text in ((1, "another"), (2, "event 1, as it were")):
            app.events.rows[number] = log(f"e{number}", text)
        app.tail.refresh_rows(["e1", "e2"])
        app.events.add(1, "event 1 is new")
        app.tail.appended(1)
        assert found("event 1") == (1, 11_112)
        assert app.tail.cursor_key == "e2"
        app.tail.set_highlight("event 1,")
        assert app.tail.match_from("e0") == (1, 1)
        app.tail.set_highlight("event 1 is new")
        assert app.tail.match_from("e0") == (1, 1)
        assert app.tail.cursor_key == f"e{count}"
        assert app.events.read - read < 2 * 11_112 + 200
