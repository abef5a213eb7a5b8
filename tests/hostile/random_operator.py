"""Send random keys, text, mouse events, pastes and resizes to a console.

The sequence follows a seed. It never leaves the console: no `q`, no ctrl+q, no ctrl+c, and nothing is
chosen where the screen offers to quit.
"""

from __future__ import annotations

import random
import re
from collections import Counter

from tests.e2e.terminal import Terminal

SIZES = ((80, 24), (120, 40), (100, 30), (200, 50), (40, 12), (20, 6), (132, 43))
ARROWS = (b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D")
PAGES = (b"\x1b[5~", b"\x1b[6~", b"\x1b[H", b"\x1b[F")
ENTER, ESCAPE, TAB = b"\r", b"\x1b", b"\t"
VIEW_KEYS = tuple(key.encode() for key in "12345678sSdrtwfilyNTgGjkb ")
# Keys of actions that change the service; each opens a dialog first.
CHANGE_KEYS = (*(key.encode() for key in "xnaedvpuPRQD+"), b"\x04")
PLACES = (
    *("runs", "projects", "agents", "assignments", "sandboxes", "models", "settings", "jobs", "automations"),
    *("approvals", "connections", "memories", "rules", "skills", "mcp-servers", "api-keys", "provider-keys"),
    *(
        "teams",
        "members",
        "failures",
        "conversations",
        "commands",
        "installations",
        "presets",
        "observability",
    ),
)
# A list and the keys of its actions.
VERBS = (
    *(
        ("runs", b"x"),
        ("agents", b"\x04"),
        ("assignments", b"ed"),
        ("sandboxes", b"xpuR+"),
        ("models", b"edD"),
    ),
    *(("jobs", b"xRQ"), ("automations", b"nedP"), ("approvals", b"ad"), ("connections", b"edv\x04")),
    *(
        ("memories", b"\x04"),
        ("rules", b"\x04"),
        ("mcp-servers", b"ed\x04"),
        ("api-keys", b"nnx"),
        ("settings", b"e"),
    ),
    *(("provider-keys", b"v\x04"), ("conversations", b"\x04"), ("members", b"ex"), ("installations", b"R")),
)
WORDS = (
    "repo:web",
    "state:failed",
    "codex",
    "zzz",
    "a",
    "fix the build",
    "ci, read, 90",
    "-1",
    "\u202e",
    "é́́",
)
PASTES = (
    b"x\rx\r\x1b[C\r",
    b"line one\nline two\n",
    b"\x1b]0;PLANTED\x07\x9b31mPLANTED",
    b"x" * 5000,
    b"",
    "日本語🙂".encode() * 40,
    b"\x00\x01\x02\x7f",
)
# Only dialogs have these borders.
DIALOG = re.compile(r"╭─|\+-.*-\+")
QUIT = re.compile(r"\bquit\b|Leave the console")


class RandomOperator:
    """Sends random input one burst at a time and keeps the latest inputs."""

    def __init__(self, terminal: Terminal, rng: random.Random, *, changes: bool = True) -> None:
        self._terminal, self._rng, self._changes = terminal, rng, changes
        self.sent: list[str] = []
        self.counts: Counter[str] = Counter()

    @property
    def offers_quit(self) -> bool:
        """Whether a choice on the screen would end the console."""
        return QUIT.search(self._terminal.text) is not None

    def act(self) -> None:
        """Do one random thing."""
        if DIALOG.search(self._terminal.text) and self._rng.random() < 0.6:
            self._answer_dialog()
            return
        actions = [
            (self._move, 30),
            (self._view, 20),
            (self._open, 12),
            (self._change, 16 if self._changes else 0),
            (self._go, 8),
            (self._filter, 5),
            (self._do_verb, 12 if self._changes else 0),
            (self._new_run, 3 if self._changes else 0),
            (self._mouse, 12),
            (self._paste, 3),
            (self._resize, 4),
            (self._suspend, 1),
        ]
        action = self._rng.choices([each for each, _ in actions], [weight for _, weight in actions])[0]
        action()

    def change_something(self) -> None:
        """Use an action of a list, or fill in the form of a new run."""
        self._rng.choice((self._do_verb, self._do_verb, self._new_run))()

    def _send(self, what: str, data: bytes) -> None:
        assert b"q" not in data and b"\x03" not in data and b"\x11" not in data, data
        if self.offers_quit and (data.endswith(ENTER) or what == "mouse"):
            what, data = "escape", ESCAPE
        self.counts[what] += 1
        self.sent.append(f"{what} {data!r}")
        del self.sent[:-40]
        self._terminal.send(data)

    def _some(self, keys: tuple[bytes, ...], most: int) -> bytes:
        return b"".join(self._rng.choice(keys) for _ in range(self._rng.randint(1, most)))

    def _move(self) -> None:
        self._send("move", self._some(ARROWS + PAGES[:2] + ARROWS, 12))
        if self._rng.random() < 0.2:
            self._send("move", self._rng.choice(PAGES))

    def _view(self) -> None:
        self._send("view", self._some(VIEW_KEYS, 3))

    def _open(self) -> None:
        if self._rng.random() < 0.6:
            self._send("open", ENTER)
        else:
            self._send("back", self._rng.choice((ESCAPE, TAB, b"\x1b[Z", b"?", b":")))

    def _change(self) -> None:
        self._send("change", self._rng.choice(CHANGE_KEYS))
        if self._rng.random() < 0.3:
            # Faster than the dialog can be drawn.
            self._send("change", self._some((ENTER, b"\x1b[C", b"x", b" "), 4))

    def _answer_dialog(self) -> None:
        answers = (
            (b"\x1b[C" + ENTER, 6),
            (ENTER, 3),
            (ESCAPE, 3),
            (self._rng.choice(WORDS).encode() + ENTER, 4),
            (b"\x1b[B" + ENTER, 3),
            (TAB + ENTER, 2),
            (b"\x13", 2),
        )
        self._send("answer", self._rng.choices([data for data, _ in answers], [n for _, n in answers])[0])

    def _go(self) -> None:
        self._send("palette", b":")
        self._terminal.pump(0.1)
        self._send("palette", self._rng.choice(PLACES).encode())
        self._terminal.pump(0.2)
        self._send("palette", ENTER)

    def _do_verb(self) -> None:
        """Go to a list, choose a row, use one of its actions and answer its dialog."""
        place, keys = self._rng.choice(VERBS)
        self._send("verb", ESCAPE)
        self._terminal.pump(0.15)
        self._send("verb", b":" + place.encode())
        self._terminal.pump(0.3)
        self._send("verb", ENTER)
        self._terminal.pump(0.5)
        self._send("verb", ARROWS[1] * self._rng.randint(0, 8) + bytes([self._rng.choice(keys)]))
        for _ in range(2):
            self._wait_for_dialog()
            if DIALOG.search(self._terminal.text):
                if self._rng.random() < 0.5:
                    self._send("answer", b"\x1b[C" + ENTER)
                else:
                    self._answer_dialog()

    def _wait_for_dialog(self) -> None:
        for _ in range(15):
            if DIALOG.search(self._terminal.text):
                return
            self._terminal.pump(0.1)

    def _filter(self) -> None:
        self._send("filter", b"/")
        self._send("filter", self._rng.choice(WORDS).encode())
        self._send("filter", self._rng.choice((ENTER, ESCAPE, b"\x7f\x7f")))

    def _new_run(self) -> None:
        self._send("new run", b"1")
        self._send("new run", b"n")
        self._terminal.pump(0.5)
        self._send("new run", ENTER)
        self._terminal.pump(0.3)
        self._send("new run", self._some(ARROWS[1:2], 4) + ENTER)
        self._terminal.pump(0.3)
        self._send("new run", TAB + self._rng.choice(WORDS).encode())
        self._send("new run", b"\x13")

    def _mouse(self) -> None:
        columns, rows = self._terminal.size
        at = f"{self._rng.randint(1, columns)};{self._rng.randint(1, rows)}"
        press, release = f"\x1b[<0;{at}M".encode(), f"\x1b[<0;{at}m".encode()
        event = self._rng.choice(("click", "double", "wheel", "drag", "move"))
        if event == "click":
            self._send("mouse", press + release)
        elif event == "double":
            self._send("mouse", (press + release) * 2)
        elif event == "wheel":
            self._send(
                "mouse", f"\x1b[<{self._rng.choice((64, 65))};{at}M".encode() * self._rng.randint(1, 8)
            )
        elif event == "drag":
            end = f"{self._rng.randint(1, columns)};{self._rng.randint(1, rows)}"
            self._send("mouse", press + f"\x1b[<32;{end}M\x1b[<0;{end}m".encode())
        else:
            self._send("mouse", f"\x1b[<35;{at}M".encode())

    def _paste(self) -> None:
        self._send("paste", b"\x1b[200~" + self._rng.choice(PASTES) + b"\x1b[201~")

    def _resize(self) -> None:
        columns, rows = self._rng.choice(SIZES)
        self.counts["resize"] += 1
        self.sent.append(f"resize {columns}x{rows}")
        self._terminal.resize(columns, rows)

    def _suspend(self) -> None:
        self._send("suspend", b"\x1a")
