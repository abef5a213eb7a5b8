"""The pages of design decisions are complete, and both lists name all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, ROOT, links

SECTIONS = ["Status", "Context", "Decision", "Consequences"]
PAGES = sorted((DOCS / "decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_decision_has_all_sections(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert re.search(r"^## Status\n\n(Accepted|Superseded by \[)", text, re.MULTILINE)


def test_decisions_are_numbered_without_gaps() -> None:
    titles = [page.read_text().partition("\n")[0] for page in PAGES]
    assert [page.name[:5] for page in PAGES] == [f"{number:04d}-" for number in range(1, len(PAGES) + 1)]
    assert [title.partition(". ")[0] for title in titles] == [
        f"# {number}" for number in range(1, len(PAGES) + 1)
    ]


@pytest.mark.parametrize(
    "index", [DOCS / "decisions" / "index.md", ROOT / "ARCHITECTURE.md"], ids=["site", "architecture"]
)
def test_index_lists_every_decision(index: Path) -> None:
    listed = [Path(link).name for link in links(index.read_text()) if re.search(r"\d{4}-[\w-]+\.md$", link)]
    assert listed == [page.name for page in PAGES]
