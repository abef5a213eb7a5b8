"""The registry of kinds: current document, small modules, unique names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import mogplex_tui.operate.kinds as package
from mogplex_tui.operate.action_registry import register_kind, with_key_names
from mogplex_tui.operate.kinds.registry import find_kind, kinds
from mogplex_tui.operate.model import AnyKind
from tests.facts.kinds import DOCUMENT, document

LINES = 600


def _file(kind: AnyKind) -> Path:
    return Path(package.__path__[0]) / f"{kind.name.replace('-', '_')}.py"


def test_document_of_kinds_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "make docs writes it"


@pytest.mark.parametrize("name", kinds())
def test_kind_is_one_module_of_limited_length(name: str) -> None:
    lines = len(_file(kinds()[name]).read_text().splitlines())
    assert lines < LINES, f"{name} has {lines} lines: the mechanism lacks something"


def test_kind_names_and_aliases_are_unique() -> None:
    words = Counter(word for kind in kinds().values() for word in (kind.name, *kind.aliases))
    assert [word for word, times in words.items() if times > 1] == []
    assert all(find_kind(f":{word}") is not None for word in words)


@pytest.mark.parametrize("name", kinds())
def test_commands_named_in_texts_of_a_kind_exist(name: str) -> None:
    kind = kinds()[name]
    alternative = "" if kind.needs is None else kind.needs.alternative
    for sentence in (kind.empty, alternative):
        named = [word.strip(".,;:") for word in sentence.split() if word.startswith(":")]
        assert all(find_kind(word) is not None for word in named), f"{name}: {named}"
    assert kind.empty.endswith(".") or ":" in kind.empty
    # It names keys of existing actions only.
    register_kind(kind)
    assert "{" not in with_key_names(kind.empty)
    assert not alternative or alternative.endswith(".")


@pytest.mark.parametrize("name", kinds())
def test_permanent_columns_fit_80_terminal_columns(name: str) -> None:
    layouts = [column.layout for column in kinds()[name].columns if column.layout.priority == 0]
    assert layouts
    assert sum((layout.min_width or layout.width) + 2 for layout in layouts) <= 78
