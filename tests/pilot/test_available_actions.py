"""The console offers available actions and gives the reason for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mogplex_tui.operate.record_page import LinkTarget
from mogplex_tui.screens.list_screen import ListScreen
from mogplex_tui.screens.run_screen import RunScreen
from mogplex_tui.widgets.line_table import LineTable
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _keys(ui: Any) -> str:
    """Return the key bar."""
    return str(ui.text.split("\n")[-1])


async def test_session_alone_cannot_start_a_run(console: Run, world: RowFactory) -> None:
    async with console(token=False) as ui:
        text = await ui.sees("No runs yet.")
        assert "n starts one" not in text
        assert "new run" not in _keys(ui)
        await ui.press("n")
        await ui.until(lambda: ui.app._notifications, "a word of it")
        (notice,) = ui.app._notifications
        assert notice.message == "Starting a run needs a token: mogplex-tui login --token adds one."
        assert len(ui.app.screen_stack) == 1
        await ui.press("question_mark")
        text = await ui.sees("Open a run by its ID or URL.")
        assert "Start a run" not in text
        await ui.press("escape")
    async with console() as ui:
        await ui.sees("No runs yet. n starts one; :automations shows", "n new run")


async def test_help_names_the_token_when_its_scope_is_missing(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console(token=world.token(scopes=("read",)), cookie=False) as ui:
        await ui.until(lambda: not ui.app.session.may_write, "the token's reach")
        await ui.press("question_mark", "end")
        await ui.sees("Actions that change something are hidden. This token is")
    async with console(read_only=True) as ui:
        await ui.press("question_mark", "end")
        await ui.sees("Actions that change something are hidden. This console is")


async def test_runs_opened_by_a_link_show_the_key_to_go_back(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api", "⏎ open")
        assert "esc" not in _keys(ui)
        await ui.press("enter")
        await ui.sees("following")
        ui.app.parts.navigation.follow(LinkTarget("runs", "its runs", "runs", filter="repo:acme/api"))
        await ui.sees("/ repo:acme/api", "esc back")
        await ui.press("slash", *"zz", "enter")
        await ui.sees("No matches in 1 run:", "esc clear filter")
        await ui.press("escape")
        await ui.sees("acme/api", "esc back")
        await ui.press("escape")
        await ui.sees("following")
        assert [type(screen) for screen in ui.app.screen_stack] == [ListScreen, RunScreen]


async def test_form_over_a_list_adds_no_step_to_go_back(console: Run, world: RowFactory) -> None:
    async with console() as ui:
        await ui.sees("No runs yet.")
        await ui.press("n")
        await ui.until(lambda: ui.app.screen.is_modal, "the question")
        world.call(repo_id=world.repo("acme/api"))
        # The keys of the list are drawn again under the form, which only a pause of the pilot draws.
        async with asyncio.timeout(30):
            while "⏎ open" not in _keys(ui):
                await ui.pilot.pause()
        assert "esc" not in _keys(ui)


async def test_escape_leads_from_the_runs_to_the_place_before(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("escape", "6")
        await ui.sees("last 24 h")
        await ui.press("1")
        await ui.sees("acme/api", "esc back")
        await ui.press("escape")
        await ui.sees("last 24 h")


async def test_click_on_a_column_title_sorts_like_the_key(console: Run, world: RowFactory) -> None:
    for name in ("acme/web", "acme/api"):
        cost = 1.0 if name == "acme/web" else 3.0
        world.call(repo_id=world.repo(name), cost_usd=cost, cost_source="manual")
    async with console() as ui:
        await ui.sees("acme/web", "acme/api")
        table = ui.app.screen.table

        async def clicked(column: str, *repos: str) -> None:
            table.post_message(LineTable.HeaderSelected(table, column))
            await ui.until(
                lambda: [ui.app.runs.set.rows[key].repo for key in table.visible_keys] == list(repos),
                f"{repos} by {column}",
            )

        await clicked("repo", "acme/api", "acme/web")
        await clicked("repo", "acme/web", "acme/api")
        await clicked("cost", "acme/api", "acme/web")
        await clicked("cost", "acme/web", "acme/api")
