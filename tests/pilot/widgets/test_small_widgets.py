from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.widget import Widget

from mogplex_tui.themes import THEMES, allowed, register
from mogplex_tui.widgets.ascii_filter import letters
from mogplex_tui.widgets.bars import Bar, BarList
from mogplex_tui.widgets.card import Card
from mogplex_tui.widgets.chart import ChartBar, UsageChart, axis
from mogplex_tui.widgets.columns import Column, ContentWidths, arrange
from mogplex_tui.widgets.facts import Fact, Facts
from mogplex_tui.widgets.key_bar import KeyBar
from mogplex_tui.widgets.notice_line import NoticeLine
from mogplex_tui.widgets.segment_line import HeaderLine, Segment, SegmentLine
from mogplex_tui.widgets.sparkline import sparkline
from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.tab_line import TabLine

from .hosts import ragged, shown, until

HEADER = [
    Segment("mogplex", Tone.ACCENT, 5),
    Segment("prod", Tone.STRONG, 1),
    Segment("ada@acme.dev", Tone.DIM, 6),
    Segment("● connected", Tone.OK, 0, True),
    Segment("API 23/60", Tone.PLAIN, 2, True),
    Segment("today $31.42", Tone.STRONG, 3, True),
    Segment("▁▂▃▅", Tone.ACCENT, 7, True),
]
TITLES = ("Runs", "Projects", "Agents", "Assignments", "Sandboxes", "Observability", "Models", "Settings")
TABS = [(str(number), title, title.lower()) for number, title in enumerate(TITLES, 1)]


class Host(App[None]):
    ENABLE_COMMAND_PALETTE = False
    CSS = "#fixed { height: 12; }"

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self.widgets = widgets
        self.picked: list[str] = []

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def on_mount(self) -> None:
        register(self)
        self.theme = THEMES[0].name

    def on_tab_line_picked(self, event: TabLine.Picked) -> None:
        self.picked.append(event.name)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (120, "mogplex prod ada@acme.dev ● connected API 23/60 today $31.42 ▁▂▃▅"),
        (70, "mogplex prod ada@acme.dev ● connected API 23/60 today $31.42"),
        (60, "mogplex prod ● connected API 23/60 today $31.42"),
        (45, "prod ● connected API 23/60 today $31.42"),
        (32, "prod ● connected API 23/60"),
        (13, "● connected"),
        (6, "● c…"),
    ],
    ids=[f"{width} columns" for width in (120, 70, 60, 45, 32, 11, 6)],
)
async def test_header_drops_its_least_important_parts_first(columns: int, words: str) -> None:
    line = HeaderLine(HEADER)
    async with Host(line).run_test(size=(columns, 5)):
        assert shown(line)[0].split() == words.split()
        assert not ragged(line)


async def test_right_segments_stand_at_the_right_edge_and_change() -> None:
    line = SegmentLine([Segment("Runs"), Segment("as of 2s", right=True), Segment("")])
    async with Host(line).run_test(size=(40, 5)) as pilot:
        assert shown(line)[0] == " Runs".ljust(31) + "as of 2s "
        line.set_segments([Segment("[b]Runs[/b]\x1b"), Segment("now", right=True)])
        await pilot.pause()
        assert shown(line)[0] == " [b]Runs[/b]␛".ljust(36) + "now "


async def test_key_bar_drops_other_keys_before_permanent_ones() -> None:
    bar = KeyBar(
        [("⏎", "open"), ("x", "cancel"), ("n", "new run"), ("esc", "back"), (":", "command"), ("?", "help")],
        lasting=(":", "esc", "?"),
    )
    async with Host(bar).run_test(size=(60, 5)) as pilot:
        assert " ".join(shown(bar)[0].split()) == "⏎ open x cancel n new run esc back : command ? help"
        await pilot.resize_terminal(50, 5)
        await until(
            pilot, lambda: " ".join(shown(bar)[0].split()) == "⏎ open x cancel esc back : command ? help"
        )
        await pilot.resize_terminal(22, 5)
        await until(pilot, lambda: shown(bar)[0].split() == ["esc", "back", "?", "help"])
        await pilot.resize_terminal(12, 5)
        await until(pilot, lambda: shown(bar)[0].split() == ["?", "help"])
        assert not ragged(bar)
        await pilot.resize_terminal(40, 5)
        bar.set_items([("q", "quit")])
        await pilot.pause()
        assert shown(bar)[0].split() == ["q", "quit"]
        assert not ragged(bar)


async def test_tabs_shorten_before_one_is_dropped_and_can_be_clicked() -> None:
    shorts = {
        "Projects": "Proj",
        "Assignments": "Asgn",
        "Sandboxes": "Sbx",
        "Observability": "Obs",
        "Settings": "Set",
    }
    tabs = TabLine(TABS, active="runs", shorts=shorts)
    app = Host(tabs)
    async with app.run_test(size=(120, 5)) as pilot:
        assert all(title in shown(tabs)[0] for title in TITLES)
        at = shown(tabs)[0].index("Agents")
        await pilot.click(tabs, offset=(at, 0))
        await until(pilot, lambda: app.picked == ["agents"])
        bold = [part.text for part in tabs.render_line(0) if part.style and part.style.bold]
        assert " ".join(bold).split() == ["Runs"]
        await pilot.resize_terminal(70, 5)
        await until(pilot, lambda: tabs.size.width == 70)
        assert " ".join(shown(tabs)[0].split()) == "1 Runs 2 Proj 3 Agents 4 Asgn 5 Sbx 6 Obs 7 Models 8 Set"
        await pilot.resize_terminal(56, 5)
        await until(pilot, lambda: tabs.size.width == 56)
        assert " ".join(shown(tabs)[0].split()) == "1 Runs 2 Proj 3 Agen 4 Asgn 5 Sbx 6 Obs 7 Mode 8 Set"
        assert not ragged(tabs)


def test_sparkline_shows_gaps_zero_and_maximum() -> None:
    assert sparkline([0, 1, None, 7, 3.5]) == "▁▂ █▅"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([None, None]) == "  "
    assert sparkline([0.0001, 1000]) == "▂█"
    assert sparkline([1, 2, 3, 4], cells=2) == "▆█"
    assert sparkline([0, 1, 2], ascii_mode=True).isascii()


async def test_bars_line_up_their_figures_and_unknown_has_no_bar() -> None:
    bars = BarList(id="fixed")
    async with Host(bars).run_test(size=(60, 14)) as pilot:
        bars.set_bars(
            [
                Bar("gpt-5.4", 18.2, "$18.20"),
                Bar("claude-opus-5", 9.1, "$9.10"),
                Bar("unknown [price]", None, "–"),
            ],
            title="by model",
        )
        await pilot.pause()
        lines = shown(bars)
        assert lines[0].strip() == "by model"
        assert lines[1].rstrip().endswith("$18.20")
        assert len(lines[1].rstrip()) == len(lines[2].rstrip()) == len(lines[3].rstrip())
        assert lines[1].count("█") == 2 * lines[2].count("█") > 0
        assert "█" not in lines[3]
        assert "unknown [price]" in lines[3]
        assert not ragged(bars)


async def test_bars_beyond_the_height_follow_the_cursor_in_ascii_too() -> None:
    bars = BarList(ascii_mode=True, id="fixed")
    async with Host(bars).run_test(size=(40, 14)) as pilot:
        bars.set_bars([Bar(f"model-{number}", number, f"{number}") for number in range(1, 31)], title="all")
        await pilot.pause()
        lines = shown(bars)
        assert letters(lines[0]).strip() == "all  1-11 of 30"
        assert all(letters(line).isascii() for line in lines)
        assert "#" in lines[1]
        await pilot.press("G")
        assert letters(shown(bars)[0]).strip() == "all  20-30 of 30"
        assert letters(shown(bars)[-1]).startswith(">model-30")


async def test_facts_line_up_wrap_and_cut() -> None:
    facts = Facts(id="fixed")
    async with Host(facts).run_test(size=(38, 20)) as pilot:
        facts.set_groups(
            [
                [
                    Fact("repo", "acme/web"),
                    Fact("branch", "mogplex/a-very-long-branch-name-that-goes-on-3f2a"),
                ],
                [Fact("job", "review-pr 1841 with quite a long name indeed")],
            ],
            title="Fix the login redirect that loses the query string",
            alert="tests failed",
        )
        await pilot.pause()
        lines = [line.rstrip() for line in shown(facts)]
        assert lines[:3] == ["Fix the login redirect that loses the", "query string", ""]
        assert lines[3] == "tests failed"
        assert lines[5] == "repo    acme/web"
        assert lines[6].startswith("branch  mogplex/")
        assert "…" in lines[6]
        assert lines[6].endswith("3f2a")
        assert lines[8].startswith("job     review-pr 1841")
        assert lines[9].startswith("        ")
        assert not ragged(facts)
        facts.set_lines([("acme/web  main  " + "x" * 60, Tone.PLAIN), ("$0.41", Tone.PLAIN)])
        await pilot.pause()
        assert [line.rstrip() for line in shown(facts)][1] == "$0.41"
        assert shown(facts)[0].rstrip().endswith("…")


async def test_more_facts_than_lines_are_counted_and_scrolled() -> None:
    facts = Facts(id="fixed")
    async with Host(facts).run_test(size=(38, 20)) as pilot:
        facts.set_groups([[Fact(f"label{number}", f"value{number}") for number in range(30)]])
        await pilot.pause()
        assert shown(facts)[-1].strip() == "19 more lines"
        for _ in range(40):
            await pilot._post_mouse_events(
                [__import__("textual.events").events.MouseScrollDown], facts, (3, 3), 0
            )
        await until(pilot, lambda: "value29" in shown(facts)[-1])


async def test_card_aligns_its_figures() -> None:
    card = Card("Jobs", id="fixed")
    async with Host(card).run_test(size=(40, 14)) as pilot:
        card.set_lines(
            [[("97.2 %", Tone.OK), ("success", Tone.DIM)], [("1", Tone.ERROR), ("failed", Tone.DIM)]]
        )
        await pilot.pause()
        assert [line.rstrip() for line in shown(card)[:3]] == [" Jobs", " 97.2 %  success", "      1  failed"]


@pytest.mark.parametrize("ascii_mode", [False, True], ids=["unicode", "ascii"])
async def test_chart_has_axes_and_leaves_gaps(ascii_mode: bool) -> None:
    chart = UsageChart(ascii_mode=ascii_mode, id="fixed")
    async with Host(chart).run_test(size=(60, 14)) as pilot:
        assert "no costs are known" in shown(chart)[0]
        values = [0.0, 1.0, 2.0, 5.5, None, None, 2.0, 1.0]
        chart.set_bars([ChartBar(value, f"{hour:02d}:00") for hour, value in enumerate(values)])
        await pilot.pause()
        lines = [letters(line) if ascii_mode else line for line in shown(chart)]
        assert lines[0].startswith("$6 ")
        assert "00:00" in lines[-1]
        assert "04:00" in lines[-1]
        assert not ragged(chart)
        # A space is between the bars; zero and unknown costs have none, and differ on the axis.
        ground = lines[-2]
        assert ground.startswith("$0 ")
        left = ground.index("$0") + 4
        columns = ["".join(line[column] for line in lines[:-2]).strip() for column in range(left, 60)]
        bar = 7
        assert [bool(columns[place * bar]) for place in range(8)] == [bool(value) for value in values]
        assert not any(columns[place * bar + bar - 1] for place in range(8))
        assert set(ground[left + 4 * bar : left + 6 * bar]) == set("." if ascii_mode else "╌")
        assert set(ground[left : left + bar]) == set("-" if ascii_mode else "─")
        # The cursor is at the newest bar; it moves back in time and stops at the oldest.
        assert ground.rindex("^" if ascii_mode else "▴") > left + 7 * bar
        chart.move(-3)
        assert chart.cursor == 4
        chart.move(-9)
        assert chart.cursor == 0
        if ascii_mode:
            assert all(line.isascii() for line in lines)


def test_axis_labels_are_round_amounts() -> None:
    assert [label for label in axis(5.2, 8) if label] == ["$6", "$4", "$2", "$0"]
    assert axis(5.2, 8)[8] == "$0"
    assert axis(0.037, 4)[0] == "$0.04"
    assert axis(31_000, 6)[0] == "$40k"
    assert axis(0, 3)[0] == "$1"
    # Counts have no label between two whole numbers.
    assert [label for label in axis(3, 8, is_money=False) if label] == ["3", "2", "1", "0"]
    assert [label for label in axis(2_300_000, 3, is_money=False) if label] == ["3M", "2M", "1M", "0"]


def test_columns_that_do_not_fit_at_all_are_narrowed() -> None:
    columns = [Column("a", "A", 10), Column("b", "B", 10), Column("c", "C", 10)]
    assert [slot.width for slot in arrange(columns, 34)] == [10, 10, 10]
    assert [slot.width for slot in arrange(columns, 20)] == [10, 8]
    # A few letters of a word say nothing.
    assert [slot.width for slot in arrange(columns, 16)] == [10]
    assert [slot.width for slot in arrange(columns, 4)] == [4]
    assert arrange(columns, 0) == []


def test_columns_fit_their_content_and_spare_width_goes_to_what_is_cut() -> None:
    columns = [
        Column("a", "A", 10),
        Column("b", "B", 10, min_width=6),
        Column("c", "CCCC", 10, priority=1),
        Column("d", "", 10, min_width=4),
    ]
    # Without a value a column goes, and a title is never cut.
    assert arrange(columns, 80, contents=(4, 30, 0, 50)) == [(0, 4), (1, 27), (3, 45)]
    assert arrange(columns, 80, contents=(4, 5, 2, 3)) == [(0, 4), (1, 5), (2, 5), (3, 3)]
    # Short of room, columns shrink to their least width before one is dropped.
    assert arrange(columns, 30, contents=(4, 30, 1, 30)) == [(0, 4), (1, 10), (2, 5), (3, 5)]
    assert arrange(columns, 20, contents=(4, 30, 1, 30)) == [(0, 4), (1, 8), (3, 4)]
    assert arrange(columns, 48, contents=(4, 20, 0, 40)) == [(0, 4), (1, 15), (3, 25)]


def test_content_widths_only_grow_and_know_blanks() -> None:
    widths = ContentWidths(3, ("", "–"))
    assert not widths.add(["–", "", "–"])
    assert widths.add(["abc", "日本", "–"])
    assert widths.add(["a", "x", "e\x1b"])
    assert widths.widths == (3, 4, 2)


def test_theme_without_colours_is_dark() -> None:
    assert allowed("ansi-dark", {}) == "ansi-dark"
    assert allowed("ansi-dark", {"NO_COLOR": ""}) == "mogplex-dark"
    assert allowed("mogplex-light", {}, no_color=True) == "mogplex-dark"


async def test_notice_shows_a_command_on_one_line_at_any_width() -> None:
    text = "Outcomes of runs, and pausing, need a browser session: mogplex-tui login --session opens it."
    notice = NoticeLine()
    async with Host(notice).run_test(size=(72, 20)) as pilot:
        notice.show(text)
        for cells in (72, 76, 84, 60):
            await pilot.resize_terminal(cells, 20)
            await until(pilot, lambda: notice.size.width == cells - 4)
            await pilot.pause()
            lines = [line.strip() for line in shown(notice) if line.strip()]
            assert " ".join(lines) == text
            assert any("mogplex-tui login --session" in line for line in lines), lines
