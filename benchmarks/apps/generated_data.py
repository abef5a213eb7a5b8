"""Generated rows and events for the measured apps."""

from __future__ import annotations

import random
from collections.abc import Sequence

from mogplex_tui.widgets.columns import Column
from mogplex_tui.widgets.styles import Cell, Tone
from mogplex_tui.widgets.tail_rows import TailRow

ROWS = 100_000
EVENTS = 50_000
CHANGES_A_SECOND = 5_000
REPOS = ("acme/web", "acme/api", "acme/docs", "acme/billing")
STATES = (
    ("◐ streaming", Tone.LIVE),
    ("✓ success", Tone.OK),
    ("✗ failed", Tone.ERROR),
    ("○ pending", Tone.DIM),
)
COLUMNS = (
    Column("id", "ID", 8),
    Column("state", "STATE", 12),
    Column("repo", "REPO", 14),
    Column("model", "MODEL", 14, priority=2),
    Column("branch", "BRANCH", 22, min_width=12, flex=1, cut="middle", priority=1),
    Column("age", "AGE", 5, align="right"),
    Column("tokens", "TOKENS", 8, align="right"),
    Column("cost", "COST", 7, align="right"),
)


class Rows:
    """A row source of numbered runs whose token counts change."""

    stale = False

    def __init__(self, count: int = ROWS) -> None:
        self.tokens = [number * 37 % 100_000 for number in range(count)]

    def __len__(self) -> int:
        return len(self.tokens)

    def key_at(self, index: int) -> str:
        """The number as a key."""
        return f"{index:08d}"

    def index_of(self, key: str) -> int | None:
        """The key as a number."""
        return int(key)

    def cells(self, key: str) -> Sequence[Cell]:
        """Return the cells of a row, one per column."""
        number = int(key)
        return (
            (key, Tone.DIM),
            STATES[number % 4],
            (REPOS[number % 4], Tone.PLAIN),
            ("gpt-5.4", Tone.DIM),
            (f"fix/login-redirect-{number}", Tone.PLAIN),
            (f"{number % 60}m", Tone.DIM),
            (f"{self.tokens[number] / 1000:.1f}k", Tone.PLAIN),
            (f"${number % 500 / 100:.2f}", Tone.PLAIN),
        )

    def mark(self, _key: str) -> bool:
        """Nothing is marked."""
        return False

    def line(self, number: int) -> str:
        """The same row as one plain line, for the floor."""
        cells = self.cells(f"{number:08d}")
        return "  ".join(
            text.rjust(column.width) if column.align == "right" else text.ljust(column.width)
            for (text, _), column in zip(cells, COLUMNS, strict=True)
        )

    def change(self, dice: random.Random, near: int) -> set[int]:
        """Change the rows of one fiftieth of a second; return which.

        A tenth of them are near row `near`.
        """
        batch = CHANGES_A_SECOND // 50
        numbers = {dice.randrange(len(self.tokens)) for _ in range(batch - batch // 10)}
        numbers |= {min(len(self.tokens) - 1, near + dice.randrange(40)) for _ in range(batch // 10)}
        for number in numbers:
            self.tokens[number] = (self.tokens[number] + dice.randrange(1, 900)) % 100_000
        return numbers


class Events:
    """A tail source of numbered events."""

    def __init__(self, count: int = EVENTS) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def index_of(self, key: str) -> int | None:
        """The key as a number."""
        return int(key)

    def version(self, _key: str) -> int:
        """Nothing changes."""
        return 0

    def row(self, index: int) -> TailRow:
        """The event."""
        time = f"14:{index // 60 % 60:02d}:{index % 60:02d}"
        if index % 5 == 0:
            text = f"event {index:08d} checked out fix/login-redirect"
            return TailRow(str(index), time, ("log", Tone.DIM), [(text, Tone.PLAIN)])
        name = ("read", "edit", "shell", "search")[index % 4]
        body = [(name, Tone.ACCENT), (f"event {index:08d} src/auth/login.ts", Tone.PLAIN)]
        return TailRow(str(index), time, ("tool", Tone.DIM), body, (f"{index % 90 / 10}s", Tone.DIM))

    def text(self, index: int) -> str:
        """Return the text of the event."""
        return " ".join(text for text, _ in self.row(index).body)

    def line(self, index: int) -> str:
        """The same event as one plain line, for the floor."""
        row = self.row(index)
        body = " ".join(text for text, _ in row.body)
        return f"{row.time}  {row.label[0]:7} {body}".ljust(105) + (row.right[0] if row.right else "")
