"""The dialog that shows a secret which the service returns only once."""

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
    """Dialog that shows a secret in plain text; the copy button has the focus.

    The secret is kept only in this dialog and, once copied, on the clipboard.
    """

    AUTO_FOCUS = "#copy"

    def __init__(self, title: str, secret: Secret, copy: Callable[[str, str], None]) -> None:
        """Create the dialog; `copy` is called with the secret and a description of it."""
        super().__init__()
        self._title, self._secret, self._copy = title, secret, copy

    def compose(self) -> ComposeResult:
        """Lay out the secret; markup in the texts is not interpreted."""
        with Vertical(id="box") as box:
            box.border_title = Content(visible(self._title)).markup
            yield Static(Content(visible(self._secret.reveal(), None)), classes="line", id="secret")
            yield Static("", classes="line")
            yield Static("It is shown only once and is not stored. Copy it now.", classes="line dim")
            with Horizontal(id="buttons"):
                yield FlatButton("Close", id="keep")
                yield FlatButton("Copy", id="copy")

    @on(Button.Pressed, "#copy")
    def _copied(self) -> None:
        self._copy(self._secret.reveal(), "the secret")

    @on(Button.Pressed, "#keep")
    def _left(self) -> None:
        self.dismiss(None)
