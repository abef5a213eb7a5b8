"""A queue of dialogs, which are shown one after another so that none is missed."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.screen import ModalScreen


class DialogQueue:
    """Shows each dialog at once, or after the dialog that is open has been answered."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: list[ModalScreen[Any]] = []

    def show(self, dialog: ModalScreen[Any]) -> None:
        """Add a dialog to the queue and show it if no dialog is open."""
        self._waiting.append(dialog)
        self.show_next()

    def show_next(self) -> None:
        """Show the next waiting dialog, unless a dialog is open.

        Called whenever the app's current screen has changed.
        """
        if self._waiting and not isinstance(self._app.screen, ModalScreen):
            self._app.push_screen(self._waiting.pop(0))
