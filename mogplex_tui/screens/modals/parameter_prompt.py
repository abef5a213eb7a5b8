"""The dialog that asks for one parameter of an action: typed text or a choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.text import visible


class AskModal(Dialog[str]):
    """Dialog to enter or choose one value; its result is the value or None.

    The result is None if the user cancels. The dialog stays open while the input is invalid.
    """

    DEFAULT_CSS = """
    AskModal {
        OptionList, OptionList:focus {
            height: auto; max-height: 16; border: none; background: $surface; padding: 0;
            scrollbar-size-vertical: 1;
        }
        &.-low OptionList, &.-low OptionList:focus { max-height: 9; }
    }
    """

    def __init__(
        self,
        title: str,
        label: str,
        *,
        value: str = "",
        choices: Sequence[tuple[str, str]] = (),
        check: Callable[[str], str | None] = lambda _: None,
        consequences: Sequence[str] = (),
        confirm_label: str = "OK",
    ) -> None:
        """Create the dialog.

        `choices` are pairs of a value and its label; with choices the dialog has a list instead of a
        text field. `value` is the parameter's current value; "" means that there is no current value,
        even if "" is the value of a choice.
        """
        super().__init__()
        self._title, self._label, self._value, self._confirm_label = title, label, value, confirm_label
        self._choices, self._check, self._consequences = list(choices), check, list(consequences)

    def compose(self) -> ComposeResult:
        """Lay out the label, the text field or list, and the buttons.

        Markup in the texts is not interpreted.
        """
        with Vertical(id="box") as box:
            box.border_title = Content(visible(self._title)).markup
            yield Static(Content(visible(self._label)), classes="line dim")
            if self._choices:
                yield OptionList(
                    *(Option(Content(visible(label))) for _, label in self._choices), id="choices"
                )
            else:
                yield Input(visible(self._value, None), id="text", select_on_focus=False)
            if self._choices and not self._is_present():
                yield Static("Choose with up and down, then press enter.", classes="line dim")
            yield Static("", classes="trouble", markup=False)
            for line in self._consequences:
                yield Static(Content(visible(line)), classes="line dim")
            with Horizontal(id="buttons"):
                yield FlatButton("Cancel", id="keep")
                if not self._choices:
                    yield FlatButton(self._confirm_label, id="go")

    def on_mount(self) -> None:
        """Focus the text field or the list, and highlight the current value in the list.

        If the current value is not in the list, no choice is highlighted, so that an enter typed too
        early chooses nothing.
        """
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

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Submit the text on enter, unless the text is empty.

        If an empty text is a valid value, the Cancel button gets the focus instead, so that the user
        does not submit it by accident. If it is invalid, the error is shown.
        """
        if event.value.strip() or self._check(event.value) is not None:
            self._take()
        else:
            self.query_one("#keep").focus()

    @on(Button.Pressed, "#go")
    def _take(self) -> None:
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
