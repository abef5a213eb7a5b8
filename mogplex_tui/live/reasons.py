"""Structured reasons why something is old, missing or closed. `operate/messages.py` makes the sentences of them."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """The subject of a sentence: a noun phrase as it stands within a sentence, and its grammatical number."""

    text: str
    is_plural: bool = True
