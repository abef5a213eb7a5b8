"""Key overrides: syntax, conflicts, and every shown key that follows them."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.keys import Keys, _character_to_key

from mogplex_tui.config.keymap import canonical, display_name
from mogplex_tui.operate import action_registry, cursor_movement
from mogplex_tui.operate.key_overrides import FIXED_KEYS, RESERVED_KEYS, key_owners, validate_overrides
from mogplex_tui.screens.event_view import EventView
from mogplex_tui.screens.record_view import RecordView
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.scroll_page import ScrollPage
from tests.facts.keys import DOCUMENT, document

PACKAGE = Path(__file__).resolve().parents[2] / "mogplex_tui"


@pytest.fixture
def set_overrides() -> Iterator[Any]:
    """Return the function that sets key overrides; they are reset afterwards."""
    yield action_registry.set_key_overrides
    action_registry.set_key_overrides({})


# How keys are written ---------------------------------------------------------------------------------------------


def test_key_names_match_those_of_textual() -> None:
    for character in string.digits + string.ascii_letters + string.punctuation + "é€ß":
        assert canonical(character) == _character_to_key(character)
        assert display_name(_character_to_key(character)) == character
    # Aliases, keys that terminals send differently, and keys that do not exist.
    elsewhere = {"return", "ctrl+i", "ctrl+m", "ctrl+@", "ctrl-at"}
    names = {each.value for each in Keys if not each.value.startswith("<")} - elsewhere
    assert {name for name in names if canonical(name) != name} == set()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("X", "X"),
        ("shift+x", "X"),
        ("Ctrl+X", "ctrl+x"),
        ("shift+ctrl+left", "ctrl+shift+left"),
        ("alt+X", "alt+shift+x"),
        ("ctrl++", "ctrl+plus"),
        ("esc", "escape"),
        ("pgdn", "pagedown"),
        (" F5 ", "f5"),
        (" ", "space"),
        ("ctrl+[", "escape"),
        ("ctrl+m", "enter"),
        ("question_mark", "question_mark"),
        ("ctrl+xx", None),
        ("ctrl+ctrl+x", None),
        ("hyber+x", None),
        ("shift+1", None),
        ("f25", None),
        ("a, b", None),
        ("ctrl+space", None),
        ("", None),
        ("\t", None),
    ],
)
def test_written_key_is_normalized_or_rejected(written: str, name: str | None) -> None:
    assert canonical(written) == name


# Which of them hold -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        {"runs.cancel": "ctrl+x", "sandboxes.stop": ["X"], "go.back": ["escape", "backspace"]},
        # Two actions that swap keys, and a key that another override makes free.
        {"runs.open-id": "n", "runs.start": "O"},
        {"move.down": ["down", "j"], "kind.json": "J"},
        {"go.runs": "f1", "app.palette": ["f2", ":"], "runs.open": ["enter", "right"]},
        # The same key on separate screens.
        {"sandboxes.stop": "ctrl+k", "jobs.cancel": "ctrl+k", "tail.follow": "d"},
    ],
)
def test_valid_overrides_are_applied(overrides: dict[str, Any]) -> None:
    keys, refused = validate_overrides(overrides, "c.toml")
    assert refused == {}
    assert keys == {
        id: tuple(canonical(key) for key in ([value] if isinstance(value, str) else value))
        for id, value in overrides.items()
    }


def test_earlier_id_of_an_action_still_sets_its_keys() -> None:
    assert validate_overrides({"runs.new": "f5"}, "c.toml") == ({"runs.start": ("f5",)}, {})


@pytest.mark.parametrize(
    ("overrides", "reasons"),
    [
        ({"run.cancel": "X"}, {"run.cancel": 'no such action; did you mean "runs.cancel"?'}),
        ({"zzz": "X"}, {"zzz": "info --keys lists all"}),
        ({"list.sort": "ctrl+zz"}, {"list.sort": "'ctrl+zz' is not a key"}),
        ({"list.sort": ["o", "f25"]}, {"list.sort": "'f25' is not a key"}),
        ({"list.sort": 5}, {"list.sort": "write a key or a list of keys"}),
        ({"list.sort": []}, {"list.sort": "write a key or a list of keys"}),
        ({"list.sort": "q"}, {"list.sort": "q is already the key of app.quit (quit) in runs"}),
        # Of two overrides with the same key the later is rejected.
        (
            {"list.sort": "f5", "runs.start": "f5"},
            {"runs.start": "f5 is already the key of list.sort (sort)"},
        ),
        # A conflict with an action of one kind.
        ({"kind.copy": "p"}, {"kind.copy": "the key of sandboxes.pause (pause) in sandboxes"}),
        ({"runs.cancel": "k"}, {"runs.cancel": "k is already the key of move.up (one row up) in runs"}),
        ({"move.down": ["down", "j"]}, {"move.down": "j is already the key of kind.json (json) in run"}),
        # The pane of the JSON has the key.
        ({"kind.json": "J", "kind.copy": "j"}, {"kind.copy": "j is already the key of move.down"}),
        ({"app.quit": "ctrl+q"}, {"app.quit": "ctrl+q quits the console"}),
        ({"list.sort": "tab"}, {"list.sort": "tab moves the focus"}),
        ({"list.sort": "esc"}, {"list.sort": "esc is reserved"}),
        ({"runs.cancel": "enter"}, {"runs.cancel": "⏎ is reserved"}),
        ({"go.back": "backspace"}, {"go.back": 'esc cannot be removed. Write ["backspace", "escape"]'}),
        ({"kind.open": "l"}, {"kind.open": 'Write ["l", "enter"]'}),
        ({"app.palette": "f2"}, {"app.palette": 'Write ["f2", "colon"]'}),
        # An override that needs the key of a rejected one is rejected too.
        (
            {"runs.open-id": "n", "runs.start": "q"},
            {"runs.open-id": "n is already the key of runs.start", "runs.start": "app.quit"},
        ),
    ],
)
def test_invalid_override_is_rejected_with_a_reason(
    overrides: dict[str, Any], reasons: dict[str, str]
) -> None:
    keys, refused = validate_overrides({"app.theme": "f9", **overrides}, "/home/ada/config.toml")
    assert keys == {"app.theme": ("f9",)} | {id: keys[id] for id in overrides if id not in reasons}
    assert refused.keys() == reasons.keys()
    for id, part in reasons.items():
        assert part in refused[id]
        assert refused[id].startswith(f'"{id}" in [keys] of /home/ada/config.toml was rejected: ')
        if id in key_owners():
            assert refused[id].endswith(".") and " Current keys: " in refused[id]


def test_default_keys_have_no_conflicts() -> None:
    taken: dict[tuple[str, str], str] = {}
    for owner in key_owners().values():
        assert owner.defaults and not set(owner.defaults) & FIXED_KEYS.keys()
        for where, keys in owner.keys_by_screen.items():
            for key in keys:
                assert taken.setdefault((where, key), owner.id) == owner.id, (where, key)
    assert {key for owner in key_owners().values() for key in owner.defaults} >= set(RESERVED_KEYS)


# What is on screen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("widget", "place"),
    [
        (LineTable, cursor_movement.LIST),
        (LineTail, cursor_movement.TAIL),
        (RecordView, cursor_movement.RECORD),
        (ScrollPage, cursor_movement.PAGE),
        (EventView, cursor_movement.EVENT),
    ],
)
def test_widget_bindings_match_cursor_keys(widget: Any, place: str) -> None:
    bound = {
        each.id: tuple(each.key.split(","))
        for each in widget.BINDINGS
        if isinstance(each, Binding) and each.id is not None
    }
    assert bound == {move.id: move.defaults[place] for move in cursor_movement.MOVES}


def test_shown_keys_follow_overrides(set_overrides: Any) -> None:
    sentence = "{api-keys.create} makes one; {kind.browse} opens {their} page."
    assert validate_overrides({}, "").keys == {}
    assert action_registry.with_key_names(sentence) == "n makes one; o opens {their} page."
    assert action_registry.permanent_keys() == ["!", ":", "esc", "?"]
    set_overrides(
        {"api-keys.create": ("plus",), "go.runs": ("f1",), "go.back": ("ctrl+left_square_bracket",)}
    )
    assert action_registry.with_key_names(sentence) == "+ makes one; o opens {their} page."
    assert action_registry.tabs()[0] == ("f1", "Runs", "runs")
    assert action_registry.tabs()[1] == ("2", "Projects", "projects")
    assert action_registry.permanent_keys()[2] == "ctrl+["
    assert action_registry.BY_ID["go.runs"].keys == ("f1",)


def test_document_of_keys_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "make docs writes it"


# A dialog's own keys are nobody's choice; these are mostly something else than keys.
OF_DIALOGS = {"esc closes", "esc cancels"}
NO_KEYS = {"a", "A", ":", "+"}


def _sentences(path: Path) -> Iterator[str]:
    """Yield the string literals of a module, without docstrings."""
    tree = ast.parse(path.read_text())
    silent = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def _key_phrase() -> re.Pattern[str]:
    keys = {
        action_registry.shown_key(key) for owner in key_owners().values() for key in owner.defaults
    } - NO_KEYS
    letters = sorted((re.escape(key) for key in keys if not key.isdigit()), key=len, reverse=True)
    # A key and a verb ("r reads it again"), or a digit in brackets.
    return re.compile(rf"(?:(?:^|[\s;(])(?:{'|'.join(letters)}) [a-z]{{3,}})|\s\(\d\)")


@pytest.mark.parametrize("layer", ["app.py", "live", "operate", "screens", "widgets"])
def test_no_text_names_a_key_that_can_be_overridden(layer: str) -> None:
    literal, found = _key_phrase(), []
    places = [PACKAGE / layer] if layer.endswith(".py") else sorted((PACKAGE / layer).rglob("*.py"))
    for path in places:
        for sentence in _sentences(path):
            found += [
                f"{path.name}: {hit}"
                for match in literal.finditer(sentence)
                if (hit := match[0].strip(" ;(")) not in OF_DIALOGS
            ]
    assert found == [], "actions.key_of says the key, or {its.id} in a declared sentence"
