"""Match of webhook deliveries to start nodes, and deliveries that are skipped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controlplane.engine.engine_driver import EngineDriver

LINE = [("start", "a"), ("a", "end")]


def flow(engine: EngineDriver, event: str, **start: Any) -> str:
    return engine.flow([("a", "agent", {})], LINE, event=event, **start)


def changed(payload: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the payload with one value set at a dotted path."""
    names, inner = path.split("."), payload
    for name in names[:-1]:
        inner = inner.setdefault(name, {})
    inner[names[-1]] = value
    return payload


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("pull_request", "pull_request.draft", True),
        ("pull_request", "action", "closed"),
        ("push", "ref", "refs/heads/feature"),
        ("tag", "deleted", True),
        ("tag", "sender.login", "mogplex[bot]"),
        ("label", "sender.login", "mogplex[bot]"),
        ("check_run", "check_run.conclusion", "success"),
        ("check_run", "check_run.name", "Mogplex review"),
        ("workflow_success", "action", "completed"),
        ("issues", "action", "closed"),
        ("issue_comment", "comment.user.type", "Bot"),
        ("issue_comment", "comment.body", "Done. <!-- mogplex -->"),
    ],
)
async def test_skipped_delivery_writes_no_rows(
    engine: EngineDriver, kind: str, path: str, value: Any
) -> None:
    engine.factory.repo()
    for event in (
        "pr_opened",
        "push",
        "tag_push",
        "labeled",
        "ci_failure",
        "issue_opened",
        "mention",
        "pr_comment",
    ):
        flow(engine, event)
    answer = await engine.send(kind, changed(engine.body(kind), path, value))
    assert answer["skipped"] is True and "queued" not in answer
    assert engine.db.value("SELECT COUNT(*) FROM automation_dispatch_events") == 0


@pytest.mark.parametrize(
    ("action", "draft", "bot", "queued"),
    [
        ("ready_for_review", True, False, 1),
        ("reopened", False, False, 1),
        ("synchronize", False, False, 1),
        ("synchronize", False, True, None),
    ],
)
async def test_draft_pull_request_is_ignored_until_ready(
    engine: EngineDriver, action: str, draft: bool, bot: bool, queued: int | None
) -> None:
    engine.factory.repo()
    flow(engine, "pr_opened")
    payload = changed(engine.body("pull_request") | {"action": action}, "pull_request.draft", draft)
    if bot:
        payload["sender"] = {"login": "renovate[bot]", "type": "Bot"}
    assert (await engine.send("pull_request", payload)).get("queued") == queued


@pytest.mark.parametrize(
    ("kind", "text", "event"),
    [
        ("issue_comment", "no name here", "pr_comment"),
        ("pull_request_review_comment", "no name here", "pr_comment"),
        ("pull_request_review_comment", "hey @Mogplex, look", "mention"),
        ("issue_comment", "mail me@mogplex.dev", "pr_comment"),
        ("workflow_run", "ci", "ci_failure"),
        ("tag", "v1.2.3", "tag_push"),
        ("label", "bug", "labeled"),
    ],
)
async def test_delivery_maps_to_event_kind(engine: EngineDriver, kind: str, text: str, event: str) -> None:
    engine.factory.repo()
    for name in ("pr_comment", "issue_comment", "mention", "ci_failure", "tag_push", "labeled", "pr_opened"):
        flow(engine, name)
    assert (await engine.send(kind, text=text))["queued"] == 1
    job = engine.factory.row("job_runs", engine.job())
    assert f'"source_type":"{event}"' in job["metadata"]


async def test_issue_comment_is_not_pull_request_comment(engine: EngineDriver) -> None:
    engine.factory.repo()
    flow(engine, "issue_comment")
    payload = engine.body("issue_comment", text="plain words")
    assert (await engine.send("issue_comment", payload))["queued"] == 0
    del payload["issue"]["pull_request"]
    assert (await engine.send("issue_comment", payload))["queued"] == 1


@pytest.mark.parametrize(
    ("start", "about", "queued"),
    [
        ({"filter": {"scope": "org"}}, {}, 1),
        ({"filter": {"scope": "org"}}, {"account_type": "User"}, 0),
        ({"filter": {"scope": "personal"}}, {"account_type": "User"}, 1),
        ({"filter": {"scope": "personal"}}, {}, 0),
        ({"filter": {"repos": ["ACME/Api"]}}, {}, 1),
        ({"filter": {"repos": ["acme/web"]}}, {}, 0),
        ({"filter": {"installationIds": [88, 99]}}, {"installation_id": 99}, 1),
        ({"filter": {"installationIds": [99]}}, {}, 0),
        ({}, {"installation_id": 99}, 0),
        ({}, {"installation_id": None}, 1),
    ],
)
async def test_start_filter_limits_event_sources(
    engine: EngineDriver, start: dict[str, Any], about: dict[str, Any], queued: int
) -> None:
    engine.factory.repo()
    flow(engine, "push", **start)
    assert (await engine.send("push", engine.body("push", **about)))["queued"] == queued


@pytest.mark.parametrize(
    ("wanted", "login", "kind", "queued"),
    [
        ("humans_only", "mirela-p", "User", 1),
        ("humans_only", "renovate[bot]", "Bot", 0),
        ("exclude_dependabot", "renovate[bot]", "Bot", 1),
        ("exclude_dependabot", "dependabot[bot]", "Bot", 0),
        ("dependabot_only", "dependabot[bot]", "Bot", 1),
        ("dependabot_only", "mirela-p", "User", 0),
        ("humans_only", None, "User", 0),
        ("any", None, "User", 1),
    ],
)
async def test_start_filter_matches_pull_request_author(
    engine: EngineDriver, wanted: str, login: str | None, kind: str, queued: int
) -> None:
    engine.factory.repo()
    flow(engine, "pr_opened", filter={"authorFilter": wanted})
    payload = engine.body("pull_request")
    payload["pull_request"]["user"] = {"login": login, "type": kind}
    assert (await engine.send("pull_request", payload))["queued"] == queued


@pytest.mark.parametrize(
    ("kind", "event", "start", "text", "queued"),
    [
        ("label", "labeled", {"labelName": "bug"}, "bug", 1),
        ("label", "labeled", {"labelName": "bug"}, "Bug", 0),
        ("label", "labeled", {"labelName": "", "labelPrOnly": True}, "any", 1),
        ("tag", "tag_push", {"tagPattern": "v*"}, "v1.0.0", 1),
        ("tag", "tag_push", {"tagPattern": "v*"}, "nightly", 0),
        ("tag", "tag_push", {"tagPattern": "v?"}, "v1", 0),
        ("tag", "tag_push", {"tagPattern": ""}, "x", 1),
    ],
)
async def test_labels_and_tags_are_matched_as_written(
    engine: EngineDriver, kind: str, event: str, start: dict[str, Any], text: str, queued: int
) -> None:
    engine.factory.repo()
    flow(engine, event, **start)
    assert (await engine.send(kind, text=text))["queued"] == queued


async def test_paused_or_unpublished_flow_gets_no_events(engine: EngineDriver) -> None:
    engine.factory.repo()
    paused, draft = flow(engine, "push"), flow(engine, "push")
    engine.db.all("UPDATE flows SET status = 'inactive' WHERE id = ?", (paused,))
    engine.db.all("UPDATE flows SET published_version_id = NULL WHERE id = ?", (draft,))
    assert (await engine.send("push"))["queued"] == 0
