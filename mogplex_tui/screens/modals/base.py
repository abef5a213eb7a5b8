"""The base class of dialogs, and the button that they use."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Button

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A modal screen with a box in its centre; esc closes it with the result None."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
        #box {
            width: 72; max-width: 96%; height: auto; max-height: 90%;
            border: round $border; border-title-color: $foreground; border-title-style: bold;
            border-subtitle-color: $foreground 70%;
            background: $surface; padding: 1 2;
            overflow-y: auto; scrollbar-size-vertical: 1;
        }
        .line { height: auto; width: 1fr; }
        .dim { color: $foreground 60%; }
        .trouble { color: $error; height: auto; margin-top: 1; display: none; }
        .trouble.-shown { display: block; }
        #buttons { height: 1; margin-top: 1; align-horizontal: right; }
        Button, Button.-style-default {
            height: 1; min-width: 0; padding: 0 2; margin-left: 2; background: $panel; color: $foreground;
            text-style: none;
        }
        Button.-style-default:hover { background: $boost; }
        Button.-style-default.-danger { color: $error; }
        Button.-style-default:focus { background: $primary; color: $background; text-style: bold; }
        Button.-style-default.-danger:focus { background: $error; color: $background; }
        Input, TextArea, Select { border: none; background: $panel; }
        Input { height: 1; padding: 0 1; }
        Select { height: 1; }
        SelectCurrent { border: none; height: 1; padding: 0 1; background: $panel; }
        SelectOverlay { border: round $border; max-height: 12; }
        Input:focus, TextArea:focus, Select:focus > SelectCurrent {
            border: none; background: $block-cursor-background;
        }
        .field .label { width: 12; color: $foreground 60%; }
        /* Without a rule of its own, the line would not be styled again when the focus moves. */
        .field:focus-within { background: $surface; }
        .field:focus-within .label { color: $primary; text-style: bold; }
    }
    """
    # In a low terminal the spacing is dropped, so that the buttons stay on screen.
    VERTICAL_BREAKPOINTS = [(0, "-low"), (28, "-high")]
    BINDINGS = [
        Binding("escape", "leave", "leave", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close the dialog with a result if it is the top screen, else do nothing.

        Without the check, a second call would close the screen below.
        """
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    def action_leave(self) -> None:
        """Close the dialog without a result."""
        self.dismiss(None)


class FlatButton(Button):
    """A button that is one line high and has no border."""

    def __init__(self, label: str, *, id: str, danger: bool = False) -> None:
        super().__init__(label, id=id, classes="-danger" if danger else "", compact=True)
