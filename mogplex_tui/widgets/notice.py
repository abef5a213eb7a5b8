"""A sentence above a list: what cannot be seen there, and why. Takes no room when there is nothing to say."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from .text import visible


class Notice(Static):
    """A calm sentence of at most four lines."""

    DEFAULT_CSS = """
    Notice { display: none; height: auto; max-height: 4; padding: 0 2; color: $warning; }
    Notice.-shown { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._said = ""

    def show(self, sentence: str) -> None:
        """Show a sentence, or nothing; the same sentence again costs nothing."""
        if sentence == self._said:
            return
        self._said = sentence
        self.update(Content(visible(sentence)))
        self.set_class(bool(sentence), "-shown")

    @property
    def sentence(self) -> str:
        """What is shown."""
        return self._said
