"""Automation runs from the token API, some of whose responses fail."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.api.errors import MogplexError, NotFound, ServiceFailed
from mogplex_tui.api.models.automations import AutomationRun, AutomationSummary
from mogplex_tui.api.models.base import Page, Rows
from mogplex_tui.live import v1_jobs

JOB = "0f3d4ea7-0000-4000-8000-00000000000"


class Automations:
    """The routes of automations, of which some fail."""

    def __init__(self, answers: dict[str, AutomationRun | MogplexError]) -> None:
        self.answers = answers

    async def list(self) -> Page[AutomationSummary]:
        return Page(Rows(AutomationSummary(id=name, name=name) for name in self.answers))

    async def runs(self, automation_id: str) -> Rows[AutomationRun]:
        answer = self.answers[automation_id]
        if isinstance(answer, MogplexError):
            raise answer
        return Rows([answer])


class Client:
    def __init__(self, **answers: AutomationRun | MogplexError) -> None:
        self.automations = Automations(answers)


def run(number: int, minute: int) -> AutomationRun:
    created = f"2026-08-05T10:{minute:02}:00Z"
    return AutomationRun.model_validate({"id": f"{JOB}{number}", "status": "success", "created_at": created})


async def newest(**answers: Any) -> v1_jobs.NewestJobs:
    return await v1_jobs.newest(Client(**answers))  # type: ignore[arg-type]


async def test_runs_of_several_automations_share_one_order() -> None:
    found = await newest(docs=run(1, 5), review=run(2, 9), triage=run(3, 1))
    assert [job.id[-1] for job in found.rows()] == ["2", "1", "3"]
    assert found.errors() == []


async def test_failing_automation_hides_no_other() -> None:
    failed = ServiceFailed("The runs failed")
    found = await newest(docs=run(1, 5), review=failed, triage=run(3, 1))
    assert [job.id[-1] for job in found.rows()] == ["1", "3"]
    assert found.errors() == [failed]


async def test_deleted_automation_has_no_runs() -> None:
    found = await newest(docs=run(1, 5), gone=NotFound("No automation"))
    assert [job.id[-1] for job in found.rows()] == ["1"]
    assert found.errors() == []


async def test_automations_beyond_the_limit_are_only_counted() -> None:
    found = await newest(**{f"a{number}": run(number % 10, 1) for number in range(23)})
    assert (len(found.of_each), found.left_out) == (v1_jobs.MOST_AUTOMATIONS, 3)


@pytest.mark.parametrize(
    ("error", "code"), [(ServiceFailed("No"), "ServiceFailed"), (NotFound("No"), "NotFound")]
)
async def test_failed_list_of_automations_is_an_error(error: MogplexError, code: str) -> None:
    client = Client()

    async def fails() -> Any:
        raise error

    client.automations.list = fails  # type: ignore[method-assign]
    with pytest.raises(MogplexError) as raised:
        await v1_jobs.newest(client)  # type: ignore[arg-type]
    assert type(raised.value).__name__ == code
