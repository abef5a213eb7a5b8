"""Check first lines of docstrings, and names that are metaphors."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FIRST_LINE = 80
DIRECTORIES = (
    "benchmarks",
    "mogplex_tui/api",
    "mogplex_tui/cli",
    "mogplex_tui/config",
    "mogplex_tui/controlplane",
    "mogplex_tui/live",
    "mogplex_tui/operate",
    "mogplex_tui/screens",
    "mogplex_tui/themes",
    "mogplex_tui/widgets",
    "scripts",
    "tests/api",
    "tests/cli",
    "tests/contract",
    "tests/controlplane",
    "tests/credentials",
    "tests/docs",
    "tests/e2e",
    "tests/facts",
    "tests/hostile",
    "tests/hygiene",
    "tests/pilot",
    "tests/scripts",
    "tests/snapshots",
    "tests/unit",
)
METAPHORS = frozenset(
    {
        "aside", "around", "dress", "going", "lend", "picture", "road",
        "said", "standing", "telling", "told", "turns", "wish",
    }
)  # fmt: skip
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def _definitions(directory: str) -> list[tuple[Path, ast.Module, list[Definition]]]:
    """Return the modules below a directory, each with its syntax tree and definitions."""
    paths = sorted((ROOT / directory).rglob("*.py"))
    assert paths, f"no module below {directory}"
    return [
        (path.relative_to(ROOT), tree, [node for node in ast.walk(tree) if isinstance(node, Definition)])
        for path in paths
        for tree in [ast.parse(path.read_text())]
    ]


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_first_lines_of_docstrings_fit_in_80_characters(directory: str) -> None:
    too_long = []
    for path, tree, definitions in _definitions(directory):
        for node in (tree, *definitions):
            first, *_ = (ast.get_docstring(node) or "").split("\n")
            if len(first) > LONGEST_FIRST_LINE:
                too_long.append(f"{path}:{getattr(node, 'lineno', 1)} {first}")
    assert too_long == []


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_no_name_is_a_metaphor(directory: str) -> None:
    named = []
    for path, _, definitions in _definitions(directory):
        if METAPHORS & set(path.stem.split("_")):
            named.append(str(path))
        for node in definitions:
            words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node.name).lower().split("_")
            if METAPHORS & set(words):
                named.append(f"{path}:{node.lineno} {node.name}")
    assert named == []
