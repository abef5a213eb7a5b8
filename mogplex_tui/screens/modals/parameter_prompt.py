"""The dialog that asks for one parameter of an action: typed text or a choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from mogplex_tui.operate.action_registry import shown_key
from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.long_text import LongText
from mogplex_tui.widgets.text import visible

# The lines of a dialog without the texts to read: its frame, label, text field, consequences and buttons.
_OTHER_LINES = 13


class _PromptInput(Input):
    """A text field that stores when the last key it handled was pressed."""

    pressed_at = 0.0

    def on_key(self, event: events.Key) -> None:
        """Store when the key was pressed, which may be before the dialog appeared."""
        self.pressed_at = event.time


class AskModal(Dialog[str]):
    """Dialog to enter or choose one value; its result is the value or None.

    The result is None if the user cancels. The dialog stays open while the input is invalid. If enter
    was pressed before the dialog appeared, as in a pasted text, it has an effect only if a text was
    typed into the dialog: it must not confirm a dialog that the user has not read.
    """

    DEFAULT_CSS = """
    AskModal {
        OptionList, OptionList:focus {
            height: auto; max-height: 16; border: none; background: $surface; padding: 0;
            scrollbar-size-vertical: 1;
        }
        &.-low OptionList, &.-low OptionList:focus { max-height: 9; }
        #box.-texts { width: 100; }
        #texts { margin-bottom: 1; scrollbar-size-vertical: 1; }
    }
    """
    # The text field uses none of these keys, and a list of choices handles them itself.
    BINDINGS = [
        Binding("up", "scroll_texts(-1)", show=False),
        Binding("down", "scroll_texts(1)", show=False),
        Binding("pageup", "scroll_texts(-10)", show=False),
        Binding("pagedown", "scroll_texts(10)", show=False),
    ]

    def __init__(
        self,
        title: str,
        label: str,
        *,
        value: str = "",
        choices: Sequence[tuple[str, str]] = (),
        texts: Sequence[tuple[str, str]] = (),
        check: Callable[[str], str | None] = lambda _: None,
        consequences: Sequence[str] = (),
        confirm_label: str = "OK",
    ) -> None:
        """Create the dialog.

        `choices` are pairs of a value and its label; with choices the dialog has a list instead of a
        text field. `value` is the parameter's current value; "" means that there is no current value,
        even if "" is the value of a choice. `texts` are titles and texts to read before the decision.
        """
        super().__init__()
        self._title, self._label, self._value, self._confirm_label = title, label, value, confirm_label
        self._choices, self._check, self._consequences = list(choices), check, list(consequences)
        self._texts = list(texts)
        self._appeared_at = inf

    def compose(self) -> ComposeResult:
        """Lay out the label, the text field or list, and the buttons.

        Markup in the texts is not interpreted.
        """
        with Vertical(id="box") as box:
            box.border_title = Content(visible(self._title)).markup
            if self._texts:
                box.add_class("-texts")
                with VerticalScroll(id="texts", can_focus=False):
                    long_text = LongText()
                    long_text.set_texts(self._texts)
                    yield long_text
            yield Static(Content(visible(self._label)), classes="line dim")
            if self._choices:
                yield OptionList(
                    *(Option(Content(visible(label))) for _, label in self._choices), id="choices"
                )
            else:
                yield _PromptInput(visible(self._value, None), id="text", select_on_focus=False)
            if self._choices and not self._is_present():
                yield Static("Choose with up and down, then press enter.", classes="line dim")
            yield Static("", classes="trouble", markup=False)
            for line in self._consequences:
                yield Static(Content(visible(line)), classes="line dim")
            with Horizontal(id="buttons"):
                yield FlatButton("Cancel", id="keep")
                if not self._choices:
                    yield FlatButton(f"{self._confirm_label}  {shown_key('enter')}", id="go")

    def on_mount(self, event: events.Mount) -> None:
        """Focus the text field or the list, and highlight the current value in the list.

        If the current value is not in the list, no choice is highlighted, so that an enter typed too
        early chooses nothing.
        """
        self._appeared_at = event.time
        if not self._choices:
            self.query_one(Input).focus()
            return
        options = self.query_one(OptionList)
        values = [value for value, _ in self._choices]
        options.highlighted = values.index(self._value) if self._is_present() else None
        options.focus()

    def _is_present(self) -> bool:
        """Return whether the current value is not empty and is one of the choices."""
        return bool(self._value) and any(value == self._value for value, _ in self._choices)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index][0])

    def on_resize(self) -> None:
        """Set the height of the texts to what they need, as far as the screen allows."""
        for texts in self.query("#texts"):
            # Without the frame and the padding of the box, and the scrollbar.
            width = min(100, self.size.width * 96 // 100) - 7
            needed = len(self.query_one(LongText).lines(width, 0))
            room = max(3, self.size.height * 9 // 10 - _OTHER_LINES)
            texts.styles.height = min(needed, room)
            hint = f"{shown_key('up')} {shown_key('down')} scroll"
            self.query_one("#box").border_subtitle = hint if needed > room else ""

    def action_scroll_texts(self, lines: int) -> None:
        """Scroll the texts by a number of lines."""
        for texts in self.query("#texts"):
            texts.scroll_relative(y=lines, animate=False)

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Submit the text on enter, unless enter was pressed before the dialog appeared.

        An enter pressed so early submits the text only if the text has been edited.
        """
        field = self.query_one(_PromptInput)
        is_edited = field.value != visible(self._value, None)
        if is_edited or field.pressed_at > self._appeared_at:
            self._take()

    @on(Button.Pressed, "#go")
    def _take(self) -> None:
        """Close the dialog with the text; if it is invalid, show the reason instead."""
        text = self.query_one(Input).value
        if text == visible(self._value, None):
            # An unedited value is returned exactly, not as it was displayed.
            text = self._value
        problem = self._check(text)
        if problem is None:
            self.dismiss(text)
            return
        problem_line = self.query_one(".trouble", Static)
        problem_line.update(Content(visible(problem)))
        problem_line.add_class("-shown")

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.dismiss(None)
