"""Check that every use of `Any` in the client is listed with a reason."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "mogplex_tui"
# The uses that there are, by file, and why.
REASONS = {
    "cli/key_report.py": (1, "objects for JSON whose fields the function lists"),
    "cli/kind_commands.py": (1, "the command of a kind that is known by its name"),
    "cli/parser.py": (1, "a module of commands, loaded by its name"),
    "cli/stats.py": (4, "objects for JSON whose fields the function lists"),
    "cli/webhook.py": (1, "an answer of the service as it came"),
    "live/collection.py": (1, "an alias: the rows of a kind of unknown type"),
    "live/hourly_costs.py": (1, "the content of a JSON file, before it is checked"),
    "live/startup_cache.py": (
        4,
        "a file of an earlier session, whose values are checked by making a row of them",
    ),
    "live/store.py": (1, "an alias: rows of a type that whoever names them knows"),
    "operate/model.py": (4, "aliases: kinds, actions and entries whose rows are of unknown type"),
    "operate/filter_patterns.py": (2, "the arguments of the nodes of Python's regular expression parser"),
    "screens/console_screen.py": (1, "an alias: screens, as Textual's app holds them"),
    "screens/dialog_queue.py": (2, "dialogs whose results nobody waits for"),
    "screens/list_model.py": (1, "an alias: a row that a list gives back to its model"),
    "screens/modals/new_run.py": (
        2,
        "a file of an earlier session, whose values are compared with the form's",
    ),
}


def test_every_any_has_its_reason() -> None:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.split("/")[0] not in ("operate", "live", "screens", "cli"):
            continue
        code = [
            line.partition("  #")[0]
            for line in path.read_text().splitlines()
            if not re.match(r"\s*(from typing import|\"\"\"|#)", line)
        ]
        uses = sum(len(re.findall(r"\bAny\b", line)) for line in code)
        if uses:
            found[name] = uses
    assert found == {name: uses for name, (uses, _) in REASONS.items()}
