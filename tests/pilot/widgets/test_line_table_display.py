"""Display of marks, stale rows, changes, themes and service texts in a table."""

from __future__ import annotations

import pytest

from mogplex_tui.widgets.ascii_filter import letters
from mogplex_tui.widgets.columns import Column
from mogplex_tui.widgets.styles import Ground, Tone

from .hosts import Rows, TableHost, names, ragged, shown, text_of, until
from .test_line_table import host


async def test_server_text_is_data() -> None:
    rows = Rows(names(8))
    rows.branches = {
        "run00000": "[bold red]not markup[/]",
        "run00001": "\x1b[31mred\x1b[0m\x07",
        "run00002": "日本語のブランチ名がとても長い場合の表示",
        "run00003": "safe\u202etxt.exe",
        "run00004": "two\nlines\tand a tab",
        "run00005": "👩‍💻 🇩🇪 ❤️ party",
        "run00006": "c1 \x9b31m \u2066iso",
        "run00007": "lone \ud800 surrogate",
    }
    app = TableHost(rows)
    async with app.run_test(size=(120, 24)):
        text = "\n".join(shown(app.table))
        assert not ragged(app.table)
        assert "[bold red]not markup[/]" in text
        assert "␛[31mred␛[0m␇" in text
        assert "safe<U+202E>txt.exe" in text
        assert "two⏎lines" in text
        assert "<9b>31m <U+2066>iso" in text
        assert "DE" in text
        assert not any(
            ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in text if character != "\n"
        )
        text.encode()


async def test_column_header_shows_the_sort_order() -> None:
    app = host()
    async with app.run_test(size=(120, 24)):
        app.table.set_sort("cost", True)
        assert "▾COST" in text_of(app.table, 0)
        app.table.set_sort("name")
        assert "NAME▴" in text_of(app.table, 0)
        app.table.set_sort(None)
        assert "▾" not in text_of(app.table, 0)
        # A title that fills its column keeps all its letters, and every title its place.
        app.table.set_columns([Column("name", "NAME", 9), Column("age", "AGE", 3, align="right")])
        plain = text_of(app.table, 0)
        app.table.set_sort("age", True)
        assert "▾AGE" in text_of(app.table, 0)
        assert text_of(app.table, 0).replace("▾", " ") == plain


async def test_marks_and_cursor_differ_without_colours() -> None:
    app = host()
    app.rows.marked.add("run00001")
    async with app.run_test(size=(120, 24)):
        assert text_of(app.table, 2).startswith(" •run00001")
        assert letters(text_of(app.table, 1)).startswith("> run00000")
        assert letters(text_of(app.table, 2)).startswith(" *run00001")


async def test_stale_rows_are_dim_and_come_back() -> None:
    app = host()
    async with app.run_test(size=(120, 24)) as pilot:

        def tones() -> set[object]:
            return {segment.style for segment in app.table.render_line(3) if segment.text.strip()}

        dim, good = app.table.palette.style(Tone.DIM), app.table.palette.style(Tone.OK)
        assert good in tones()
        app.rows.stale = True
        app.table.refresh_rows()
        await until(pilot, lambda: tones() == {dim})
        app.rows.stale = False
        app.table.refresh_rows(["run00002"])
        await until(pilot, lambda: good in tones())


async def test_changed_cell_flashes_once_unless_motion_is_reduced() -> None:
    app = host()
    async with app.run_test(size=(120, 24)) as pilot:

        def flashing() -> list[str]:
            ground = app.table.palette.style(Tone.PLAIN, Ground.FLASH).bgcolor
            return [s.text.strip() for s in app.table.render_line(3) if s.style and s.style.bgcolor == ground]

        app.table.flash("run00002", ["cost"])
        await until(pilot, lambda: flashing() == ["$0.10"])
        await until(pilot, lambda: not flashing())
        app.table.reduced_motion = True
        app.table.flash("run00002", ["cost"])
        await pilot.pause()
        assert not flashing()


async def test_without_focus_the_cursor_is_quiet() -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        bright = app.table.render_line(1)
        app.set_focus(None)
        await pilot.pause()
        quiet = app.table.render_line(1)
        assert bright.text == quiet.text
        assert [s.style for s in bright] != [s.style for s in quiet]


async def test_another_theme_redraws() -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        before = app.table.render_line(2)
        app.theme = "mogplex-light"
        await pilot.pause()
        after = app.table.render_line(2)
        assert before.text == after.text
        assert [s.style for s in before] != [s.style for s in after]


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "nord", "textual-light"])
async def test_any_theme_can_draw(theme: str) -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        app.theme = theme
        await pilot.pause()
        assert not ragged(app.table)
        assert [s.style for s in app.table.render_line(1)] != [s.style for s in app.table.render_line(2)]


async def test_without_colours_the_cursor_and_the_tones_still_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = host()
    async with app.run_test(size=(100, 22)):
        at, below = app.table.render_line(1), app.table.render_line(2)
        for segment in (*at, *below):
            for colour in (segment.style.color, segment.style.bgcolor):
                red, green, blue = colour.triplet
                assert red == green == blue
                assert segment.style.color != segment.style.bgcolor
        assert at.text.startswith("▌")
        first, second = at._segments[0].style, below._segments[0].style
        assert first is not None and second is not None
        assert first.bgcolor != second.bgcolor
        assert app.table.palette.style(Tone.ERROR).bold
