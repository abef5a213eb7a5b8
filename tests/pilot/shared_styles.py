"""Parse each style sheet once in a process, not once for each app.

Textual keeps the parsed rules of an app and parses the same texts again for the next app.
"""

from __future__ import annotations

from typing import Any

import pytest
from textual.css import parse as css_parse
from textual.css import stylesheet
from textual.css.model import RuleSet
from textual.css.tokenizer import Token

VariableTokens = dict[str, list[Token]]

_parse = css_parse.parse


class _SharedRules:
    """The parsed rules of every text, by the variables that it was parsed with."""

    def __init__(self) -> None:
        self._rules: dict[tuple[Any, ...], list[RuleSet]] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._latest: tuple[VariableTokens, int] = ({}, -1)

    def _number_of(self, variables: VariableTokens) -> int:
        """Return the same number for equal variables."""
        if self._latest[0] is not variables:
            key = tuple((name, *tokens) for name, tokens in variables.items())
            self._latest = (variables, self._numbers.setdefault(key, len(self._numbers)))
        return self._latest[1]

    def parse(
        self, scope: str, css: str, read_from: Any, *, variable_tokens: VariableTokens, **options: Any
    ) -> list[RuleSet]:
        key = (scope, css, read_from, self._number_of(variable_tokens), *options.values())
        if key not in self._rules:
            self._rules[key] = list(_parse(scope, css, read_from, variable_tokens=variable_tokens, **options))
        return self._rules[key]


_shared = _SharedRules()


def share_parsed_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all apps share the rules that were parsed from the same text."""
    monkeypatch.setattr(stylesheet, "parse", _shared.parse)
