"""The form that starts a run. What is typed is kept until the run has really started."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Checkbox, Input, Select, Static, TextArea

from mogplex_tui.config.state_file import FileTroubles, StateFile
from mogplex_tui.live.names import Names
from mogplex_tui.operate.executor import new_key
from mogplex_tui.operate.run_changes import Draft
from mogplex_tui.screens.modals.base import Dialog, FlatButton
from mogplex_tui.widgets.text import visible, visible_lines

# v1.md §7.2: the two coding agents that the service runs.
HARNESSES = ("codex", "claude-code")


class DraftKeeper:
    """Keeps the form between openings and sessions, with the idempotency key of exactly this content."""

    def __init__(self, directory: Path | None, troubles: FileTroubles | None = None) -> None:
        path = directory / "draft.json" if directory else None
        self._file = StateFile(path, "the form for a new run", troubles)
        stored = self._stored()
        self.draft = Draft(**{name: stored[name] for name in asdict(Draft()) if name in stored})
        self.key: str = stored.get("key") or new_key()

    def _stored(self) -> dict[str, Any]:
        """Return the valid fields of the file; rename the file if others are invalid."""
        content: dict[str, Any] = self._file.read(lambda found: isinstance(found, dict)) or {}
        types = {name: type(value) for name, value in {**asdict(Draft()), "key": ""}.items()}
        known = {name: value for name, value in content.items() if name in types}
        valid = {name: value for name, value in known.items() if type(value) is types[name]}
        if len(valid) < len(known):
            self._file.set_aside(f"{len(valid)} of its {len(known)} fields could be read and are kept")
            self._file.write(valid)
        return valid

    def keep(self, draft: Draft) -> None:
        """Keep what is typed; a different content gets a different key, the same content keeps its own."""
        if draft != self.draft:
            self.draft, self.key = draft, new_key()
        self._write()

    def done(self, started: Draft) -> None:
        """The run has started: its prompt goes, the choices stay for the next one, as does what was typed meanwhile."""
        if self.draft == started:
            self.draft, self.key = replace(started, prompt="", working_branch=""), new_key()
            self._write()

    def _write(self) -> None:
        self._file.write({**asdict(self.draft), "key": self.key})


class NewRunModal(Dialog[Draft]):
    """Dismisses with the draft to start, or None; what was typed is kept either way."""

    DEFAULT_CSS = """
    NewRunModal {
        #box { width: 84; }
        .field { height: auto; margin-bottom: 1; }
        .field .label { width: 12; color: $foreground 60%; }
        .field Input, .field Select, .field TextArea { width: 1fr; }
        .field Checkbox { width: auto; background: $surface; }
        #prompt { height: 6; }
        &.-low .field { margin-bottom: 0; }
        &.-low #prompt { height: 5; margin-bottom: 1; }
        Select { height: 1; }
        SelectCurrent { border: none; height: 1; padding: 0 1; background: $panel; }
        Select:focus > SelectCurrent { border: none; background: $boost; }
        SelectOverlay { border: round $border; max-height: 12; }
    }
    """
    BINDINGS = [Binding("ctrl+s", "start", "start", priority=True)]

    def __init__(self, keeper: DraftKeeper, names: Names, trouble: str = "") -> None:
        super().__init__()
        self._keeper, self._names, self._trouble = keeper, names, trouble

    def compose(self) -> ComposeResult:
        """Lay out the form with what was typed last."""
        draft = self._keeper.draft
        # A plain string would be read as markup.
        called = self._names.called()
        options = [
            (Text(visible(name)), repo_id)
            for repo_id, name in sorted(called.items(), key=lambda pair: pair[1])
        ]
        chosen = draft.repo_id if draft.repo_id in called else Select.NULL
        with Vertical(id="box") as box:
            box.border_title = "New run"
            yield self._field("repository", Select(options, value=chosen, prompt="choose one", id="repo"))
            yield self._field(
                "prompt", TextArea(draft.prompt, id="prompt", tab_behavior="focus", compact=True)
            )
            harnesses = [(name, name) for name in HARNESSES]
            harness = draft.harness if draft.harness in HARNESSES else HARNESSES[0]
            yield self._field("harness", Select(harnesses, value=harness, allow_blank=False, id="harness"))
            yield self._field("base", Input(draft.base_branch, placeholder="the default branch", id="base"))
            yield self._field(
                "branch", Input(draft.working_branch, placeholder="a name made by the service", id="branch")
            )
            yield self._field("", Checkbox("on a new branch", draft.create_branch, id="create", compact=True))
            yield Static(
                visible_lines(self._trouble),
                classes="trouble -shown" if self._trouble else "trouble",
                markup=False,
            )
            with Horizontal(id="buttons"):
                yield FlatButton("Keep for later", id="keep")
                yield FlatButton("Start  ctrl+s", id="go")

    def _field(self, label: str, widget: Input | Select[str] | TextArea | Checkbox) -> Horizontal:
        return Horizontal(Static(label, classes="label"), widget, classes="field")

    def on_mount(self) -> None:
        """Put the focus where the next thing is to be typed."""
        self.query_one("#prompt" if self._keeper.draft.repo_id else "#repo").focus()

    def draft(self) -> Draft:
        """Return what the form holds now."""
        repo = self.query_one("#repo", Select).value
        repo_id = repo if isinstance(repo, str) else ""
        return Draft(
            repo_id=repo_id,
            repo=self._names.repos.get(repo_id, ""),
            prompt=self.query_one("#prompt", TextArea).text.strip(),
            harness=str(self.query_one("#harness", Select).value),
            base_branch=self.query_one("#base", Input).value.strip(),
            working_branch=self.query_one("#branch", Input).value.strip(),
            create_branch=self.query_one("#create", Checkbox).value,
        )

    def action_start(self) -> None:
        """Check the form and hand it over."""
        draft = self.draft()
        self._keeper.keep(draft)
        trouble = self._check(draft)
        if trouble is None:
            self.dismiss(draft)
            return
        box = self.query_one(".trouble", Static)
        box.update(visible_lines(trouble))
        box.add_class("-shown")

    def _check(self, draft: Draft) -> str | None:
        from mogplex_tui.api.errors import InvalidInput

        if not draft.repo_id:
            return "Choose a repository."
        try:
            draft.as_request()
        except InvalidInput as error:
            return str(error)
        return None

    def action_leave(self) -> None:
        """Keep what is typed and leave."""
        self._keeper.keep(self.draft())
        self.dismiss(None)

    @on(Button.Pressed, "#keep")
    def _keep(self) -> None:
        self.action_leave()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.action_start()
