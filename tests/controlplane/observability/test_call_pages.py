"""Pages of calls equal a plain scan of all rows (observability.md §2).

Filters, sort orders and searches are mixed at random.
"""

from __future__ import annotations

import json
import random
from typing import Any

import httpx

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import MINUTE_US, SECOND_US, iso_db
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

MODELS = ("harness:codex", "harness:claude-code", "anthropic/claude-sonnet-5", "openai/gpt-6")
TALKS = ("conv_api", "conv_41", "CONV_web", None)
REPOS = ("acme/api", "acme/web_41", "acme/web-41")
LIVE = ("pending", "streaming")


def _fill(factory: RowFactory, clock: ManualClock, dice: random.Random, repos: dict[str, str]) -> None:
    agent = factory.agent()
    boxes = [factory.sandbox(repo, working_branch=f"b{index}") for index, repo in enumerate(repos.values())]
    job = factory.job(factory.flow(agent), start=True)
    stranger = factory.profile("stranger")
    with factory.plane.db.transaction() as tx:
        for _ in range(240):
            started = clock.us - dice.randrange(40) * 10 * SECOND_US
            status = dice.choice(("success", "success", "failed", "cancelled", *LIVE))
            about: dict[str, Any] = {"source": dice.choice(("cli", "automation", "external-api"))}
            for name, value, odds in (
                ("pr_number", dice.choice((7, 41, 412, "41")), 0.4),
                ("agent_id", agent, 0.3),
                ("sandbox_record_id", dice.choice(boxes), 0.3),
                ("slack_attribution_mode", "unmapped", 0.1),
                ("prepared", True, 0.1),
            ):
                if dice.random() < odds:
                    about[name] = value
            call_writes.insert_call(
                tx,
                user_id=stranger if dice.random() < 0.1 else factory.user,
                type=dice.choice(("chat", "agent", "pr_review", "cron")),
                model=dice.choice(MODELS),
                started_at=started,
                status=status,
                completed_at=None if status in LIVE else clock.us,
                duration_ms=None if status in LIVE or dice.random() < 0.2 else dice.randrange(6) * 500,
                control_state="cancelled" if status == "cancelled" else "active",
                error="broken" if status == "failed" else None,
                repo_id=dice.choice([*repos.values(), None]),
                job_run_id=job if dice.random() < 0.3 else None,
                conversation_id=dice.choice(TALKS),
                runtime_command_id="cmd" if dice.random() < 0.3 else None,
                tokens=Tokens(input=dice.randrange(100)),
                metadata=about,
            )


def _query(dice: random.Random, clock: ManualClock, seen: dict[str, list[str]]) -> dict[str, str]:
    """Return a few random filters with values that exist."""
    choices = {
        "surface": ["live", "cli", "cloud", "automation"],
        "status": ["success", "failed", "cancelled", "pending", "streaming"],
        "type": ["chat", "agent", "cron", "labeled"],
        "model": list(MODELS),
        "q": ["41", "api", "web_41", "claude", "conv_", "zzz", "412", "x", "9", "harness:"],
        "live_only": ["true"],
        "slack_attribution_mode": ["unmapped", "legacy_email"],
        "conversation_id": ["conv_41"],
        "from": [iso_db(clock.us - 3 * MINUTE_US)],
        "to": [iso_db(clock.us - 2 * MINUTE_US)],
        **seen,
    }
    query = {
        name: dice.choice(choices[name])
        for name in dice.sample(sorted(choices), dice.choice((0, 1, 1, 2, 3)))
    }
    if dice.random() < 0.7:
        query["sort"] = dice.choice(("started_at", "model", "type", "duration_ms", "status"))
        query["order"] = dice.choice(("asc", "desc"))
    return query | {"page": dice.choice("112"), "limit": dice.choice(("5", "30"))}


def _surface(row: dict[str, Any]) -> str:
    if row["job_run_id"] is not None:
        return "automation"
    if row["runtime_command_id"] is not None or row["metadata"].get("source") == "cli":
        return "cli"
    return "live" if row["status"] in LIVE else "cloud"


def _found(row: dict[str, Any], text: str, repos: dict[str, str]) -> bool:
    if len(text) < 2:
        return True
    texts = [row["model"], row["conversation_id"]]
    if text.isdigit():
        texts.append(row["metadata"].get("pr_number"))
    names = {repo for name, repo in repos.items() if text.lower() in name.lower()}
    return row["repo_id"] in names or any(text.lower() in str(t).lower() for t in texts if t is not None)


def _fits(row: dict[str, Any], query: dict[str, str], repos: dict[str, str], clock: ManualClock) -> bool:
    for name in ("status", "type", "model", "repo_id", "conversation_id"):
        if name in query and row[name] != query[name]:
            return False
    for name in ("agent_id", "sandbox_record_id", "slack_attribution_mode"):
        if name in query and row["metadata"].get(name) != query[name]:
            return False
    if "surface" in query:
        live = query["surface"] == "live"
        if row["status"] not in LIVE if live else _surface(row) != query["surface"]:
            return False
    age = clock.us - row["started_us"]
    if "live_only" in query:
        most = 2 if row["metadata"].get("prepared") else 5 if row["type"] == "chat" else 360
        if row["type"] not in ("chat", "agent") or row["status"] not in LIVE or age >= most * MINUTE_US:
            return False
    if ("from" in query and age > 3 * MINUTE_US) or ("to" in query and age < 2 * MINUTE_US):
        return False
    return _found(row, query.get("q", ""), repos)


def _page(rows: list[dict[str, Any]], query: dict[str, str]) -> list[str]:
    """Return the ids of a page of rows in the order of their creation."""
    sort, backwards = query.get("sort", "started_at"), query.get("order") != "asc"

    def rank(row: dict[str, Any]) -> tuple[bool, Any]:
        value = row["started_us" if sort == "started_at" else sort]
        return value is None, 0 if value is None else value

    ordered = sorted(rows, key=rank)
    if backwards:
        ordered.reverse()
    start = (int(query["page"]) - 1) * int(query["limit"])
    return [row["id"] for row in ordered[start : start + int(query["limit"])]]


async def test_any_mix_of_filters_equals_a_plain_scan(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    dice = random.Random(5)
    repos = {name: factory.repo(name) for name in REPOS}
    _fill(factory, clock, dice, repos)
    stored = factory.plane.db.all("SELECT * FROM ai_calls WHERE user_id = ? ORDER BY rowid", (factory.user,))
    rows = [
        {**row, "metadata": json.loads(row["metadata"]), "started_us": row["started_at"]}
        for row in map(dict, stored)
    ]
    assert 200 < len(rows) < 240
    seen = {
        "repo_id": list(repos.values()),
        "agent_id": list({row["metadata"]["agent_id"] for row in rows if "agent_id" in row["metadata"]}),
        "sandbox_record_id": sorted(
            {row["metadata"]["sandbox_record_id"] for row in rows if "sandbox_record_id" in row["metadata"]}
        ),
    }
    # A session has no limit of requests.
    session, met = {"Cookie": server.session_cookie}, 0
    for _ in range(250):
        query = _query(dice, clock, seen)
        body = (await anonymous.get("/api/observability/calls", params=query, headers=session)).json()
        fitting = [row for row in rows if _fits(row, query, repos, clock)]
        assert body["total"] == len(fitting), query
        assert [call["id"] for call in body["calls"]] == _page(fitting, query), query
        met += len(fitting) > 0
    assert met > 120


async def test_changed_call_is_returned_fresh(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    box = factory.sandbox(factory.repo())
    call = factory.call(metadata={"sandbox_record_id": box})

    async def shown() -> dict[str, Any]:
        (found,) = (await client.get("/api/observability/calls")).json()["calls"]
        answer: dict[str, Any] = found
        return answer

    first = await shown()
    assert (first["status"], first["sandbox_context"]["preview_url"]) == ("pending", None)
    factory.start_streaming(call)
    with factory.plane.db.transaction() as tx:
        tx.update("sandboxes", box, preview_url="https://preview.example.dev")
    second = await shown()
    assert second["status"] == "streaming"
    assert second["sandbox_context"]["preview_url"] == "https://preview.example.dev"
    with factory.plane.db.transaction() as tx:
        tx.execute("DELETE FROM sandboxes WHERE id = ?", (box,))
    assert (await shown())["sandbox_context"] is None
