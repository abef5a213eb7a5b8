"""The question before something that cannot be undone. The harmless answer has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.text import visible


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a title, what it is about, what it means, and the two answers."""

    title: str
    lines: Sequence[str]
    consequences: Sequence[str]
    keep: str
    go: str


class ConfirmModal(Dialog[bool]):
    """Asks a question; dismisses with True only when the dangerous answer was chosen."""

    AUTO_FOCUS = "#keep"

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out the question; nothing in it is markup."""
        asked = self._question
        with Vertical(id="box") as box:
            box.border_title = Content(visible(asked.title)).markup
            for line in asked.lines:
                yield Static(Content(visible(line)), classes="line")
            yield Static("", classes="line")
            for line in asked.consequences:
                yield Static(Content(visible(line)), classes="line dim")
            with Horizontal(id="buttons"):
                yield FlatButton(asked.keep, id="keep")
                yield FlatButton(asked.go, id="go", danger=True)

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.dismiss(False)

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(True)
