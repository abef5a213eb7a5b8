"""Dialogs that must be seen, shown one after another."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.screen import ModalScreen


class DialogQueue:
    """Shows a dialog now, or once the open dialog has been answered."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: list[ModalScreen[Any]] = []

    def show(self, dialog: ModalScreen[Any]) -> None:
        """Add a dialog to the queue and show it if no dialog is open."""
        self._waiting.append(dialog)
        self.show_next()

    def show_next(self) -> None:
        """Show the next dialog unless one is open; called when the screen has changed."""
        if self._waiting and not isinstance(self._app.screen, ModalScreen):
            self._app.push_screen(self._waiting.pop(0))
