"""The form that starts a run; its draft is kept until the run has started."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Checkbox, Input, Select, Static, TextArea

from mogplex_tui.config.state_file import FileErrorReporter, StateFile
from mogplex_tui.live.session import Session
from mogplex_tui.operate.executor import new_idempotency_key
from mogplex_tui.operate.model import Parameter, Values
from mogplex_tui.operate.run_actions import NEW_BRANCH, REPO, START, Draft, PrefilledDraft
from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.text import visible, visible_lines


def _id_of(parameter: Parameter[object]) -> str:
    """Return the widget id of the field for a parameter."""
    return parameter.name.replace("_", "-")


class DraftStore:
    """Stores the form's unsent input and the idempotency key of the request on disk.

    The input is thus kept when the form or the console is closed.
    """

    def __init__(self, directory: Path | None, errors: FileErrorReporter | None = None) -> None:
        path = directory / "draft.json" if directory else None
        self._file = StateFile(path, "the form for a new run", errors)
        stored = self._stored()
        self.draft = Draft(**{name: stored[name] for name in asdict(Draft()) if name in stored})
        self.key: str = stored.get("key") or new_idempotency_key()

    def _stored(self) -> dict[str, Any]:
        """Return the fields of the stored file that are valid.

        If some are invalid, the file is renamed and replaced by one with the valid fields.
        """
        content: dict[str, Any] = self._file.read(lambda found: isinstance(found, dict)) or {}
        types = {name: type(value) for name, value in {**asdict(Draft()), "key": ""}.items()}
        known = {name: value for name, value in content.items() if name in types}
        valid = {name: value for name, value in known.items() if type(value) is types[name]}
        if len(valid) < len(known):
            self._file.rename_damaged(f"{len(valid)} of its {len(known)} fields could be read and are kept")
            self._file.write(valid)
        return valid

    def keep(self, draft: Draft) -> None:
        """Save the draft; if it has changed, create a new idempotency key."""
        if draft != self.draft:
            self.draft, self.key = draft, new_idempotency_key()
        self._write()

    def done(self, started: Draft) -> None:
        """Clear the draft's prompt and working branch after its run has started.

        The other fields are kept for the next run. If the draft was changed in the meantime, nothing
        is cleared.
        """
        if self.draft == started:
            self.draft, self.key = replace(started, prompt="", working_branch=""), new_idempotency_key()
            self._write()

    def _write(self) -> None:
        self._file.write({**asdict(self.draft), "key": self.key})


class NewRunModal(Dialog[Draft]):
    """Form to start a run; its result is the draft, or None if the user leaves.

    The draft is stored whether or not the run is started.
    """

    DEFAULT_CSS = """
    NewRunModal {
        #box { width: 84; }
        .field { height: auto; margin-bottom: 1; }
        .field Input, .field Select, .field TextArea { width: 1fr; }
        .field Checkbox { width: auto; background: $surface; }
        .field Checkbox:focus { background: $block-cursor-background; }
        #prompt { height: 6; }
        &.-low .field { margin-bottom: 0; }
        &.-low #prompt { height: 5; margin-bottom: 1; }
    }
    """
    BINDINGS = [Binding("ctrl+s", "start", "start", priority=True)]

    def __init__(
        self,
        drafts: DraftStore,
        session: Session,
        problem: str = "",
        prefilled: PrefilledDraft | None = None,
    ) -> None:
        """Create the form with the stored draft.

        `problem` is the reason why the previous attempt to start the run failed, or an empty text.
        `prefilled` describes what the draft was made from, such as another run; it is None for a draft
        that the user typed.
        """
        super().__init__()
        self._drafts, self._session, self._problem = drafts, session, problem
        self._prefilled = prefilled

    def compose(self) -> ComposeResult:
        """Lay out the form, filled in with the saved draft."""
        texts = self._drafts.draft.values()
        with Vertical(id="box") as box:
            title = "New run" if self._prefilled is None else self._prefilled.title
            box.border_title = Content(visible(title)).markup
            for parameter in START.parameters:
                yield self._field(parameter, texts.text(parameter))
            yield Static(
                visible_lines(self._problem),
                classes="trouble -shown" if self._problem else "trouble",
                markup=False,
            )
            if self._prefilled is not None and self._prefilled.note:
                yield Static(self._prefilled.note, classes="line dim", markup=False)
            with Horizontal(id="buttons"):
                yield FlatButton("Save draft" if self._prefilled is None else "Cancel", id="keep")
                yield FlatButton("Start  ctrl+s", id="go")

    def _field(self, parameter: Parameter[object], text: str) -> Horizontal:
        label = parameter.label or parameter.name
        if parameter is NEW_BRANCH:
            label, widget = "", Checkbox(label, text == "yes", id=_id_of(parameter), compact=True)
            return Horizontal(Static(label, classes="label"), widget, classes="field")
        return Horizontal(Static(label, classes="label"), self._input(parameter, text), classes="field")

    def _input(self, parameter: Parameter[object], text: str) -> Input | Select[str] | TextArea:
        id = _id_of(parameter)
        if choices := parameter.choices_of(self._session, ""):
            values = [choice.value for choice in choices]
            # A plain string would be parsed as markup.
            options = [(Text(visible(choice.label)), choice.value) for choice in choices]
            if parameter.is_required:
                value = text if text in values else Select.NULL
                return Select(options, value=value, prompt="choose one", id=id)
            value = text if text in values else parameter.default
            return Select(options, value=value, allow_blank=False, id=id)
        if parameter.accepts_stdin:
            return TextArea(text, id=id, tab_behavior="focus", compact=True)
        return Input(text, placeholder=parameter.when_empty, id=id)

    def on_mount(self) -> None:
        """Focus the end of the prompt, or the repository if none is chosen."""
        prompt = self.query_one("#prompt", TextArea)
        prompt.move_cursor(prompt.document.end)
        (prompt if self._drafts.draft.repo_id else self.query_one("#repo")).focus()

    def draft(self) -> Draft:
        """Return the form's current content as a draft."""
        values = Values({parameter.name: self._text(parameter).strip() for parameter in START.parameters})
        return Draft.of(values, self._session.names.repos.get(values.text(REPO), ""))

    def _text(self, parameter: Parameter[object]) -> str:
        widget = self.query_one(f"#{_id_of(parameter)}")
        if isinstance(widget, Select):
            return widget.value if isinstance(widget.value, str) else ""
        if isinstance(widget, Checkbox):
            return "yes" if widget.value else "no"
        return widget.text if isinstance(widget, TextArea) else cast(Input, widget).value

    def action_start(self) -> None:
        """Save the draft and close the form with it, or show the first error."""
        draft = self.draft()
        self._drafts.keep(draft)
        problem = self._check(draft)
        if problem is None:
            self.dismiss(draft)
            return
        box = self.query_one(".trouble", Static)
        box.update(visible_lines(problem))
        box.add_class("-shown")

    def _check(self, draft: Draft) -> str | None:
        values = draft.values()
        problems = values.problems(START.parameters)
        return next(iter(problems.values()), None) or START.problem(values)

    def action_leave(self) -> None:
        """Save the draft and close the form without a result."""
        self._drafts.keep(self.draft())
        self.dismiss(None)

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.action_leave()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.action_start()
