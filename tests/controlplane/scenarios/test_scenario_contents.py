"""Data of each scenario over HTTP, compared with an ordinary day."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from mogplex_tui.controlplane.scenarios.load import names
from tests.controlplane.api_paths import V1
from tests.controlplane.scenarios.scenario_plane import ScenarioPlane, open_scenario_plane

MODEL = "openai/gpt-5.2"
LOOP = "Apply what the review asked for"
QUESTIONS = ("/api/flows/approvals", "/api/control/approvals")


class ModelFigures(NamedTuple):
    """Ended and failed calls of the incident's model, and the cost of all calls."""

    ended: int
    failed: int
    total_cost: float


async def _model_figures(plane: ScenarioPlane) -> ModelFigures:
    failed = await plane.calls(model=MODEL, status="failed")
    ended = failed + await plane.calls(model=MODEL, status="success")
    return ModelFigures(ended, failed, float((await plane.figures())["total_cost"]))


async def _loop_jobs(plane: ScenarioPlane) -> list[dict[str, Any]]:
    """Return the job runs of the incident's loop, oldest first."""
    found: list[dict[str, Any]] = []
    for page in (1, 2, 3, 4):
        answer = await plane.get(
            "/api/observability/jobs", limit=100, page=page, sort="created_at", order="asc"
        )
        found += answer["jobs"]
    return [row for row in found if str(row["metadata"].get("pr_title")).startswith(LOOP)]


class CalmDay(NamedTuple):
    """Data of an ordinary day at its start and after 570, 1,200 and 1,800 seconds."""

    empty_lists: list[str]
    failed_calls: int
    denied_requests: int
    figures: ModelFigures
    flow_approvals: list[Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm_day() -> AsyncIterator[CalmDay]:
    async with open_scenario_plane(None) as plane:
        empty_lists = [path for path in LISTS if not _rows(await plane.get(path))]
        plane.go(570)
        failed, denied = (
            await plane.calls(status="failed"),
            (await plane.figures())["limit_denied_in_range"],
        )
        plane.go(630)
        figures = await _model_figures(plane)
        plane.go(600)
        yield CalmDay(empty_lists, failed, denied, figures, (await plane.get(QUESTIONS[0]))["approvals"])


class Incident(NamedTuple):
    """The loop's jobs at the start and after 900 seconds, and figures after 1,200."""

    first_jobs: list[dict[str, Any]]
    jobs: list[dict[str, Any]]
    figures: ModelFigures


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def incident() -> AsyncIterator[Incident]:
    async with open_scenario_plane("incident") as plane:
        first_jobs = await _loop_jobs(plane)
        plane.go(900)
        jobs = await _loop_jobs(plane)
        plane.go(300)
        yield Incident(first_jobs, jobs, await _model_figures(plane))


@pytest.mark.asyncio(loop_scope="module")
async def test_incident_fails_one_model_and_costs_more_than_calm_day(
    calm_day: CalmDay, incident: Incident
) -> None:
    calm, figures = calm_day.figures, incident.figures
    assert calm.ended >= 4 and figures.ended >= 4
    assert calm.failed / calm.ended < 0.3
    assert figures.failed / figures.ended > 0.6
    assert figures.total_cost > 4 * calm.total_cost


@pytest.mark.asyncio(loop_scope="module")
async def test_incident_has_begun_before_the_plane(incident: Incident) -> None:
    titles = [row["metadata"]["pr_title"] for row in incident.first_jobs]
    assert titles == [f"{LOOP} (round {n})" for n in range(1, 11)]
    for before, after in pairwise(incident.first_jobs):
        assert before["completed_at"] < after["created_at"]


@pytest.mark.asyncio(loop_scope="module")
async def test_rounds_of_incident_loop_are_consecutive_and_get_dearer(incident: Incident) -> None:
    numbers = [
        int(re.findall(r"\d+", row["metadata"]["pr_title"])[-1])
        for row in incident.jobs
        if row["source_kind"] == "flow"
    ]
    assert numbers == sorted(numbers) and set(numbers) >= set(range(1, 14))
    # A review that fails by chance is cut short and says little about the price of its round.
    costs = [
        float(row["cost_usd"])
        for row in incident.jobs
        if row["status"] == "success" and row["source_kind"] == "flow"
    ]
    third = len(costs) // 3
    assert third >= 4
    assert sum(costs[-third:]) > 3 * sum(costs[:third])


async def test_disabling_the_automation_stops_the_loop() -> None:
    async with open_scenario_plane("incident") as plane:
        plane.go(60)
        flows = await plane.get("/api/flows")
        flow_id = next(row["id"] for row in flows if row["name"] == "Review every pull request")
        answer = await plane.client.put(f"/api/flows/{flow_id}", json={"status": "inactive"})
        assert answer.status_code == 200, answer.text
        plane.go(200)
        before = [row for row in await _loop_jobs(plane) if row["source_kind"] == "flow"]
        plane.go(300)
        assert [row for row in await _loop_jobs(plane) if row["source_kind"] == "flow"] == before
        # Switched on again it goes on where it was.
        await plane.client.put(f"/api/flows/{flow_id}", json={"status": "active"})
        plane.go(60)
        assert len([row for row in await _loop_jobs(plane) if row["source_kind"] == "flow"]) > len(before)


async def test_chats_with_the_failing_model_fail() -> None:
    async with open_scenario_plane("incident") as plane:
        ends = {}
        for model in (MODEL, "anthropic/claude-haiku-5"):
            ends[model] = 0
            for number in range(8):
                message = {
                    "id": f"m{number}",
                    "role": "user",
                    "parts": [{"type": "text", "text": "What failed?"}],
                }
                body = {"model": model, "messages": [message]}
                answer = await plane.client.post("/api/chat", json=body)
                assert answer.status_code == 200, answer.text
                ends[model] += '"type":"error"' in answer.text
    assert ends[MODEL] > 4
    assert ends["anthropic/claude-haiku-5"] == 0


async def test_storm_answers_429_in_bursts() -> None:
    async with open_scenario_plane("storm") as plane:
        statuses: list[int] = []
        others: list[int] = []
        for _ in range(90):
            plane.go(1)
            answer = await plane.client.get(f"{V1}/repos")
            statuses.append(answer.status_code)
            if answer.status_code == 429:
                assert answer.headers["retry-after"] == "12"
                assert answer.json()["error"]["code"] == "RATE_LIMITED"
            others.append((await plane.client.get("/api/observability/calls")).status_code)
    assert set(statuses[:9]) == {200}
    assert statuses[10:39].count(429) > 12
    assert set(statuses[41:89]) == set(others[41:89]) == set(others[:13]) == {200}
    assert others[14:38].count(429) > 6


@pytest.mark.asyncio(loop_scope="module")
async def test_storm_denies_starts_and_fails_more_calls(calm_day: CalmDay) -> None:
    async with open_scenario_plane("storm") as plane:
        # A time between two bursts of refusals.
        plane.go(570)
        assert await plane.calls(status="failed") > 3 * calm_day.failed_calls
        assert (await plane.figures())["limit_denied_in_range"] > 10 > calm_day.denied_requests


async def test_outage_leaves_sandboxes_in_error_and_boots_none() -> None:
    async with open_scenario_plane("outage") as plane:
        before = await _sandboxes_in_error(plane)
        assert len(before) > 9
        plane.go(900)
        after = await _sandboxes_in_error(plane)
        assert len(after) > len(before) + 5
        texts = [row["error"] for row in after]
        assert sum("does not hand out machines" in (text or "") for text in texts) > 10
        # The sandboxes that ran when the outage began are paused by now.
        repos = (await plane.get(f"{V1}/repos", limit=100))["data"]["repos"]
        refused = []
        for repo in [row for row in repos if row["full_name"].startswith("acme/")][:5]:
            body = {"repoId": repo["id"], "workingBranch": "feature/outage", "createBranch": True}
            answer = await plane.client.post("/api/sandbox", json=body)
            assert answer.status_code == 200, answer.text
            refused.append("does not hand out machines" in answer.text.splitlines()[-2])
    assert refused.count(True) >= 3


async def _sandboxes_in_error(plane: ScenarioPlane) -> list[dict[str, Any]]:
    found = await plane.get(f"{V1}/sandboxes", status="error", limit=100)
    return list(found["data"]["sandboxes"])


async def test_backlog_of_approvals_is_long_and_grows() -> None:
    async with open_scenario_plane("backlog") as plane:
        flow, control = [len((await plane.get(path))["approvals"]) for path in QUESTIONS]
        assert flow >= 5
        assert flow + control > 20
        plane.go(600)
        later = [len((await plane.get(path))["approvals"]) for path in QUESTIONS]
        assert later[1] > control + 5
        # One of them was asked by work from outside and has run out of time, as on every day.
        assert later[0] >= flow - 1


@pytest.mark.asyncio(loop_scope="module")
async def test_people_of_calm_day_answer_its_approvals(calm_day: CalmDay) -> None:
    assert calm_day.flow_approvals == []


# Everything that lists what an account has; the two tokens of its own are all it has.
LISTS = (
    f"{V1}/repos",
    f"{V1}/sandboxes",
    f"{V1}/automations",
    "/api/repos",
    "/api/workspaces",
    "/api/commands",
    "/api/flows",
    "/api/triggers",
    "/api/assignments",
    "/api/skills",
    "/api/rules",
    "/api/memories",
    "/api/conversations",
    "/api/connections",
    "/api/mcp-servers",
    "/api/sandbox",
    "/api/models",
    "/api/github/installations",
    "/api/flows/templates",
    "/api/observability/calls",
    "/api/observability/jobs",
    "/api/observability/automation-events",
    "/api/settings/keys",
    "/api/agent-categories",
    *QUESTIONS,
)


def _rows(value: Any) -> list[Any]:
    """Return everything that a list holds, wherever in its envelope."""
    if isinstance(value, list):
        return value
    return [row for part in value.values() for row in _rows(part)] if isinstance(value, dict) else []


async def test_empty_account_has_empty_lists_and_no_repository() -> None:
    async with open_scenario_plane("empty") as plane:
        plane.go(300)
        for path in LISTS:
            assert _rows(await plane.get(path)) == [], path
        # What is left is the service's own.
        assert {row["id"].partition(":")[0] for row in await plane.get("/api/agents")} == {"preset"}
        assert (await plane.get("/api/auth/user"))["user"]["email"] == "ada@acme.dev"
        assert (await plane.figures())["total_calls"] == 0
        body = {
            "repoId": "9f3ff86f-32aa-4d00-bfc9-9a21cf0eb1b3",
            "prompt": "Fix the flaky login test",
            "harness": "codex",
        }
        answer = await plane.client.post(f"{V1}/runs", json=body, headers={"Idempotency-Key": "first-try-1"})
        # What the limiter says of a repository that does not exist (auth.md §7).
        assert (answer.status_code, answer.json()["ok"]) == (503, False)


@pytest.mark.asyncio(loop_scope="module")
async def test_no_list_of_calm_day_is_empty(calm_day: CalmDay) -> None:
    assert calm_day.empty_lists == []


async def test_scenario_file_decides_pace_and_faults(tmp_path: Path) -> None:
    own = tmp_path / "quiet.json"
    fault = {"rule": "GET /api/v1/mogplex/repos 503", "after": 20}
    own.write_text(json.dumps({"title": "nothing comes", "now": {"pace": 0, "faults": [fault]}}))
    async with open_scenario_plane(str(own)) as plane:
        plane.go(19)
        assert (await plane.client.get(f"{V1}/repos")).status_code == 200
        plane.go(2)
        assert (await plane.client.get(f"{V1}/repos")).status_code == 503
        plane.go(600)
        assert (await plane.client.get(f"{V1}/repos")).status_code == 503
        calls = await plane.get(
            "/api/observability/calls", type="chat", limit=1, **{"from": "2026-08-05T10:00:01Z"}
        )
        assert calls["total"] == 0


# The tests above ask planes of these scenarios.
ASKED = {"calm", "incident", "storm", "outage", "backlog", "empty"}


@pytest.mark.parametrize("name", sorted(set(names()) - ASKED))
async def test_other_scenarios_serve_requests(name: str) -> None:
    async with open_scenario_plane(name) as plane:
        plane.go(30)
        assert (await plane.get("/api/auth/user"))["user"]["username"] == "ada-okafor"
