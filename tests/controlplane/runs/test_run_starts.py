"""Starting runs: checks, defaults, idempotency and what is stored (v1.md §7)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.calls.run_request_validation import (
    InvalidRunError,
    is_branch,
    normalise,
    root_directory,
)
from tests.controlplane.api_paths import V1
from tests.controlplane.row_factory import RowFactory


async def start(client: httpx.AsyncClient, key: str | None, **body: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(f"{V1}/runs", json=body, headers=headers)


def message(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def test_request_hash_matches_contract() -> None:
    repo = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"
    body = {"repoId": repo, "prompt": "Fix the flaky test", "createBranch": True}
    request = normalise(body, "demo-key-1", repo, "main", None)
    assert request.working_branch == "mogplex/external/0b2c109e-391863c9"
    assert request.request_hash == "261a8f0b8895212db16ac9a608c3238e5fb930cd5c46440611351af17191a0ae"


@pytest.mark.parametrize("good", ["main", "feat/cart", "a", "release-1.2", "A_b", "-x"])
def test_branches(good: str) -> None:
    assert is_branch(good)


@pytest.mark.parametrize(
    "bad", ["", "@", "HEAD", "/a", "a/", "a.", "a.lock", "a..b", "a//b", "a@{b", "a b", "ä", "a\n", "a:b"]
)
def test_refused_branches(bad: str) -> None:
    assert not is_branch(bad)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("/apps/web", "apps/web"),
        ("./apps//web/", "apps/web"),
        (" . ", None),
        ("", None),
        (None, None),
        ("a.b", "a.b"),
        ("..a", "..a"),
    ],
)
def test_root_directories(raw: str | None, clean: str | None) -> None:
    assert root_directory(raw) == clean


@pytest.mark.parametrize("bad", ["a/../b", "..", "%2e", "a/%2E%2e", "a\0b", 3, [], False])
def test_refused_root_directories(bad: Any) -> None:
    with pytest.raises(InvalidRunError, match="Invalid root directory"):
        root_directory(bad)


async def test_a_run_is_accepted_with_its_defaults(client: httpx.AsyncClient, factory: RowFactory) -> None:
    woken: list[str] = []
    factory.plane.callbacks.on_run_started.append(woken.append)
    repo = factory.repo(default_branch="trunk", root_directory="apps/web")
    answer = await start(client, "key", repoId=f" {repo.upper()} ", prompt="  Fix it ", harness=7)
    assert answer.status_code == 202
    run = answer.json()["data"]
    assert run["status"] == "pending"
    assert run["replayed"] is False
    assert (run["repoId"], run["harness"], run["rootDirectory"]) == (repo, "codex", "apps/web")
    assert run["branch"] == {"base": "trunk", "working": "trunk", "createBranch": False}
    assert run["eventsUrl"] == f"{V1}/runs/{run['runId']}/events"
    assert run["cancelUrl"] == f"{V1}/runs/{run['runId']}/cancel"
    assert run["sandboxRecordId"] is run["sandboxId"] is run["error"] is None
    assert run["runtime"]["provider"] == "trigger"
    assert run["runtime"]["runId"].startswith("run_")
    assert woken == [run["runId"]]
    stored = factory.row("external_agent_runs", run["runId"])
    assert (stored["prompt"], stored["idempotency_key"]) == ("Fix it", "key")
    assert (await client.get(f"{V1}/runs/{run['runId'].upper()}")).json()["data"]["run"] == {
        name: value for name, value in run.items() if name != "replayed"
    }
    events = (await client.get(run["eventsUrl"])).json()["data"]["events"]
    assert [(event["type"], event["message"]) for event in events] == [
        ("started", "External Mogplex run accepted")
    ]
    assert events[0]["payload"] == {
        "external_run_id": run["runId"],
        "harness_id": "codex",
        "working_branch": "trunk",
    }
    call = (await client.get("/api/observability/calls?type=agent")).json()["calls"][0]
    assert (call["id"], call["model"], call["status"]) == (run["aiCallId"], "harness:codex", "pending")
    assert call["metadata"]["source"] == "external-api"
    assert call["metadata"]["external_request_id"] == "key"
    assert call["metadata"]["repo"] == "acme/api"


async def test_newest_active_sandbox_is_attached(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    factory.sandbox(repo, status="stopped")
    factory.sandbox(repo, working_branch="other")
    factory.sandbox(repo, root_directory="apps/web")
    box = factory.sandbox(repo, status="installing", sandbox_id="pending")
    run = (await start(client, "k", repoId=repo, prompt="Fix")).json()["data"]
    assert (run["sandboxRecordId"], run["sandboxId"]) == (box, "pending")


async def test_checks_come_in_order(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    bad: dict[str, Any] = {
        "repoId": repo,
        "prompt": "",
        "harness": "vim",
        "baseBranch": "a b",
        "rootDirectory": "..",
        "workingBranch": "a b",
        "createBranch": True,
    }
    expected = [
        "Prompt is required",
        "Prompt is too long",
        "Invalid harness",
        "Invalid base branch",
        "Invalid root directory",
        "Invalid working branch",
        "Working branch must differ from base branch when createBranch is true",
    ]
    repairs: list[dict[str, Any]] = [
        # A character outside the basic plane counts twice.
        {"prompt": "x" * 99_999 + "\U0001f600"},
        {"prompt": "x" * 99_998 + "\U0001f600"},
        {"harness": "claude-code"},
        {"baseBranch": "main"},
        {"rootDirectory": "/"},
        {"workingBranch": "main"},
    ]
    for index, text in enumerate(expected):
        assert message(await start(client, "k", **bad)) == (400, "BAD_REQUEST", text)
        bad |= repairs[index] if index < len(repairs) else {"workingBranch": "feat"}
    answer = await start(client, "k", **bad)
    assert answer.status_code == 202
    assert answer.json()["data"]["branch"] == {"base": "main", "working": "feat", "createBranch": True}


async def test_idempotency_key_is_checked_first(client: httpx.AsyncClient) -> None:
    assert message(await start(client, None)) == (400, "BAD_REQUEST", "Idempotency-Key is required")
    assert message(await start(client, "")) == (400, "BAD_REQUEST", "Idempotency-Key is required")
    assert message(await start(client, "x" * 201)) == (
        400,
        "BAD_REQUEST",
        "Idempotency-Key exceeds maximum length of 200 characters",
    )
    assert message(await start(client, "x" * 200)) == (400, "BAD_REQUEST", "repoId is required")


async def test_same_key_same_request_is_a_replay(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    first = (await start(client, "k", repoId=repo, prompt="Fix")).json()["data"]
    again = await start(client, "k", repoId=repo, prompt=" Fix ", baseBranch="main", mode=None)
    assert again.status_code == 202
    assert again.json()["data"] == {**first, "replayed": True}
    assert message(await start(client, "k", repoId=repo, prompt="Fix", mode="YOLO")) == (
        409,
        "IDEMPOTENCY_CONFLICT",
        "Idempotency key already used for a different request",
    )
    # The state is that of now, and all tokens of one user share the keys.
    await client.post(first["cancelUrl"])
    other = {"Authorization": f"Bearer {factory.token()}", "Idempotency-Key": "k"}
    replayed = await client.post(f"{V1}/runs", json={"repoId": repo, "prompt": "Fix"}, headers=other)
    assert replayed.json()["data"]["status"] == "cancelled"
    assert replayed.json()["data"]["replayed"] is True


async def test_concurrent_equal_requests_create_one_run(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    answers = await asyncio.gather(*(start(client, "k", repoId=repo, prompt="Fix") for _ in range(4)))
    found = [answer.json()["data"] for answer in answers]
    assert sorted(run["replayed"] for run in found) == [False, True, True, True]
    assert len({run["runId"] for run in found}) == 1


async def test_half_a_surrogate_pair_does_no_harm(client: httpx.AsyncClient, factory: RowFactory) -> None:
    body = b'{"repoId": "%s", "prompt": "broken \\ud83d end"}' % factory.repo().encode()
    answer = await client.post(f"{V1}/runs", content=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202


async def test_events_are_oldest_first_and_limited_to_200(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    call = factory.call()
    run = factory.run(factory.repo(), call)
    ids = [factory.event(call, payload={"n": index}) for index in range(230)]

    async def seen(query: str) -> list[str]:
        body = (await client.get(f"{V1}/runs/{run}/events{query}")).json()["data"]
        assert body["run"]["runId"] == run
        return [event["id"] for event in body["events"]]

    assert await seen("") == ids[:100]
    assert await seen("?limit=200") == ids[:200]
    assert await seen("?limit=5000") == ids[:200]
    for text, count in (("10abc", 10), ("5.9", 5), ("1e3", 1), ("0", 1), ("-4", 1), ("", 100), ("abc", 100)):
        assert await seen(f"?limit={text}") == ids[:count], text


async def test_wrong_ids_are_404(client: httpx.AsyncClient, factory: RowFactory) -> None:
    for run in ("junk", "00000000-0000-4000-8000-000000000000"):
        for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
            answer = await client.request(method, f"{V1}/runs/{run}{path}")
            assert message(answer) == (404, "NOT_FOUND", "Run not found")
