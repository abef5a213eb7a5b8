"""Unmeasured token counts are dashes, and sums without them are lower bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mogplex_tui.controlplane.calls.pricing import Tokens
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


async def test_usage_of_unmeasured_calls_is_unknown(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), status="success")
    async with console() as ui:
        await ui.sees("success")
        await ui.press("6")
        await ui.sees("models by cost")
        await ui.press("m")
        text = await ui.sees("models by tokens")
        assert "harness:codex                –  1 run" in text
        assert "0 tokens" not in text


async def test_sum_over_unmeasured_calls_is_a_lower_bound(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    for name, counts in (
        ("part", [Tokens(1000, 200), Tokens()]),
        ("whole", [Tokens(3000, 400)]),
        ("none", [Tokens()]),
    ):
        world.model(f"acme/{name}", pricing_input="0.000001", pricing_output="0.000001")
        for tokens in counts:
            world.call(repo_id=repo, type="chat", model=f"acme/{name}", status="success", tokens=tokens)
    async with console() as ui:
        await ui.sees("success")
        await ui.press("7")
        await ui.sees("TOKENS 24H", "1.2k+", "3.4k")
        lines = {
            name: next(line for line in ui.text.splitlines() if f" {name} " in line)
            for name in ("whole", "none")
        }
        assert "3.4k+" not in lines["whole"]
        assert lines["none"].split()[-2:] == ["–", "–"]


async def test_tokens_of_an_agent_whose_runs_measured_none_are_unknown(
    console: Run, world: RowFactory
) -> None:
    agent, repo = world.agent("Reviewer"), world.repo("acme/api")
    with world.plane.db.transaction() as tx:
        assignment = tx.new_id()
        tx.insert(
            "assignments",
            id=assignment,
            repo_id=repo,
            agent_id=agent,
            type="pr_review",
            enabled=1,
            created_at=world.clock.us,
        )
        job = tx.new_id()
        tx.insert(
            "job_runs",
            id=job,
            assignment_id=assignment,
            status="success",
            created_at=world.clock.us,
            metadata="{}",
        )
    world.call(repo_id=repo, job_run_id=job, status="success", metadata={"agent_id": agent})
    async with console() as ui:
        await ui.press("3")
        await ui.sees("AGENT", "Reviewer")

        def cells() -> list[str]:
            return next((line.split() for line in ui.text.splitlines() if "Reviewer" in line), [])

        await ui.until(lambda: "1" in cells(), "the run of the agent")
        # A zero would be a value; without any value there is no column.
        assert "TOKENS" not in ui.text
