"""Check that no code splits or matches a sentence written for people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "mogplex_tui"
LAYERS = ("api", "live", "operate", "screens", "widgets", "cli", "app")
# Methods that cut or match a text.
_METHODS = {
    "partition",
    "rpartition",
    "split",
    "rsplit",
    "startswith",
    "endswith",
    "removeprefix",
    "removesuffix",
    "strip",
    "rstrip",
    "lstrip",
}
# Names under which the package keeps whole sentences.
_SENTENCES = {
    "advice",
    "closed",
    "empty",
    "help",
    "message",
    "notice",
    "notices",
    "reason",
    "refusal",
    "says",
    "sentence",
    "sentences",
    "what",
    "why",
}
# A text that is not ours: the message of argparse.
_FOREIGN = {("cli/parser.py", "message")}


def _name(node: ast.expr) -> str:
    """Return the last name of an expression such as `error.message`."""
    match node:
        case ast.Attribute(attr=attr):
            return attr
        case ast.Name(id=id):
            return id
        case ast.Call(func=ast.Attribute(value=value, attr="lower" | "strip" | "capitalize")):
            return _name(value)
        case ast.BoolOp(values=[first, *_]):
            return _name(first)
    return ""


def _is_words(node: ast.expr) -> bool:
    """Return whether a literal holds words of English: letters and a space."""
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return any(
        isinstance(text, str) and " " in text and any(map(str.isalpha, text.split())) for text in texts
    )


def parsed(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each sentence that code splits or matches."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=method), args=arguments) if method in _METHODS:
                is_by_line = [ast.unparse(each) for each in arguments] == [r"'\n'"]
                if not is_by_line and (_name(value) in _SENTENCES or any(map(_is_words, arguments))):
                    yield node.lineno, _name(value)
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]):
                is_text = isinstance(left, ast.Call) or (
                    isinstance(left, ast.Constant) and str(left.value).strip() not in ("", "None")
                )
                if is_text and _name(right) in _SENTENCES:
                    yield node.lineno, _name(right)


@pytest.mark.parametrize(
    "code",
    [
        'name = needs.partition(" need")[0]',
        "same = name.lower() in reason",
        'noun = part.sentence.rpartition(" ")[0]',
        'is_one = source.what.endswith(" is")',
        'does, now, _ = action.label.partition(" now")',
        'text = error.message.rstrip(".")',
        'text = (error.advice or "").rstrip(".")',
        'found = "scope: write" in error.message',
        "has_title = action.says.lower().startswith(title)",
    ],
)
def test_code_that_takes_a_sentence_apart_is_found(code: str) -> None:
    assert list(parsed(code)) != []


@pytest.mark.parametrize("layer", LAYERS)
def test_no_code_takes_a_sentence_apart(layer: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path in sorted((PACKAGE / layer).rglob("*.py"))
        for line, name in parsed(path.read_text())
        if (str(path.relative_to(PACKAGE)), name) not in _FOREIGN
    ]
    assert found == []
