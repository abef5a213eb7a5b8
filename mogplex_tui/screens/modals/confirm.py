"""The confirmation dialog, in which the button that cancels has the focus."""

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
    """The texts of a confirmation dialog.

    They are the title, lines about the records concerned, the consequences, and the labels of the
    two buttons.
    """

    title: str
    lines: Sequence[str]
    consequences: Sequence[str]
    cancel_label: str
    confirm_label: str


class ConfirmModal(Dialog[bool]):
    """Dialog that asks for confirmation; its result is True if the user confirms."""

    AUTO_FOCUS = "#name, #keep"

    def __init__(self, question: Question, protected_name: str = "") -> None:
        """Create the dialog; with a `protected_name`, that name must be typed to confirm."""
        super().__init__()
        self._question, self._protected_name = question, protected_name

    def compose(self) -> ComposeResult:
        """Lay out the texts, the field for the name if one is required, and the buttons.

        Markup in the texts is not interpreted.
        """
        question = self._question
        with Vertical(id="box") as box:
            box.border_title = Content(visible(question.title)).markup
            for line in question.lines:
                line_widget = Static(Content(visible(line.lstrip())), classes="line")
                # A wrapped line continues under its own indentation.
                line_widget.styles.padding = (0, 0, 0, len(line) - len(line.lstrip()))
                yield line_widget
            yield Static("", classes="line")
            for line in question.consequences:
                yield Static(Content(visible(line)), classes="line dim")
            if self._protected_name:
                yield Static(
                    Content(f"\n{visible(self._protected_name)} is protected. Type its name to confirm."),
                    classes="line",
                )
                yield Input(id="name", select_on_focus=False)
                yield Static("", classes="trouble", markup=False)
            with Horizontal(id="buttons"):
                yield FlatButton(question.cancel_label, id="keep")
                yield FlatButton(question.confirm_label, id="go", danger=True)

    @on(Button.Pressed, "#keep")
    def _cancelled(self) -> None:
        self.dismiss(False)

    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def _confirmed(self) -> None:
        if not self._protected_name or self.query_one(Input).value.strip() == self._protected_name:
            self.dismiss(True)
            return
        problem = self.query_one(".trouble", Static)
        problem.update(
            Content(f"The name is not {visible(self._protected_name)}. Nothing was changed; esc cancels.")
        )
        problem.add_class("-shown")
        self.query_one(Input).focus()
