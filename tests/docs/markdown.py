"""Read the repository's Markdown documents: links, headings and code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# The documents that a reader meets, without what a build leaves behind.
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)])

_FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!\\)\]\(<?([^()\s>]+)>?(?: \"[^\"]*\")?\)")
_DIRECTIVE = re.compile(r"\{(?:image|figure|include|literalinclude)\} *(\S+)")


class Block(NamedTuple):
    """A fenced code block: its language, its text and the line that it begins on."""

    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced code blocks of a document."""
    for match in _FENCE.finditer(text):
        yield Block(match["language"].strip(), match["text"], text.count("\n", 0, match.start()) + 2)


def links(text: str) -> Iterator[str]:
    """Yield the targets of links, images and included files that are not addresses."""
    for match in _DIRECTIVE.finditer(text):
        yield match[1]
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    for match in _LINK.finditer(prose):
        if not re.match(r"[a-z]+:", match[1]):
            yield match[1]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as code hosts and MyST make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        anchor, number = plain, 0
        while anchor in found:
            number += 1
            anchor = f"{plain}-{number}"
        found.add(anchor)
    return found
