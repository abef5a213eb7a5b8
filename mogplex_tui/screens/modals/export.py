"""The dialog that asks for the format and the name of an exported file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from mogplex_tui.operate.exports import ExportFormat
from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.text import visible

_WORDS = {ExportFormat.CSV: "csv", ExportFormat.JSON: "json", ExportFormat.MARKDOWN: "markdown"}


class ExportModal(Dialog[None]):
    """Dialog that asks for the format and the file name of an export.

    Enter writes the file. If the file cannot be written, the dialog stays open.
    """

    DEFAULT_CSS = """
    ExportModal {
        OptionList, OptionList:focus {
            height: auto; border: none; background: $surface; padding: 0; margin-bottom: 1;
        }
        #file-line { height: 1; margin-bottom: 1; }
        #file-line Static { width: 6; color: $foreground 60%; }
        #file-line Input { width: 1fr; }
    }
    """
    BINDINGS = [Binding("ctrl+s", "write", "export", priority=True)]

    def __init__(
        self,
        title: str,
        name: str,
        formats: Mapping[ExportFormat, str],
        lines: Sequence[str],
        write: Callable[[ExportModal, ExportFormat, str], None],
    ) -> None:
        """Create the dialog.

        `name` is the file's name without a suffix, `lines` say what is exported, and `write` is called
        with the dialog, the chosen format and the name of the file.
        """
        super().__init__()
        self._title, self._name, self._lines, self._write = title, name, list(lines), write
        self._formats = list(formats)
        # Whether the file is being written, so that a second enter does not write it again.
        self._is_writing = False
        self._descriptions = formats

    def compose(self) -> ComposeResult:
        """Lay out the formats, the file name and the buttons.

        Markup in the texts is not interpreted."""
        width = max(len(_WORDS[each]) for each in self._formats) + 2
        with Vertical(id="box") as box:
            box.border_title = Content(visible(self._title)).markup
            yield OptionList(
                *(
                    Option(Content(f"{_WORDS[each]:<{width}}{text}"))
                    for each, text in self._descriptions.items()
                ),
                id="formats",
            )
            with Horizontal(id="file-line"):
                yield Static("file")
                yield Input(f"{self._name}.{self._formats[0]}", id="file", select_on_focus=False)
            for line in self._lines:
                yield Static(Content(visible(line)), classes="line dim")
            yield Static("", classes="trouble", markup=False)
            with Horizontal(id="buttons"):
                yield FlatButton("Cancel", id="keep")
                yield FlatButton("Export  enter", id="go")

    def on_mount(self) -> None:
        """Focus the list of formats and highlight the first one."""
        formats = self.query_one(OptionList)
        formats.highlighted = 0
        formats.focus()

    @property
    def _format(self) -> ExportFormat:
        return self._formats[self.query_one(OptionList).highlighted or 0]

    @on(OptionList.OptionHighlighted)
    def _format_chosen(self) -> None:
        """Replace the suffix of the file name by the suffix of the chosen format.

        A suffix that belongs to no export format is left unchanged.
        """
        file = self.query_one(Input)
        stem, dot, suffix = file.value.rpartition(".")
        if dot and suffix in set(ExportFormat):
            file.value = f"{stem}.{self._format}"

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def action_write(self) -> None:
        """Write the file with the chosen format and name."""
        if not self._is_writing:
            self._is_writing = True
            self._write(self, self._format, self.query_one(Input).value)

    def show_problem(self, sentence: str) -> None:
        """Show why the file was not written, and focus the field for its name."""
        self._is_writing = False
        problem = self.query_one(".trouble", Static)
        problem.update(Content(visible(sentence)))
        problem.add_class("-shown")
        self.query_one(Input).focus()

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.dismiss(None)
