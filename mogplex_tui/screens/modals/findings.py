"""The dialog that lists problems found in recent data, each with an explanation."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mogplex_tui.operate.health import Finding
from mogplex_tui.screens.modals.base import Dialog
from mogplex_tui.widgets.text import visible


class FindingsModal(Dialog[Finding]):
    """Dialog that lists problems; its result is the finding that the user chooses.

    The caller then opens the list of the records that explain the finding.
    """

    DEFAULT_CSS = """
    FindingsModal {
        OptionList, OptionList:focus {
            height: auto; max-height: 100%; border: none; padding: 0; background: $surface;
            background-tint: $surface 0%;
        }
    }
    """
    AUTO_FOCUS = "OptionList"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self._findings = tuple(findings)

    def compose(self) -> ComposeResult:
        """Lay out one option for each finding."""
        with Vertical(id="box") as box:
            box.border_title = "What is wrong"
            box.border_subtitle = "enter lists the records · esc closes"
            yield OptionList(*(Option(self._prompt(finding)) for finding in self._findings))

    def _prompt(self, finding: Finding) -> Content:
        tone = "$error" if finding.is_error else "$warning"
        return Content.assemble(
            (f"▲ {visible(finding.text)}", f"bold {tone}"), f"\n{visible(finding.explanation)}\n"
        )

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._findings[event.option_index])
