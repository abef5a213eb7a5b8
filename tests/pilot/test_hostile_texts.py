"""Texts of the service are never markup and never control the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Select, TextArea

from mogplex_tui.screens.modals.new_run import DraftStore, NewRunModal
from mogplex_tui.screens.modals.parameter_prompt import AskModal
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]
STEERS = "\x1b]52;c;aGk=\x07"


def _harmless(ui: Any) -> None:
    assert not [letter for letter in ui.text if letter < " " and letter != "\n"], repr(ui.text)
    assert "\u202e" not in ui.text


async def test_run_form_shows_repository_names_without_markup(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/we[/b]b")
    world.repo(f"acme/{STEERS}x")
    async with console() as ui:
        await ui.until(lambda: len(ui.app.session.names.repos) == 2)
        await ui.press("n")
        await ui.sees("New run")
        await ui.press("enter")
        await ui.sees("acme/we[/b]b", "acme/␛]52;c;aGk=")
        _harmless(ui)
        # A letter goes to the name that begins with it, whatever signs are in it.
        await ui.press("down", "down", "a", "c", "m", "e", "/", "w", "enter")
        assert ui.app.screen.query_one("#repo", Select).value == repo
        await ui.sees("acme/we[/b]b")


async def test_notification_contains_no_control_characters(console: Run, world: RowFactory) -> None:
    world.call(metadata={"repo": f"acme/{STEERS}\u202ex"}, status="streaming")
    async with console() as ui:
        await ui.sees("1 live")
        await ui.press("x")
        await ui.sees("Cancel")
        await ui.press("right", "enter")
        await ui.sees("is cancelled", "acme/␛]52;c;aGk=")
        _harmless(ui)


async def test_notification_keeps_its_line_breaks(console: Run) -> None:
    async with console() as ui:
        await ui.sees("Runs")
        ui.app.notify("one\r\ntwo", markup=False)
        await ui.until(lambda: ui.app._notifications)
        assert [notice.message for notice in ui.app._notifications] == ["one\ntwo"]


async def test_text_input_shows_control_characters_and_keeps_its_value(console: Run) -> None:
    name, answers = f"old{STEERS}\u202e", list[str | None]()
    async with console() as ui:
        await ui.sees("Runs")
        for edited in (False, True):
            ui.app.push_screen(AskModal("Rename", "A name", value=name), answers.append)
            await ui.sees("old␛]52;c;aGk=")
            _harmless(ui)
            if edited:
                ui.app.screen.query_one(Input).value = "new"
            await ui.press("enter")
            await ui.loses("Rename")
    assert answers == [name, "new"]


async def test_error_in_run_form_contains_no_control_characters(console: Run) -> None:
    async with console() as ui:
        await ui.sees("Runs")
        ui.app.push_screen(NewRunModal(DraftStore(None), ui.app.session, f"Not started.\n{STEERS}no"))
        await ui.sees("Not started.", "␛]52;c;aGk=␇no")
        _harmless(ui)


@pytest.mark.parametrize(
    ("stored", "prompt"),
    [
        ([1, 2], ""),
        ({"prompt": 5, "repo_id": None, "key": []}, ""),
        ({"prompt": "kept", "create_branch": "no"}, "kept"),
    ],
    ids=["no object", "wrong types", "one wrong type"],
)
async def test_damaged_draft_opens_with_its_valid_fields(
    console: Run, world: RowFactory, tmp_path: Path, stored: Any, prompt: str
) -> None:
    world.repo("acme/api")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "draft.json").write_text(json.dumps(stored))
    async with console() as ui:
        await ui.until(lambda: ui.app.session.names.repos)
        await ui.press("n")
        await ui.sees("New run", "on a new branch")
        assert ui.app.screen.query_one("#prompt", TextArea).text == prompt
    # The whole of it stays beside the file that is written anew.
    assert json.loads((tmp_path / "state" / "draft.json.damaged").read_text()) == stored


async def test_lone_surrogate_is_copied_as_replacement_character(console: Run) -> None:
    async with console() as ui:
        await ui.sees("Runs")
        ui.app.parts.copy("run \ud800", "the id")
        await ui.sees("Copied the id")
        assert ui.app.clipboard == "run ?"


async def test_internal_error_during_an_action_is_reported(console: Run) -> None:
    async def broken() -> None:
        raise RuntimeError("nobody thought of this")

    async with console() as ui:
        await ui.sees("Runs")
        ui.app.parts.tasks.run(broken())
        await ui.sees("Internal console error")
        assert "nobody thought" not in ui.text
