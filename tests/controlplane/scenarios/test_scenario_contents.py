"""Each scenario shows over HTTP what it promises, and an ordinary day does not."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.scenarios.load import names
from tests.controlplane.api_paths import V1
from tests.controlplane.scenarios.scenario_plane import ScenarioPlane, open_scenario_plane

MODEL = "openai/gpt-5.2"
LOOP = "Apply what the review asked for"
QUESTIONS = ("/api/flows/approvals", "/api/control/approvals")


async def _model_figures(plane_run: ScenarioPlane) -> tuple[int, int, float]:
    """Calls of the incident's model, how many of them failed, and what everything has cost."""
    failed = await plane_run.calls(model=MODEL, status="failed")
    over = failed + await plane_run.calls(model=MODEL, status="success")
    return over, failed, float((await plane_run.figures())["total_cost"])


async def _told(scenario: str | None, seconds: int) -> tuple[int, int, float]:
    async with open_scenario_plane(scenario) as plane_run:
        plane_run.go(seconds)
        return await _model_figures(plane_run)


async def test_an_incident_fails_one_model_and_burns_money_beyond_a_calm_day() -> None:
    calm_over, calm_failed, calm_cost = await _told(None, 1_200)
    over, failed, cost = await _told("incident", 1_200)
    assert calm_over > 8 and over > 8
    assert calm_failed / calm_over < 0.3
    assert failed / over > 0.6
    assert cost > 4 * calm_cost


async def _rounds(plane_run: ScenarioPlane) -> list[dict[str, Any]]:
    """The job runs of the incident's loop, oldest first."""
    found: list[dict[str, Any]] = []
    for page in (1, 2, 3, 4):
        answer = await plane_run.get(
            "/api/observability/jobs", limit=100, page=page, sort="created_at", order="asc"
        )
        found += answer["jobs"]
    return [row for row in found if str(row["metadata"].get("pr_title")).startswith(LOOP)]


async def test_an_incident_has_begun_before_the_plane() -> None:
    async with open_scenario_plane("incident") as plane_run:
        rounds = await _rounds(plane_run)
    assert [row["metadata"]["pr_title"] for row in rounds] == [f"{LOOP} (round {n})" for n in range(1, 7)]
    for before, after in pairwise(rounds):
        assert before["completed_at"] < after["created_at"]


async def test_rounds_of_a_loop_follow_each_other_and_get_dearer() -> None:
    async with open_scenario_plane("incident") as plane_run:
        plane_run.go(900)
        rounds = await _rounds(plane_run)
    numbers = [int(re.findall(r"\d+", row["metadata"]["pr_title"])[-1]) for row in rounds]
    assert numbers == sorted(numbers) and set(numbers) >= set(range(1, 14))
    # A review that fails by chance is cut short and says little about the price of its round.
    costs = [
        float(row["cost_usd"])
        for row in rounds
        if row["status"] == "success" and row["source_kind"] == "flow"
    ]
    third = len(costs) // 3
    assert third >= 4
    assert sum(costs[-third:]) > 3 * sum(costs[:third])


async def test_switching_the_automation_off_breaks_the_loop() -> None:
    async with open_scenario_plane("incident") as plane_run:
        plane_run.go(60)
        flows = await plane_run.get("/api/flows")
        flow_id = next(row["id"] for row in flows if row["name"] == "Review every pull request")
        answer = await plane_run.client.put(f"/api/flows/{flow_id}", json={"status": "inactive"})
        assert answer.status_code == 200, answer.text
        plane_run.go(200)
        before = [row for row in await _rounds(plane_run) if row["source_kind"] == "flow"]
        plane_run.go(300)
        assert [row for row in await _rounds(plane_run) if row["source_kind"] == "flow"] == before
        # Switched on again it goes on where it was.
        await plane_run.client.put(f"/api/flows/{flow_id}", json={"status": "active"})
        plane_run.go(60)
        assert len([row for row in await _rounds(plane_run) if row["source_kind"] == "flow"]) > len(before)


async def test_a_chat_with_the_failing_model_fails_as_its_calls_do() -> None:
    async with open_scenario_plane("incident") as plane_run:
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
                answer = await plane_run.client.post("/api/chat", json=body)
                assert answer.status_code == 200, answer.text
                ends[model] += '"type":"error"' in answer.text
    assert ends[MODEL] > 4
    assert ends["anthropic/claude-haiku-5"] == 0


async def test_a_storm_answers_429_in_gusts() -> None:
    async with open_scenario_plane("storm") as plane_run:
        statuses: list[int] = []
        others: list[int] = []
        for _ in range(90):
            plane_run.go(1)
            answer = await plane_run.client.get(f"{V1}/repos")
            statuses.append(answer.status_code)
            if answer.status_code == 429:
                assert answer.headers["retry-after"] == "12"
                assert answer.json()["error"]["code"] == "RATE_LIMITED"
            others.append((await plane_run.client.get("/api/observability/calls")).status_code)
    assert set(statuses[:14]) == {200}
    assert statuses[15:44].count(429) > 12
    assert set(statuses[46:]) == set(others[46:]) == set(others[:17]) == {200}
    assert others[18:42].count(429) > 6


async def test_a_storm_refuses_starts_and_providers_refuse_work() -> None:
    async with open_scenario_plane("storm") as plane_run, open_scenario_plane(None) as calm:
        for told in (plane_run, calm):
            # Until between two gusts.
            told.go(570)
        assert await plane_run.calls(status="failed") > 3 * await calm.calls(status="failed")
        refused = (await plane_run.figures())["limit_denied_in_range"]
        assert refused > 10 > (await calm.figures())["limit_denied_in_range"]


async def test_an_outage_leaves_sandboxes_in_error() -> None:
    async with open_scenario_plane("outage") as plane_run:
        before = await _broken(plane_run)
        assert len(before) > 9
        plane_run.go(900)
        after = await _broken(plane_run)
        assert len(after) > len(before) + 5
        texts = [row["error"] for row in after]
        assert sum("does not hand out machines" in (text or "") for text in texts) > 10


async def _broken(plane_run: ScenarioPlane) -> list[dict[str, Any]]:
    found = await plane_run.get(f"{V1}/sandboxes", status="error", limit=100)
    return list(found["data"]["sandboxes"])


async def test_a_sandbox_that_somebody_asks_for_in_an_outage_does_not_boot() -> None:
    async with open_scenario_plane("outage") as plane_run:
        # Those that ran when it began have gone to sleep by then.
        plane_run.go(500)
        repos = (await plane_run.get(f"{V1}/repos", limit=100))["data"]["repos"]
        ends = []
        for repo in [row for row in repos if row["full_name"].startswith("acme/")][:5]:
            body = {"repoId": repo["id"], "workingBranch": "feature/outage", "createBranch": True}
            answer = await plane_run.client.post("/api/sandbox", json=body)
            assert answer.status_code == 200, answer.text
            ends.append("does not hand out machines" in answer.text.splitlines()[-2])
    assert ends.count(True) >= 3


async def test_a_backlog_is_long_and_grows_because_nobody_answers() -> None:
    async with open_scenario_plane("backlog") as plane_run:
        flow, control = [len((await plane_run.get(path))["approvals"]) for path in QUESTIONS]
        assert flow >= 5
        assert flow + control > 20
        plane_run.go(600)
        later = [len((await plane_run.get(path))["approvals"]) for path in QUESTIONS]
        assert later[1] > control + 5
        # One of them was asked by work from outside and has run out of time, as on every day.
        assert later[0] >= flow - 1


async def test_questions_of_a_calm_day_are_answered_by_people_of_the_story() -> None:
    async with open_scenario_plane(None) as plane_run:
        plane_run.go(1_800)
        assert (await plane_run.get(QUESTIONS[0]))["approvals"] == []


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
    """Everything that a list holds, wherever in its envelope."""
    if isinstance(value, list):
        return value
    return [row for part in value.values() for row in _rows(part)] if isinstance(value, dict) else []


async def test_an_empty_account_has_empty_lists_and_no_repository_to_work_in() -> None:
    async with open_scenario_plane("empty") as plane_run:
        plane_run.go(300)
        for path in LISTS:
            assert _rows(await plane_run.get(path)) == [], path
        # What is left is the service's own.
        assert {row["id"].partition(":")[0] for row in await plane_run.get("/api/agents")} == {"preset"}
        assert (await plane_run.get("/api/auth/user"))["user"]["email"] == "ada@acme.dev"
        assert (await plane_run.figures())["total_calls"] == 0
        body = {
            "repoId": "9f3ff86f-32aa-4d00-bfc9-9a21cf0eb1b3",
            "prompt": "Fix the flaky login test",
            "harness": "codex",
        }
        answer = await plane_run.client.post(
            f"{V1}/runs", json=body, headers={"Idempotency-Key": "first-try-1"}
        )
        # What the limiter says of a repository that does not exist (auth.md §7).
        assert (answer.status_code, answer.json()["ok"]) == (503, False)


async def test_the_lists_that_are_empty_are_not_so_on_a_calm_day() -> None:
    async with open_scenario_plane(None) as plane_run:
        for path in LISTS:
            assert _rows(await plane_run.get(path)), path


async def test_a_file_of_ones_own_is_told(tmp_path: Path) -> None:
    own = tmp_path / "quiet.json"
    fault = {"rule": "GET /api/v1/mogplex/repos 503", "after": 20}
    own.write_text(json.dumps({"title": "nothing comes", "now": {"pace": 0, "faults": [fault]}}))
    async with open_scenario_plane(str(own)) as plane_run:
        plane_run.go(19)
        assert (await plane_run.client.get(f"{V1}/repos")).status_code == 200
        plane_run.go(2)
        assert (await plane_run.client.get(f"{V1}/repos")).status_code == 503
        plane_run.go(600)
        assert (await plane_run.client.get(f"{V1}/repos")).status_code == 503
        calls = await plane_run.get(
            "/api/observability/calls", type="chat", limit=1, **{"from": "2026-08-05T10:00:01Z"}
        )
        assert calls["total"] == 0


@pytest.mark.parametrize("name", names())
async def test_every_scenario_answers(name: str) -> None:
    async with open_scenario_plane(name) as plane_run:
        plane_run.go(30)
        assert (await plane_run.get("/api/auth/user"))["user"]["username"] == "ada-okafor"
