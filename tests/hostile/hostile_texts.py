"""Texts that try to control the terminal, and a pattern that detects success."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

# Title, colour, clipboard, hyperlink, C1 control, device query, right-to-left override, markup, a long line.
HOSTILE = (
    "\x1b]0;PLANTED\x07",
    "\x1b[31mPLANTED",
    "\x1b]52;c;PLANTED\x07",
    "\x1b]8;;http://PLANTED\x1b\\x",
    "\x9b31mPLANTED",
    "\x1b[6nPLANTED",
    "\u202ePLANTED",
    "[bold red]PLANTED[/]",
    "PLANTED\r\nPLANTED\tPLANTED",
    "PLANTED " * 4000,
    "e" + "\u0301" * 3000 + "PLANTED",
)
# A planted text directly after an escape: the console did not make the sequence visible.
ESCAPED = re.compile(rb"(?:\x1b\][0-9;c]*|\x1b\[31m|\x1b\[6n|\x1b\]8;;http://|\xc2\x9b31m|\x9b31m)PLANTED")
COLUMNS = (
    ("ai_calls", "error"),
    ("external_agent_runs", "prompt"),
    ("ai_call_events", "message"),
    ("agents", "description"),
    ("agents", "name"),
    ("memories", "content"),
    ("control_approvals", "summary"),
    ("job_runs", "error"),
    ("sandboxes", "error"),
    ("flows", "name"),
    ("connections", "description"),
    ("conversations", "title"),
    ("agent_rules", "content"),
)


def plant(database: Path) -> int:
    """Put hostile texts into every third row of each column; return how many."""
    planted = 0
    with sqlite3.connect(database) as connection:
        for table, column in COLUMNS:
            rows = connection.execute(f"SELECT rowid FROM {table} WHERE {column} IS NOT NULL").fetchall()
            for number, (row,) in enumerate(rows[::3]):
                text = HOSTILE[number % len(HOSTILE)]
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (text, row))
                planted += 1
    return planted
