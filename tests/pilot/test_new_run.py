from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Select, TextArea

from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.operate import run_changes
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


async def _form(ui: Any, repo: str, prompt: str) -> None:
    await ui.until(lambda: ui.app.session.names.repos)
    await ui.press("n")
    await ui.sees("New run")
    ui.app.screen.query_one("#repo", Select).value = repo
    ui.app.screen.query_one("#prompt", TextArea).focus()
    await ui.press(*prompt)


async def test_new_run_starts_and_is_followed(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/web")
    async with console() as ui:
        await _form(ui, repo, "fix it")
        await ui.press("ctrl+s")
        await ui.sees("following", "acme/web", "External Mogplex run accepted", "fix it")
        row = dict(world.plane.db.only("SELECT * FROM external_agent_runs", ()))
        assert (row["prompt"], row["repo_id"], row["create_branch"]) == ("fix it", repo, 1)
        await ui.press("escape", "n")
        await ui.sees("New run")
        assert ui.app.screen.query_one("#prompt", TextArea).text == ""
        assert ui.app.screen.query_one("#repo", Select).value == repo


async def test_draft_survives_leaving_the_form_and_a_restart(
    console: Run, world: RowFactory, tmp_path: Path
) -> None:
    repo = world.repo("acme/web")
    kept = tmp_path / "kept"
    async with console(directory=kept) as ui:
        await _form(ui, repo, "half a thought")
        await ui.press("escape")
        await ui.loses("New run")
    async with console(directory=kept) as ui:
        await ui.until(lambda: ui.app.session.names.repos)
        await ui.press("n")
        await ui.sees("half a thought", "acme/web")


async def test_form_distinguishes_sub_projects_of_a_repository(console: Run, world: RowFactory) -> None:
    whole = world.repo("acme/platform")
    world.repo("acme/platform", root_directory="apps/admin")
    worker = world.repo("acme/platform", root_directory="apps/worker")
    async with console() as ui:
        await _form(ui, worker, "fix it")
        await ui.sees("acme/platform apps/worker")
        offered = {value: str(label) for label, value in ui.app.screen.query_one("#repo", Select)._options}
        assert offered[whole] == "acme/platform"
        assert len(set(offered.values())) == len(offered)
        await ui.press("ctrl+s")
        await ui.sees("following", "acme/platform")
        assert world.plane.db.only("SELECT repo_id FROM external_agent_runs", ())["repo_id"] == worker


async def test_incomplete_form_names_the_missing_field(console: Run, world: RowFactory) -> None:
    world.repo("acme/web")
    async with console() as ui:
        await ui.until(lambda: ui.app.session.names.repos)
        await ui.press("n", "ctrl+s")
        await ui.sees("Choose a repository")


async def test_refused_start_reopens_the_form_with_reason_and_text(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/web")
    async with console() as ui:
        await _form(ui, repo, "fix it")
        assert world.plane.faults is not None
        world.plane.faults.add(parse("POST /api/v1/mogplex/runs status:422"))
        await ui.press("ctrl+s")
        await ui.sees("Not started", "fix it")


async def test_text_typed_while_a_run_starts_is_kept(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = world.repo("acme/web")
    arrives, start = asyncio.Event(), run_changes.start

    async def slowly(*given: Any) -> Any:
        await arrives.wait()
        return await start(*given)

    monkeypatch.setattr(run_changes, "start", slowly)
    async with console() as ui:
        await _form(ui, repo, "fix it")
        await ui.press("ctrl+s")
        await ui.loses("New run")
        await ui.press("n")
        await ui.sees("New run", "fix it")
        ui.app.screen.query_one("#prompt", TextArea).text = "write the docs"
        await ui.press("escape")
        arrives.set()
        await ui.sees("following")
        await ui.press("escape", "n")
        await ui.sees("New run", "write the docs")


async def test_all_fields_are_reachable_in_the_smallest_terminal(console: Run) -> None:
    async with console(size=(60, 15)) as ui:
        await ui.press("n")
        await ui.sees("New run", "repository")
        await ui.press("shift+tab")
        await ui.sees("on a new branch", "Start  ctrl+s")
        await ui.press("escape")
        await ui.loses("New run")
        # The help breaks its lines where the box ends, and what goes on stands beneath its beginning.
        await ui.press("question_mark")
        lines = (await ui.sees("Cancel the run, or all marked runs;")).splitlines()
        at = next(at for at, line in enumerate(lines) if "Cancel the run, or all marked runs;" in line)
        assert lines[at + 1].index("asks first") == lines[at].index("Cancel the run")


async def test_failed_run_is_run_again_with_an_edited_prompt(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/web")
    async with console() as ui:
        await _form(ui, repo, "fix it")
        await ui.press("ctrl+s")
        await ui.sees("following", "External Mogplex run accepted")
        await ui.press("R")
        await ui.sees("Re-run acme/web", "fix it", "Cancel")
        await ui.press(*" twice", "ctrl+s")
        rows = world.plane.db.all
        sql = "SELECT prompt, repo_id, harness FROM external_agent_runs ORDER BY created_at"
        await ui.until(lambda: len(rows(sql, ())) == 2, "the second run")
        assert [tuple(row) for row in rows(sql, ())] == [
            ("fix it", repo, "codex"),
            ("fix it twice", repo, "codex"),
        ]
        # A run that was started elsewhere has no prompt, and the project's form has no run to repeat.
        world.call(repo_id=repo, metadata={"repo": "acme/web", "base_branch": "main"}, status="failed")
        await ui.press("1", "r", "slash", *"state:failed", "enter")
        await ui.sees("✗ failed")
        await ui.press("R")
        await ui.sees("Re-run acme/web", "The service does not return the prompt of this run")
        await ui.press("escape", "2")
        await ui.sees("Projects   1", "n new run")
        await ui.press("n")
        await ui.sees("New run in acme/web")
        assert ui.app.screen.query_one("#repo", Select).value == repo
