"""Asks for the id of a run: v1 has no list of runs, so an id is sometimes all there is."""

from __future__ import annotations

import re

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from mogplex_tui.screens.modals.base import Dialog, FlatButton

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class OpenIdModal(Dialog[str]):
    """Dismisses with a run id, or None."""

    AUTO_FOCUS = "Input"

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical(id="box") as box:
            box.border_title = "Open a run by its id"
            yield Static("The id of a run, or any text or address that has it inside.", classes="line dim")
            yield Input(placeholder="7d0c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10")
            yield Static("", classes="trouble", markup=False)
            with Horizontal(id="buttons"):
                yield FlatButton("Close", id="keep")
                yield FlatButton("Open", id="go")

    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        text = self.query_one(Input).value
        found = _UUID.search(text)
        if found is not None:
            self.dismiss(found[0].lower())
            return
        trouble = self.query_one(".trouble", Static)
        trouble.update("That has no run id in it: an id is 32 hexadecimal digits in five groups.")
        trouble.add_class("-shown")

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.dismiss(None)
