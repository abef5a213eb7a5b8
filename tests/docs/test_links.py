"""Every relative link and image of the documents leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import DOCUMENTS, ROOT, anchors, links


def _is_broken(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.exists() or ROOT not in target.parents:
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target.read_text())


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_relative_links_lead_somewhere(document: Path) -> None:
    assert [link for link in links(document.read_text()) if _is_broken(document, link)] == []


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("CHANGELOG.md", False),
        ("missing.md", True),
        ("docs/guide", False),
        ("docs/reference/commands.md#runs-list", False),
        ("docs/reference/commands.md#runs-lists", True),
        ("../outside.md", True),
    ],
)
def test_link_check_finds_broken_links(link: str, is_broken: bool) -> None:
    assert _is_broken(ROOT / "README.md", link) == is_broken


def test_links_in_code_are_not_links() -> None:
    text = "[a](one.md) `[b](two.md)`\n```text\n[c](three.md)\n```\n```{image} four.png\n```\n[d](https://mogplex.com)\n"
    assert sorted(links(text)) == ["four.png", "one.md"]
