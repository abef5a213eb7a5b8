"""The widgets together on one stage, with a story that never changes."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical

from mogplex_tui.themes import register
from mogplex_tui.widgets.bars import Bar, BarList
from mogplex_tui.widgets.card import Card
from mogplex_tui.widgets.chart import ChartBar, UsageChart
from mogplex_tui.widgets.columns import Column
from mogplex_tui.widgets.facts import Fact, Facts
from mogplex_tui.widgets.key_bar import KeyBar
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.rule import RuleLine
from mogplex_tui.widgets.segment_line import HeaderLine, Segment, SegmentLine
from mogplex_tui.widgets.sparkline import sparkline
from mogplex_tui.widgets.styles import Cell, Tone
from mogplex_tui.widgets.tab_line import TabLine
from mogplex_tui.widgets.tail_rows import TailRow

TITLES = ("Runs", "Projects", "Agents", "Assignments", "Sandboxes", "Observability", "Models", "Settings")
COLUMNS = (
    Column("state", "STATE", 12),
    Column("repo", "REPO", 14, min_width=10),
    Column("who", "WHO", 14, min_width=11, priority=3),
    Column("model", "MODEL", 14, priority=4, min_width=10),
    Column("branch", "BRANCH", 20, min_width=12, cut="middle", priority=1, flex=1),
    Column("age", "AGE", 5, align="right"),
    Column("time", "TIME", 6, align="right", priority=2),
    Column("tokens", "TOKENS", 7, align="right", priority=2),
    Column("cost", "COST", 7, align="right"),
    Column("error", "", 20, min_width=8, flex=2, priority=5),
)
DIM, PLAIN = Tone.DIM, Tone.PLAIN
STORY: tuple[tuple[Cell, ...], ...] = tuple(
    tuple(zip(texts, (state, *rest, Tone.ERROR if state is Tone.ERROR else Tone.WARN), strict=True))
    for state, rest, texts in (
        (
            Tone.LIVE,
            (PLAIN, PLAIN, DIM, PLAIN, DIM, PLAIN, PLAIN, PLAIN),
            (
                "◐ streaming",
                "acme/web",
                "codex",
                "gpt-5.4",
                "fix/login-redirect",
                "2m",
                "1m51s",
                "48.2k",
                "$0.41",
                "",
            ),
        ),
        (
            Tone.LIVE,
            (PLAIN, PLAIN, DIM, PLAIN, DIM, PLAIN, PLAIN, PLAIN),
            (
                "◐ streaming",
                "acme/api",
                "PR reviewer",
                "claude-opus-5",
                "feat/rate-limits",
                "4m",
                "3m40s",
                "122.9k",
                "$1.87",
                "▲ 3.1×",
            ),
        ),
        (
            DIM,
            (PLAIN, PLAIN, DIM, PLAIN, DIM, DIM, DIM, DIM),
            (
                "○ pending",
                "acme/docs",
                "claude-code",
                "–",
                "mogplex/a-long-branch-3f2a",
                "9s",
                "–",
                "–",
                "–",
                "",
            ),
        ),
        (
            Tone.OK,
            (DIM, DIM, DIM, DIM, DIM, DIM, DIM, DIM),
            (
                "✓ success",
                "acme/web",
                "CI triage",
                "glm-5.2-fast",
                "main",
                "12m",
                "2m02s",
                "18.4k",
                "$0.05",
                "",
            ),
        ),
        (
            Tone.ERROR,
            (PLAIN, PLAIN, DIM, PLAIN, DIM, PLAIN, PLAIN, PLAIN),
            (
                "✗ failed",
                "acme/billing",
                "Cron refactor",
                "gpt-5.4",
                "chore/deps",
                "31m",
                "9m14s",
                "310.0k",
                "$2.66",
                "tests failed in payments",
            ),
        ),
        (
            DIM,
            (DIM, DIM, DIM, DIM, DIM, DIM, DIM, DIM),
            (
                "⊘ cancelled",
                "acme/web",
                "codex",
                "gpt-5.4",
                "try/other-idea",
                "44m",
                "38s",
                "9.1k",
                "~$0.07",
                "",
            ),
        ),
        (
            Tone.WARN,
            (PLAIN, PLAIN, DIM, PLAIN, DIM, PLAIN, PLAIN, PLAIN),
            (
                "◌ cancelling",
                "acme/api",
                "codex",
                "gpt-5.4",
                "fix/日本語の名前",
                "51m",
                "8m00s",
                "77.0k",
                "$0.90",
                "",
            ),
        ),
    )
)


class Runs:
    """A table model that repeats seven rows."""

    def __init__(self, count: int, *, stale: bool = False) -> None:
        self._count = count
        self.stale = stale

    def __len__(self) -> int:
        return self._count

    def key_at(self, index: int) -> str:
        return str(index)

    def index_of(self, key: str) -> int | None:
        return int(key)

    def cells(self, key: str) -> tuple[Cell, ...]:
        return STORY[int(key) % len(STORY)]

    def mark(self, key: str) -> bool:
        return key == "3"


class Events:
    """A tail model that repeats the events of a run."""

    ROWS = (
        TailRow("", "14:03:07", ("started", Tone.ACCENT), [("run accepted", PLAIN)]),
        TailRow("", "14:03:21", ("status", Tone.ACCENT), [("pending → streaming", PLAIN)]),
        TailRow("", "14:03:24", ("log", DIM), [("checked out fix/login-redirect", DIM)]),
        TailRow(
            "", "14:03:25", ("tool", DIM), [("search ", Tone.ACCENT), ('"redirectTo"', PLAIN)], ("1.1s", DIM)
        ),
        TailRow(
            "",
            "14:03:31",
            ("tool", DIM),
            [("read ", Tone.ACCENT), ("src/auth/login.ts", PLAIN)],
            ("0.2s", DIM),
        ),
        TailRow(
            "",
            "14:04:10",
            ("tool", DIM),
            [
                ("shell ", Tone.ACCENT),
                ("pnpm test auth --reporter=dot --coverage --bail=1 --maxWorkers=2", PLAIN),
            ],
            ("✗ 31.4s", Tone.ERROR),
            [("1 failed: keeps the query string", Tone.ERROR)],
        ),
        TailRow("", "", ("", DIM), [("── 14 events between these two were not received ──", DIM)]),
        TailRow(
            "", "14:04:43", ("failed", Tone.ERROR), [("the model was overloaded [503]\x1b[31m", Tone.ERROR)]
        ),
        TailRow(
            "",
            "14:05:21",
            ("tool", DIM),
            [("edit ", Tone.ACCENT), ("tests/auth.test.ts", PLAIN)],
            ("…", Tone.LIVE),
        ),
    )

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def row(self, index: int) -> TailRow:
        return self.ROWS[index % len(self.ROWS)]._replace(key=str(index))

    def text(self, index: int) -> str:
        return " ".join(text for text, _ in self.row(index).body)

    def index_of(self, key: str) -> int | None:
        return int(key)

    def version(self, key: str) -> int:
        return 0


class Stage(App[None]):
    """An app that shows one scene in one theme."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Horizontal { height: 1fr; }
    #facts { width: 38; height: 1fr; border-right: solid $border; padding: 0 1 0 2; }
    #cards { height: 5; }
    #cards Card { width: 1fr; }
    UsageChart { width: 1fr; height: 1fr; padding: 0 1; }
    Vertical { width: 1fr; height: 1fr; }
    """

    BINDINGS = [("w", "wrap", "wrap")]

    def __init__(self, scene: str, theme: str) -> None:
        super().__init__()
        self._scene, self._theme = scene, theme

    def action_wrap(self) -> None:
        self.query_one(LineTail).toggle_wrap()

    def compose(self) -> ComposeResult:
        yield HeaderLine(
            [
                Segment("mogplex", Tone.ACCENT, 5),
                Segment("prod", Tone.STRONG, 1),
                Segment("ada@acme.dev", DIM, 6),
                Segment("● connected", Tone.OK, 0, True),
                Segment("API 23/60", PLAIN, 2, True),
                Segment("today $31.42", Tone.STRONG, 3, True),
                Segment("$4.20/h", PLAIN, 4, True),
                Segment(sparkline([1, 2, 4, 6, 7, 6, 4, None, 2]), Tone.ACCENT, 7, True),
            ]
        )
        shorts = {
            "Projects": "Proj",
            "Assignments": "Asgn",
            "Sandboxes": "Sbx",
            "Observability": "Obs",
            "Settings": "Set",
        }
        yield TabLine(
            [(str(n), title, title) for n, title in enumerate(TITLES, 1)], active="Runs", shorts=shorts
        )
        yield SegmentLine(
            [
                Segment("Runs", Tone.STRONG),
                Segment("412", PLAIN, 1),
                Segment("3 live", Tone.LIVE, 2),
                Segment("2 failed today", Tone.ERROR, 3),
                Segment("/ repo:web !docs   37 of 412", Tone.ACCENT, 1, True),
            ]
        )
        yield RuleLine()
        yield from getattr(self, f"_{self._scene}")()
        yield KeyBar([("⏎", "open"), ("x", "cancel"), ("n", "new run"), ("/", "filter"), ("?", "help")])

    def _table(self) -> ComposeResult:
        table = LineTable(COLUMNS)
        table.set_source(Runs(400))
        table.set_sort("age", True)
        yield table

    def _stale(self) -> ComposeResult:
        table = LineTable(COLUMNS)
        table.set_source(Runs(9, stale=True))
        yield table

    def _empty(self) -> ComposeResult:
        table = LineTable(COLUMNS)
        table.set_message(["No runs yet.", "n starts one; :automations shows what could start them."])
        table.set_source(Runs(0))
        yield table

    def _run(self) -> ComposeResult:
        facts, tail = Facts(id="facts"), LineTail()
        facts.set_groups(
            [
                [
                    Fact("repo", "acme/web"),
                    Fact("branch", "fix/login-redirect"),
                    Fact("sandbox", "running", Tone.LIVE),
                ],
                [Fact("tokens", "41.0k in  7.2k out"), Fact("cost", "$0.41  estimated")],
            ],
            title="Fix the login redirect that loses the query string",
        )
        tail.set_source(Events(214))
        tail.set_notice("This token sees the first 200 events of a run; a browser session sees all of them.")
        with Horizontal():
            if self.size.width >= 100:
                yield facts
            yield tail

    def _observability(self) -> ComposeResult:
        with Horizontal(id="cards"):
            for title in ("Jobs", "Dispatch", "Usage", "Sandboxes"):
                card = Card(title)
                card.set_lines(
                    [[("97.2 %", Tone.OK), ("success", DIM)], [("1", Tone.ERROR), ("failed", DIM)]]
                )
                yield card
        yield RuleLine()
        chart, models = UsageChart(), BarList()
        values = [None, 0.2, 0.9, 1.4, 1.2, 2.5, 3.1, 4.4, 5.2, 3.0, None, 1.1]
        chart.set_bars([ChartBar(value, f"{n * 2:02d}:00") for n, value in enumerate(values)])
        models.set_bars(
            [
                Bar("gpt-5.4", 18.2, "$18.20"),
                Bar("claude-opus-5", 9.9, "$9.91"),
                Bar("unknown price", None, "–"),
            ],
            title="by model",
        )
        with Horizontal():
            yield chart
            with Vertical():
                yield models

    def on_mount(self) -> None:
        register(self)
        self.theme = self._theme
        for view in self.query("LineTable, LineTail"):
            view.focus()
