"""A sentence above a list: what cannot be seen there, and why. Takes no room when there is nothing to say."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from .text import visible, wrap


class NoticeLine(Static):
    """A calm sentence of at most four lines."""

    DEFAULT_CSS = """
    NoticeLine { display: none; height: auto; max-height: 4; padding: 0 2; color: $warning; }
    NoticeLine.-shown { display: block; }
    NoticeLine.-quiet { color: $foreground 60%; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._said = self._broken = ""

    def show(self, sentence: str, *, quiet: bool = False) -> None:
        """Show a sentence, or nothing; a quiet one tells of nothing wrong. The same sentence again costs nothing."""
        self.set_class(quiet, "-quiet")
        if sentence == self._said:
            return
        self._said = sentence
        self.set_class(bool(sentence), "-shown")
        self._break(self.app.size.width)

    def _break(self, cells: int) -> None:
        """Break the sentence into lines for so wide a screen."""
        room = max(1, cells - self.gutter.width)
        broken = "\n".join(wrap(visible(self._said), room, room))
        if broken != self._broken:
            self._broken = broken
            self.update(Content(broken))

    def on_resize(self, event: events.Resize) -> None:
        """Break the sentence anew."""
        self._break(event.size.width)

    @property
    def sentence(self) -> str:
        """What is shown."""
        return self._said
