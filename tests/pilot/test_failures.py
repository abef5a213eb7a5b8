"""The list of failures shows the cause of each one."""

from __future__ import annotations

import json
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
