"""The dialog that asks for a run id.

The v1 API has no list of runs, so a run that is not in the console's list can only be opened
by its id.
"""

from __future__ import annotations

import re

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from mogplex_tui.screens.modals.base import Dialog, FlatButton

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


ALL_IDS = "ID or URL of a run, call or job"
NO_RUN_IDS = "ID or URL of a call or job (run IDs need a token)"


class OpenIdModal(Dialog[str]):
    """Dialog to enter a run id; its result is the id, or None if the user leaves."""

    AUTO_FOCUS = "Input"

    def __init__(self, has_token: bool) -> None:
        super().__init__()
        self._hint = ALL_IDS if has_token else NO_RUN_IDS

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical(id="box") as box:
            box.border_title = "Open run by ID"
            yield Static(self._hint, classes="line dim")
            yield Input(placeholder="7d0c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10")
            yield Static("", classes="trouble", markup=False)
            with Horizontal(id="buttons"):
                yield FlatButton("Cancel", id="keep")
                yield FlatButton("Open", id="go")

    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def _submitted(self) -> None:
        text = self.query_one(Input).value
        match = _UUID.search(text)
        if match is not None:
            self.dismiss(match[0].lower())
            return
        problem_line = self.query_one(".trouble", Static)
        problem_line.update("No ID found. An ID has 32 hexadecimal digits in five groups.")
        problem_line.add_class("-shown")

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.dismiss(None)
