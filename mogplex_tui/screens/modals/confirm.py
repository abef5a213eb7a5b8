"""The question before something that cannot be undone. The harmless answer has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

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

    AUTO_FOCUS = "#name, #keep"

    def __init__(self, question: Question, name: str = "") -> None:
        """With the `name` of a protected context the dangerous answer counts only once that name is typed."""
        super().__init__()
        self._question, self._wanted = question, name

    def compose(self) -> ComposeResult:
        """Lay out the question; nothing in it is markup."""
        asked = self._question
        with Vertical(id="box") as box:
            box.border_title = Content(visible(asked.title)).markup
            for line in asked.lines:
                about = Static(Content(visible(line.lstrip())), classes="line")
                # Where it is longer than the box is wide, it goes on beneath its own beginning.
                about.styles.padding = (0, 0, 0, len(line) - len(line.lstrip()))
                yield about
            yield Static("", classes="line")
            for line in asked.consequences:
                yield Static(Content(visible(line)), classes="line dim")
            if self._wanted:
                yield Static(
                    Content(f"\n{visible(self._wanted)} is protected: type its name to go on."),
                    classes="line",
                )
                yield Input(id="name", select_on_focus=False)
                yield Static("", classes="trouble", markup=False)
            with Horizontal(id="buttons"):
                yield FlatButton(asked.keep, id="keep")
                yield FlatButton(asked.go, id="go", danger=True)

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.dismiss(False)

    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        if not self._wanted or self.query_one(Input).value.strip() == self._wanted:
            self.dismiss(True)
            return
        trouble = self.query_one(".trouble", Static)
        trouble.update(Content(f"That is not {visible(self._wanted)}. Nothing was done; esc leaves."))
        trouble.add_class("-shown")
        self.query_one(Input).focus()
