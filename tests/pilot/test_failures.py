"""The list of failures shows the cause of each one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.controlplane.automation.automation_rows import ledger_row
from tests.controlplane.row_factory import RowFactory


@pytest.mark.parametrize(
    ("reason", "message", "shown"),
    [
        pytest.param("AUTOMATION_TIMEOUT", "The model stopped", "The model stopped", id="message"),
        pytest.param("NO_GITHUB_CONNECTION", None, "GitHub is not connected", id="code"),
        pytest.param("PR_REVIEW_INFRA_FAILED", None, "pr review infra failed", id="code-without-words"),
        pytest.param("The runner went away", None, "The runner went away", id="free-text"),
    ],
)
async def test_failure_row_shows_its_cause(
    console: Any, world: RowFactory, reason: str, message: str | None, shown: str
) -> None:
    metadata = json.dumps({"model_failure_message": message} if message else {})
    ledger_row(world, "failed", event_kind="control", reason=reason, metadata=metadata)
    async with console(size=(80, 24)) as ui:
        await ui.app.parts.navigation.go("failures")
        await ui.sees("MESSAGE", shown)
        await ui.press("slash", *shown.split()[-1], "enter")
        await ui.sees(shown, "1 of 1")
        await ui.press("enter")
        await ui.sees("next step", shown)


HOUR = 3_600_000_000


async def test_one_key_groups_failures_and_enter_filters_the_list_by_a_group(
    console: Any, world: RowFactory
) -> None:
    repo, flow, now = world.repo("acme/api"), world.flow(), world.clock.us
    for minutes, error, model in (
        (10, "Too many requests", "acme/nova"),
        (20, "Too many requests", "acme/star"),
        (90, "Too many requests", "acme/nova"),
        (90, "The operation timed out", "acme/nova"),
        (30 * 60, "The operation timed out", "acme/nova"),
    ):
        world.call(
            repo_id=repo, status="failed", error=error, model=model, type="agent", metadata={"flow_id": flow},
            started_at=now - minutes * HOUR // 60,
        )  # fmt: skip
    world.call(repo_id=repo, status="success", model="acme/nova", started_at=now)
    async with console(size=(110, 30)) as ui:
        await ui.sees("success")
        await ui.press("f", "b")
        text = await ui.sees("Runs ▸ Failure groups", "/ state:failed", "Review")
        # The last hour and the hour before, the last day and the day before.
        assert re.search(r"class +rate limited +▲ 2 +1 +▲ 3 +0 ", text)
        assert re.search(r"class +timeout +0 +1 +1 +1 ", text)
        assert re.search(r"model +nova +1 +2 +▲ 3 +1 ", text)
        assert re.search(r"automation +Review +2 +2 +▲ 4 +1 ", text)
        await ui.press("down", "enter")
        text = await ui.sees("/ state:failed class:=timeout", "2 of 6")
        assert "rate limited" not in text
        await ui.press("escape")
        await ui.loses("/ state:failed")


async def test_failures_of_automations_are_grouped(console: Any, world: RowFactory) -> None:
    repo, flow = world.repo("acme/api"), world.flow()
    job = world.job(flow_id=flow, repo_id=repo, status="failed")
    world.call(repo_id=repo, status="failed", job_run_id=job, metadata={"flow_id": flow})
    for failure, job_id in (("timeout", job), ("timeout", None), ("configuration", None)):
        metadata = json.dumps({"model_failure_class": failure})
        ledger_row(world, "failed", event_kind="control", metadata=metadata, job_run_id=job_id)
    async with console(size=(100, 24)) as ui:
        await ui.app.parts.navigation.go("failures")
        await ui.sees("MESSAGE", "Configuration")
        await ui.press("b")
        text = await ui.sees("Failures ▸ Failure groups", "automation", "Review")
        assert re.search(r"class +timeout +▲ 2 +0 +▲ 2 +0 ", text)
        await ui.press("enter")
        await ui.sees("/ class:=Timeout", "2 of 3")
