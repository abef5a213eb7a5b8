"""Shows a secret that the service tells once: it is in this dialog, on the clipboard when copied, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.text import visible

if TYPE_CHECKING:
    from mogplex_tui.config.secret import Secret


class RevealModal(Dialog[None]):
    """A secret in plain text until the dialog is left; the button that copies it has the focus."""

    AUTO_FOCUS = "#copy"

    def __init__(self, title: str, secret: Secret, copy: Callable[[str, str], None]) -> None:
        """`copy` puts a text on the clipboard and says in words what it was."""
        super().__init__()
        self._title, self._secret, self._copy = title, secret, copy

    def compose(self) -> ComposeResult:
        """Lay out the secret; nothing in it is markup."""
        with Vertical(id="box") as box:
            box.border_title = Content(visible(self._title)).markup
            yield Static(Content(visible(self._secret.reveal(), None)), classes="line", id="secret")
            yield Static("", classes="line")
            yield Static(
                "It is shown this once and kept nowhere. Copy it before you leave.", classes="line dim"
            )
            with Horizontal(id="buttons"):
                yield FlatButton("Close", id="keep")
                yield FlatButton("Copy", id="copy")

    @on(Button.Pressed, "#copy")
    def _copied(self) -> None:
        self._copy(self._secret.reveal(), "the secret")

    @on(Button.Pressed, "#keep")
    def _left(self) -> None:
        self.dismiss(None)
