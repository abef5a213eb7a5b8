"""Each scenario shows over HTTP what it promises, and an ordinary day does not."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.scenarios.load import names
from tests.controlplane.support import V1

from .support import Play, playing

MODEL = "openai/gpt-5.2"
LOOP = "Apply what the review asked for"
QUESTIONS = ("/api/flows/approvals", "/api/control/approvals")


async def _model_figures(play: Play) -> tuple[int, int, float]:
    """Calls of the incident's model, how many of them failed, and what everything has cost."""
    failed = await play.calls(model=MODEL, status="failed")
    over = failed + await play.calls(model=MODEL, status="success")
    return over, failed, float((await play.figures())["total_cost"])


async def _told(scenario: str | None, seconds: int) -> tuple[int, int, float]:
    async with playing(scenario) as play:
        play.go(seconds)
        return await _model_figures(play)


async def test_an_incident_fails_one_model_and_burns_money_beyond_a_calm_day() -> None:
    calm_over, calm_failed, calm_cost = await _told(None, 1_200)
    over, failed, cost = await _told("incident", 1_200)
    assert calm_over > 8 and over > 8
    assert calm_failed / calm_over < 0.3
    assert failed / over > 0.6
    assert cost > 4 * calm_cost


async def _rounds(play: Play) -> list[dict[str, Any]]:
    """The job runs of the incident's loop, oldest first."""
    found: list[dict[str, Any]] = []
    for page in (1, 2, 3, 4):
        answer = await play.get(
            "/api/observability/jobs", limit=100, page=page, sort="created_at", order="asc"
        )
        found += answer["jobs"]
    return [row for row in found if str(row["metadata"].get("pr_title")).startswith(LOOP)]


async def test_an_incident_has_begun_before_the_plane() -> None:
    async with playing("incident") as play:
        rounds = await _rounds(play)
    assert [row["metadata"]["pr_title"] for row in rounds] == [f"{LOOP} (round {n})" for n in range(1, 7)]
    for before, after in pairwise(rounds):
        assert before["completed_at"] < after["created_at"]


async def test_rounds_of_a_loop_follow_each_other_and_get_dearer() -> None:
    async with playing("incident") as play:
        play.go(900)
        rounds = await _rounds(play)
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
    async with playing("incident") as play:
        play.go(60)
        flows = await play.get("/api/flows")
        flow_id = next(row["id"] for row in flows if row["name"] == "Review every pull request")
        answer = await play.client.put(f"/api/flows/{flow_id}", json={"status": "inactive"})
        assert answer.status_code == 200, answer.text
        play.go(200)
        before = [row for row in await _rounds(play) if row["source_kind"] == "flow"]
        play.go(300)
        assert [row for row in await _rounds(play) if row["source_kind"] == "flow"] == before
        # Switched on again it goes on where it was.
        await play.client.put(f"/api/flows/{flow_id}", json={"status": "active"})
        play.go(60)
        assert len([row for row in await _rounds(play) if row["source_kind"] == "flow"]) > len(before)


async def test_a_chat_with_the_failing_model_fails_as_its_calls_do() -> None:
    async with playing("incident") as play:
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
                answer = await play.client.post("/api/chat", json=body)
                assert answer.status_code == 200, answer.text
                ends[model] += '"type":"error"' in answer.text
    assert ends[MODEL] > 4
    assert ends["anthropic/claude-haiku-5"] == 0


async def test_a_storm_answers_429_in_gusts() -> None:
    async with playing("storm") as play:
        statuses: list[int] = []
        others: list[int] = []
        for _ in range(90):
            play.go(1)
            answer = await play.client.get(f"{V1}/repos")
            statuses.append(answer.status_code)
            if answer.status_code == 429:
                assert answer.headers["retry-after"] == "12"
                assert answer.json()["error"]["code"] == "RATE_LIMITED"
            others.append((await play.client.get("/api/observability/calls")).status_code)
    assert set(statuses[:14]) == {200}
    assert statuses[15:44].count(429) > 12
    assert set(statuses[46:]) == set(others[46:]) == set(others[:17]) == {200}
    assert others[18:42].count(429) > 6


async def test_a_storm_refuses_starts_and_providers_refuse_work() -> None:
    async with playing("storm") as play, playing(None) as calm:
        for told in (play, calm):
            # Until between two gusts.
            told.go(570)
        assert await play.calls(status="failed") > 3 * await calm.calls(status="failed")
        refused = (await play.figures())["limit_denied_in_range"]
        assert refused > 10 > (await calm.figures())["limit_denied_in_range"]


async def test_an_outage_leaves_sandboxes_in_error() -> None:
    async with playing("outage") as play:
        before = await _broken(play)
        assert len(before) > 9
        play.go(900)
        after = await _broken(play)
        assert len(after) > len(before) + 5
        texts = [row["error"] for row in after]
        assert sum("does not hand out machines" in (text or "") for text in texts) > 10


async def _broken(play: Play) -> list[dict[str, Any]]:
    found = await play.get(f"{V1}/sandboxes", status="error", limit=100)
    return list(found["data"]["sandboxes"])


async def test_a_sandbox_that_somebody_asks_for_in_an_outage_does_not_boot() -> None:
    async with playing("outage") as play:
        # Those that ran when it began have gone to sleep by then.
        play.go(500)
        repos = (await play.get(f"{V1}/repos", limit=100))["data"]["repos"]
        ends = []
        for repo in [row for row in repos if row["full_name"].startswith("acme/")][:5]:
            body = {"repoId": repo["id"], "workingBranch": "feature/outage", "createBranch": True}
            answer = await play.client.post("/api/sandbox", json=body)
            assert answer.status_code == 200, answer.text
            ends.append("does not hand out machines" in answer.text.splitlines()[-2])
    assert ends.count(True) >= 3


async def test_a_backlog_is_long_and_grows_because_nobody_answers() -> None:
    async with playing("backlog") as play:
        flow, control = [len((await play.get(path))["approvals"]) for path in QUESTIONS]
        assert flow >= 5
        assert flow + control > 20
        play.go(600)
        later = [len((await play.get(path))["approvals"]) for path in QUESTIONS]
        assert later[1] > control + 5
        # One of them was asked by work from outside and has run out of time, as on every day.
        assert later[0] >= flow - 1


async def test_questions_of_a_calm_day_are_answered_by_people_of_the_story() -> None:
    async with playing(None) as play:
        play.go(1_800)
        assert (await play.get(QUESTIONS[0]))["approvals"] == []


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
    async with playing("empty") as play:
        play.go(300)
        for path in LISTS:
            assert _rows(await play.get(path)) == [], path
        # What is left is the service's own.
        assert {row["id"].partition(":")[0] for row in await play.get("/api/agents")} == {"preset"}
        assert (await play.get("/api/auth/user"))["user"]["email"] == "ada@acme.dev"
        assert (await play.figures())["total_calls"] == 0
        body = {
            "repoId": "9f3ff86f-32aa-4d00-bfc9-9a21cf0eb1b3",
            "prompt": "Fix the flaky login test",
            "harness": "codex",
        }
        answer = await play.client.post(f"{V1}/runs", json=body, headers={"Idempotency-Key": "first-try-1"})
        # What the limiter says of a repository that does not exist (auth.md §7).
        assert (answer.status_code, answer.json()["ok"]) == (503, False)


async def test_the_lists_that_are_empty_are_not_so_on_a_calm_day() -> None:
    async with playing(None) as play:
        for path in LISTS:
            assert _rows(await play.get(path)), path


async def test_a_file_of_ones_own_is_told(tmp_path: Path) -> None:
    own = tmp_path / "quiet.json"
    fault = {"rule": "GET /api/v1/mogplex/repos 503", "after": 20}
    own.write_text(json.dumps({"title": "nothing comes", "now": {"pace": 0, "faults": [fault]}}))
    async with playing(str(own)) as play:
        play.go(19)
        assert (await play.client.get(f"{V1}/repos")).status_code == 200
        play.go(2)
        assert (await play.client.get(f"{V1}/repos")).status_code == 503
        play.go(600)
        assert (await play.client.get(f"{V1}/repos")).status_code == 503
        calls = await play.get(
            "/api/observability/calls", type="chat", limit=1, **{"from": "2026-08-05T10:00:01Z"}
        )
        assert calls["total"] == 0


@pytest.mark.parametrize("name", names())
async def test_every_scenario_answers(name: str) -> None:
    async with playing(name) as play:
        play.go(30)
        assert (await play.get("/api/auth/user"))["user"]["username"] == "ada-okafor"
