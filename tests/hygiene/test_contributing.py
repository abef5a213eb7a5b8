"""Check that code and paths in CONTRIBUTING.md match the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLES = re.findall(r"^`([\w/.]+\.py)`\n\n```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_contributing_examples_name_their_file() -> None:
    assert len(EXAMPLES) == GUIDE.count("```python") > 3


@pytest.mark.parametrize(("path", "code"), EXAMPLES, ids=[path for path, _ in EXAMPLES])
def test_contributing_examples_equal_code(path: str, code: str) -> None:
    assert code in (ROOT / path).read_text()


def test_kind_example_pieces_are_complete() -> None:
    path = "mogplex_tui/operate/kinds/skills.py"
    pieces = [code for named, code in EXAMPLES if named == path]
    assert set((ROOT / path).read_text().splitlines()) <= {
        line for code in pieces for line in code.splitlines()
    }
    # Written down one after the other they are a module.
    compile("".join(pieces), path, "exec")


def test_paths_and_targets_in_the_guide_exist() -> None:
    targets = set(re.findall(r"^    make (\w+)", GUIDE, re.MULTILINE))
    ignored = (ROOT / ".gitignore").read_text()
    assert targets
    assert all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in targets)
    for path in re.findall(r"`((?:tests|docs|mogplex_tui)/[\w/.-]+)`", GUIDE):
        # What a command builds is not in the repository.
        assert (ROOT / path).exists() or f"\n{path}/\n" in ignored, path
