"""Every document that code and documentation cite exists, with the cited section."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "docs" / "contract"
CODE = tuple(
    sorted(path for name in ("mogplex_tui", "tests", "benchmarks") for path in (ROOT / name).rglob("*.py"))
)
MARKDOWN = tuple(
    path
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
    if "_build" not in path.parts
)
FACTS = tuple(sorted((ROOT / "tests" / "facts").glob("*.txt")))
# The documents are looked for beside the citing file, and in these folders.
FOLDERS = (ROOT, ROOT / "docs", CONTRACT, ROOT / "mogplex_tui", ROOT / "mogplex_tui" / "controlplane")
# Files that are cited but belong to the user, are an example of content or are built.
NOT_OURS = {"config.toml", "contexts.json", "docs/_build"}

_GAP = r"(?:[\s#`*|]|\n)*"
_SECTION = re.compile(r"§\s?(\d+(?:\.\d+)*)")
_SEPARATOR = re.compile(rf"{_GAP}(?:,|;|and|or|to|–|-|/){_GAP}(?:and|or)?{_GAP}")
_NAME = re.compile(r"([\w-]+\.md)\b`?(?:\]\([^)]*\))?" + _GAP + r"(?=§)")
_DOCUMENT = re.compile(r"(?<![\w./~@-])[\w./-]*\w\.(?:md|txt|toml|ya?ml)\b")
_PATH = re.compile(r"(?<![\w./~-])(?:docs|tests|benchmarks|mogplex_tui)/[\w./-]*\w")
_MARKDOWN = re.compile(r"[\w-]+\.md\b")
_HEADING = re.compile(r"^#{2,6} (\d+(?:\.\d+)*)\.? ", re.MULTILINE)


@cache
def sections(document: str) -> frozenset[str]:
    """Return the section numbers of a document of the contract, none if missing."""
    path = CONTRACT / document
    return frozenset(_HEADING.findall(path.read_text("utf-8"))) if path.is_file() else frozenset()


def citations(text: str) -> Iterator[tuple[int, str | None, str]]:
    """Yield line, document and section of each citation; the document may be None."""
    named: dict[int, str] = {}
    for name in _NAME.finditer(text):
        at: int | None = name.end()
        while at is not None and (section := _SECTION.match(text, at)):
            named[section.start()] = name[1]
            separator = _SEPARATOR.match(text, section.end())
            at = separator.end() if separator else None
    for section in _SECTION.finditer(text):
        if not text[: section.start()].rstrip().endswith(tuple("0123456789")):  # "RFC 9112 §3" is not ours
            line = text.count("\n", 0, section.start()) + 1
            yield line, named.get(section.start()), section[1]


def wrong_citations(text: str, own: str | None = None) -> list[str]:
    """Describe the citations in a text that lead nowhere.

    A section without a document before it belongs to `own`, or else to the first document of the contract that is named.
    """
    if own is None:
        own = next(filter(sections, _MARKDOWN.findall(text)), None)
    return [
        f"{line}: {document or own or 'no document'} §{section}"
        for line, document, section in citations(text)
        if section not in sections(document or own or "")
    ]


def _may_name(text: str) -> bool:
    return bool(_DOCUMENT.search(text) or _PATH.search(text))


def _partitions(source: str) -> Iterator[tuple[str, str, str]]:
    """Yield each line of a module, divided at its first number sign."""
    return (line.partition("#") for line in source.splitlines())


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of docstrings, and of comments if one may name a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield node.body[0].lineno, text
    # Finding the comments takes longer than all else; few modules name a file in one.
    if not any(_may_name(comment) for _, sign, comment in _partitions(source) if sign):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _missing(
    texts: Iterable[tuple[int, str]], patterns: Iterable[re.Pattern[str]], folder: Path
) -> list[str]:
    """Describe missing files that numbered texts name by the patterns."""
    places = (folder, *FOLDERS)
    return [
        f"{line}: {name}"
        for line, text in texts
        for pattern in patterns
        for name in pattern.findall(text)
        if name not in NOT_OURS and not any((place / name).exists() for place in places)
    ]


def missing_documents(source: str, folder: Path) -> list[str]:
    """Describe missing files that docstrings and comments of a module name."""
    # A module that names none anywhere needs no search for its comments, which takes much longer.
    if not _may_name(source):
        return []
    return _missing(prose(source), (_DOCUMENT, _PATH), folder)


def missing_paths(text: str, folder: Path) -> list[str]:
    """Describe missing paths into this repository that a Markdown text names."""
    return _missing(enumerate(text.splitlines(), 1), (_PATH,), folder)


def _by_file(reports: dict[Path, list[str]]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{report}" for path, wrong in reports.items() for report in wrong]


def test_cited_sections_of_the_contract_exist() -> None:
    reports = {
        path: wrong_citations(path.read_text("utf-8"))
        for path in (*CODE, *MARKDOWN, *FACTS)
        if CONTRACT not in path.parents and path != Path(__file__)
    }
    assert not _by_file(reports)


def test_contract_cites_its_own_sections_correctly() -> None:
    reports = {path: wrong_citations(path.read_text("utf-8"), path.name) for path in CONTRACT.glob("*.md")}
    reports[CONTRACT / "README.md"] = wrong_citations((CONTRACT / "README.md").read_text("utf-8"))
    assert not _by_file(reports)


def test_documents_named_in_docstrings_and_comments_exist() -> None:
    assert not _by_file({path: missing_documents(path.read_text("utf-8"), path.parent) for path in CODE})


def test_paths_named_in_documents_exist() -> None:
    current = [path for path in MARKDOWN if path.name != "CHANGELOG.md"]  # a release names the files it had
    assert not _by_file({path: missing_paths(path.read_text("utf-8"), path.parent) for path in current})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param("v1.md §7.2", [], id="section"),
        pytest.param("(v1.md §7.2, §9)", [], id="two sections"),
        pytest.param("v1.md §7.99", ["1: v1.md §7.99"], id="unknown section"),
        pytest.param("nothing.md §1", ["1: nothing.md §1"], id="unknown document"),
        pytest.param("v1.md §7.2, §99", ["1: v1.md §99"], id="second section unknown"),
        pytest.param("system.md §3 to §77", ["1: system.md §77"], id="range"),
        pytest.param("# see v1.md\n    # §99", ["2: v1.md §99"], id="over two comment lines"),
        pytest.param("[v1.md](docs/contract/v1.md) §99", ["1: v1.md §99"], id="after a link"),
        pytest.param("v1.md §7\nThe limit (§88).", ["2: v1.md §88"], id="section alone"),
        pytest.param("v1.md §7\nThe limit (§9).", [], id="section alone of the first document"),
        pytest.param("The limit (§9).", ["1: no document §9"], id="no document named"),
        pytest.param("RFC 9112 §3.2.2", [], id="other standard"),
    ],
)
def test_wrong_citations_are_found(text: str, wrong: list[str]) -> None:
    assert wrong_citations(text) == wrong


def test_missing_documents_are_found() -> None:
    source = '"""See gone.md and README.md."""\n# tests/hygiene/none.py, docs/contract\n'
    assert missing_documents(source, ROOT) == ["1: gone.md", "2: tests/hygiene/none.py"]
    assert missing_paths("See `tests/hygiene`\nand docs/gone.md.", ROOT) == ["2: docs/gone.md"]
