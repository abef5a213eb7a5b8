"""The form for an action's parameters, which are validated before they are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from mogplex_tui.operate.model import Choice, Parameter, Values
from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.text import visible


class FormModal(Dialog[Values]):
    """Form for an action's parameters; its result is the values, or None if cancelled.

    The form stays open while the input is invalid.
    """

    DEFAULT_CSS = """
    FormModal {
        .field { height: auto; margin-bottom: 1; }
        .field Input, .field Select { width: 1fr; }
        &.-low .field { margin-bottom: 0; }
    }
    """
    BINDINGS = [Binding("ctrl+s", "take", "send", priority=True)]

    def __init__(
        self,
        title: str,
        parameters: Sequence[Parameter[object]],
        *,
        texts: Mapping[str, str],
        choices: Mapping[str, Sequence[Choice]],
        consequences: Sequence[str] = (),
        confirm_label: str = "OK",
        problem: Callable[[Values], str | None] = lambda _: None,
    ) -> None:
        """Create the form.

        `texts` holds the initial texts of fields and `choices` the allowed values, both by parameter
        name. `problem` is called after each value has been validated by itself; it returns why the
        combination of values is not allowed, or None if it is allowed.
        """
        super().__init__()
        self._title, self._confirm_label = title, confirm_label
        self._parameters, self._consequences = list(parameters), list(consequences)
        self._texts, self._choices, self._problem = texts, choices, problem

    def compose(self) -> ComposeResult:
        """Lay out a field for each parameter; markup in the texts is not interpreted."""
        with Vertical(id="box") as box:
            box.border_title = Content(visible(self._title)).markup
            for parameter in self._parameters:
                label = Static(Content(visible(parameter.name)), classes="label")
                yield Horizontal(label, self._field(parameter), classes="field")
            yield Static("", classes="trouble", markup=False)
            for line in self._consequences:
                yield Static(Content(visible(line)), classes="line dim")
            with Horizontal(id="buttons"):
                yield FlatButton("Cancel", id="keep")
                yield FlatButton(f"{self._confirm_label}  ctrl+s", id="go")

    def _field(self, parameter: Parameter[object]) -> Widget:
        name, text = f"field-{parameter.name}", self._texts.get(parameter.name, parameter.default)
        choices = self._choices.get(parameter.name, ())
        if choices:
            options = [(Content(visible(choice.label)), choice.value) for choice in choices]
            present = any(choice.value == text for choice in choices)
            return Select(
                options,
                value=text if present else Select.NULL,
                allow_blank=not present,
                prompt=parameter.help,
                id=name,
            )
        return Input(visible(text, None), placeholder=parameter.help, id=name, select_on_focus=False)

    def on_mount(self) -> None:
        """Focus the first field."""
        self._widget(self._parameters[0]).focus()

    def _widget(self, parameter: Parameter[object]) -> Widget:
        return self.query_one(f"#field-{parameter.name}")

    def _text(self, parameter: Parameter[object]) -> str:
        widget = self._widget(parameter)
        if isinstance(widget, Select):
            return "" if widget.value is Select.NULL else str(widget.value)
        text, first = widget.value if isinstance(widget, Input) else "", self._texts.get(parameter.name, "")
        # An unedited value is returned exactly, not as it was displayed.
        return first if text == visible(first, None) else text

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Handle the enter key: focus the next field, or submit the form in the last one."""
        event.stop()
        names = [f"field-{parameter.name}" for parameter in self._parameters]
        place = names.index(event.input.id or "") + 1
        if place < len(names):
            self.query_one(f"#{names[place]}").focus()
        else:
            self.action_take()

    @on(Button.Pressed, "#go")
    def action_take(self) -> None:
        """Close the form with its values, or show the first error if one is invalid."""
        values = Values({parameter.name: self._text(parameter) for parameter in self._parameters})
        problems = values.problems(self._parameters)
        together = None if problems else self._problem(values)
        if not problems and together is None:
            self.dismiss(values)
            return
        name, sentence = next(iter(problems.items()), (self._parameters[0].name, together or ""))
        problem_text = self.query_one(".trouble", Static)
        problem_text.update(Content(visible(sentence)))
        problem_text.add_class("-shown")
        self.query_one(f"#field-{name}").focus()

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.dismiss(None)
