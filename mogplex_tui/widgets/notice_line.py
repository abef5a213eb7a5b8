"""A notice above the content of a screen, such as why some records are missing.

It takes no room on screen while there is no notice.
"""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from .text import visible, wrap


class NoticeLine(Static):
    """A notice of at most four lines."""

    DEFAULT_CSS = """
    NoticeLine { display: none; height: auto; max-height: 4; padding: 0 2; color: $warning; }
    NoticeLine.-shown { display: block; }
    NoticeLine.-quiet { color: $foreground 60%; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._sentence = self._broken = ""

    def show(self, sentence: str, *, quiet: bool = False) -> None:
        """Show a sentence, or hide the notice if the sentence is empty.

        A `quiet` notice is dim, because it does not report a problem.
        """
        self.set_class(quiet, "-quiet")
        if sentence == self._sentence:
            return
        self._sentence = sentence
        self.set_class(bool(sentence), "-shown")
        self._break(self.app.size.width)

    def _break(self, cells: int) -> None:
        """Wrap the notice to a width in cells."""
        room = max(1, cells - self.gutter.width)
        broken = "\n".join(wrap(visible(self._sentence), room, room))
        if broken != self._broken:
            self._broken = broken
            self.update(Content(broken))

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the notice to the new width."""
        self._break(event.size.width)

    @property
    def sentence(self) -> str:
        """Return the notice that is shown, or an empty text."""
        return self._sentence
