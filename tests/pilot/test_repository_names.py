"""Names of repositories and agents, with every set of credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import Select

from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]

SETS = {
    "token-and-cookie": {"gate": True},
    "cookie": {"gate": True, "token": False},
    "token-everywhere": {"cookie": False},
}


@pytest.mark.parametrize("given", SETS.values(), ids=SETS)
async def test_runs_name_hidden_repositories_and_agents(
    console: Run, world: RowFactory, given: dict[str, bool]
) -> None:
    agent = world.agent("Reviewer")
    for name, hidden in (("acme/api", 0), ("acme/legacy", 1)):
        world.call(
            repo_id=world.repo(name, is_hidden=hidden),
            type="pr_review",
            model="acme/nova-1",
            metadata={"agent_id": agent},
        )
    async with console(**given) as ui:
        text = await ui.sees("acme/api", "acme/legacy", "Reviewer")
        assert text.count("Reviewer") == 2


async def test_hidden_repository_is_named_but_not_offered_for_runs(console: Run, world: RowFactory) -> None:
    world.repo("acme/api")
    world.call(repo_id=world.repo("acme/legacy", is_hidden=1))
    async with console(gate=True) as ui:
        await ui.sees("acme/legacy")
        await ui.press("n")
        await ui.sees("New run")
        offered = [str(prompt) for prompt, _ in ui.app.screen.query_one("#repo", Select)._options]
        assert "acme/api" in offered
        assert "acme/legacy" not in offered


async def test_token_alone_takes_hidden_repository_names_from_rows(console: Run, world: RowFactory) -> None:
    hidden = world.repo("acme/legacy", is_hidden=1)
    world.job(world.flow(), hidden, start=True)
    world.sandbox(hidden)
    async with console(gate=True, cookie=False) as ui:
        await ui.sees("acme/legacy", "running")
        await ui.press("5")
        await ui.sees("Sandboxes   1", "acme/legacy")
