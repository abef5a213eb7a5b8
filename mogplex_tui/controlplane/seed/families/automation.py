"""Seed flows, assignments, triggers, templates and questions (routing.md)."""

from __future__ import annotations

import hashlib
import uuid
from random import Random
from typing import Any

from ...automation.flow_service import SOURCE_KINDS
from ...automation.graphs.normalizer import Graph, normalize
from ...automation.starter_graphs import template_of
from ...db.batch_insert import Rows, encode
from ...db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ...sample_data.loader import material
from ...workload.account import SeededAccount, build_graph
from ...workload.rng import new_uuid, pick, token
from .automation_runs import Parent, Runs

_QUESTION_MINUTES = 10


def _named_id(world: SeededAccount, name: str) -> str:
    """Return an id that is derived from the account and a name.

    Other rows can therefore refer to the id before the row with this id is inserted.
    """
    return str(uuid.uuid5(uuid.UUID(world.user_id), f"routing/{name}"))


def flow_extras(key: str, event: str, hook: bool = False) -> dict[str, Any]:
    """Return the columns of a flow that depend on its event and on its webhook.

    With `hook` the flow has a webhook secret, which is derived from `key`.
    """
    secret = hashlib.shake_256(f"hook/{key}".encode()).hexdigest(21) + "k"
    return {
        "source_kind": SOURCE_KINDS.get(event, "github"),
        "trigger_schedule_id": f"sched_{key}" if event == "schedule" else None,
        "webhook_secret": f"whsec_{secret}" if hook else None,
    }


def write(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the rows of flows, assignments, triggers, templates and approvals.

    The job runs of the assignments and triggers are included. `now` is in µs.
    """
    written, runs = material("routing"), Runs(rows, rng)
    installations = {
        row["key"]: row["installation_id"]
        for person in material("account")["people"]
        for row in person["installations"]
    }
    graphs = {key: normalize(flow.graph) for key, flow in world.flows.items()}
    for spec in written["flows"]:
        graphs[spec["key"]] = _flow(rows, world, spec, installations[spec["installation"]], now)
    parents = {}
    for spec in written["assignments"]:
        parents[spec["key"]] = _assignment(rows, world, spec, now)
    for spec in written["triggers"]:
        parents[spec["key"]] = _trigger(rows, world, spec, installations[spec["installation"]], now)
    for spec in (*written["assignments"], *written["triggers"]):
        source = "cron" if spec.get("cron") else "webhook"
        for status, hours, seconds in spec["runs"]:
            failure = pick(rng, written["errors"]) if status == "failed" else None
            runs.ended(parents[spec["key"]], status, now - int(hours * HOUR_US), seconds, source, failure)
    for spec in written["pressure"]:
        parent, at = parents[spec["parent"]], now - int(spec["hours"] * HOUR_US)
        runs.ledger(parent, None, at, "enqueue", "suppressed", spec["reason"], parent.about())
    for spec in written["templates"]:
        _template(rows, world, rng, spec, graphs[spec["flow"]], now)
    _question(rows, world, rng, runs, written["question"], now)
    for spec in written["approvals"]:
        approval(rows, world, rng, spec, now)


def _version_id(world: SeededAccount, key: str, number: int) -> str:
    return _named_id(world, f"version/{key}/{number}")


def _flow(rows: Rows, world: SeededAccount, spec: dict[str, Any], installation_id: int, now: int) -> Graph:
    """Collect the rows of a flow and its versions, and return its graph.

    No job runs are simulated for this flow.
    """
    built = build_graph(spec, installation_id, world.agent_ids)
    own = {node["id"]: node.get("data", {}) for node in spec["nodes"]}
    for node in built["nodes"]:
        node["data"] |= own.get(node["id"], {})
    graph = normalize(built)
    flow_id, text, versions = _named_id(world, f"flow/{spec['key']}"), encode(graph), spec["versions"]
    created = now - (30 + 9 * versions) * DAY_US
    rows.add(
        "flows",
        id=flow_id,
        user_id=world.user_id,
        installation_id=installation_id,
        name=spec["name"],
        description=spec["description"],
        notes=spec.get("notes"),
        status=spec["status"],
        draft_graph=text,
        published_version_id=_version_id(world, spec["key"], versions) if versions else None,
        created_at=created,
        updated_at=created + 6 * DAY_US,
        # Only a published flow has a source.
        **flow_extras(spec["key"], spec["start"]["event"] if versions else "", spec.get("hook", False)),
    )
    for number in range(1, versions + 1):
        rows.add(
            "flow_versions",
            id=_version_id(world, spec["key"], number),
            flow_id=flow_id,
            version_number=number,
            graph=text,
            created_at=created + number * 2 * DAY_US,
        )
    return graph


def _assignment(rows: Rows, world: SeededAccount, spec: dict[str, Any], now: int) -> Parent:
    repo = world.repos[spec["repo"]]
    row_id = _named_id(world, f"assignment/{spec['key']}")
    rows.add(
        "assignments",
        id=row_id,
        repo_id=repo.id,
        agent_id=world.agent_ids[spec["agent"]],
        type=spec["type"],
        cron_schedule=spec["cron"],
        enabled=int(spec["enabled"]),
        created_at=now - spec["days"] * DAY_US,
    )
    return Parent("assignment", row_id, repo.user_id, repo, spec["type"])


def _trigger(
    rows: Rows, world: SeededAccount, spec: dict[str, Any], installation_id: int, now: int
) -> Parent:
    repo = world.repos[spec["repo"]]
    row_id = _named_id(world, f"trigger/{spec['key']}")
    rows.add(
        "triggers",
        id=row_id,
        user_id=repo.user_id,
        agent_id=world.agent_ids[spec["agent"]],
        installation_id=installation_id,
        event=spec["event"],
        is_default=int(spec["default"]),
        enabled=int(spec["enabled"]),
        created_at=now - spec["days"] * DAY_US,
    )
    return Parent("trigger", row_id, repo.user_id, repo, spec["event"])


def _template(
    rows: Rows, world: SeededAccount, rng: Random, spec: dict[str, Any], graph: Graph, now: int
) -> None:
    made, flow = template_of(graph), world.flows.get(spec["flow"])
    at = now - spec["days"] * DAY_US
    rows.add(
        "flow_templates",
        id=new_uuid(rng),
        owner_type="user",
        owner_user_id=world.user_id,
        created_by_user_id=world.user_id,
        name=spec["name"],
        description=spec["description"],
        source_flow_id=_named_id(world, f"flow/{spec['flow']}") if flow is None else flow.id,
        trigger_event=made.trigger_event,
        reconnect=encode(made.reconnect),
        requires_repository=int(made.requires_repository),
        graph=encode(made.graph),
        created_at=at,
        updated_at=at,
    )


def _question(
    rows: Rows, world: SeededAccount, rng: Random, runs: Runs, spec: dict[str, Any], now: int
) -> None:
    """Collect a running job's rows; it waits for an approval that nobody gives."""
    flow = next(row for row in material("routing")["flows"] if row["key"] == spec["flow"])
    node, repo = flow["nodes"][0], world.repos[spec["repo"]]
    flow_id, version_id = (
        _named_id(world, f"flow/{flow['key']}"),
        _version_id(world, flow["key"], flow["versions"]),
    )
    asked = now - spec["seconds"] * SECOND_US
    began = asked - 30 * SECOND_US
    parent = Parent("flow", flow_id, world.user_id, repo, flow["start"]["event"], version_id)
    job_id = runs.running(parent, began - 4 * SECOND_US)
    common = {"user_id": world.user_id, "job_run_id": job_id, "flow_id": flow_id}
    common["flow_version_id"] = version_id
    for node_id, kind, label, status, at in (
        ("start", "start", flow["start"]["label"], "success", began - SECOND_US),
        (node["id"], "agent", node["label"], "running", began),
    ):
        over = status == "success"
        rows.add(
            "main.flow_node_runs",
            id=new_uuid(rng),
            **common,
            node_id=node_id,
            node_type=kind,
            node_label=label,
            status=status,
            started_at=at,
            completed_at=at + 3_000 if over else None,
            duration_ms=3 if over else None,
            output=encode({"event": flow["start"]["event"]}) if over else None,
            created_at=at,
        )
    agent = next(row for row in material("account")["agents"] if row["key"] == node["agent"])
    config = {
        "kind": "tool_approval",
        "toolName": spec["tool"],
        "toolCallId": token(rng, "call_", 14),
        "toolInput": encode(spec["input"]),
        "nodeId": node["id"],
        "nodeLabel": node["label"],
        "agentName": agent["name"],
        "repoFullName": repo.full_name,
    }
    rows.add(
        "main.flow_waits",
        id=new_uuid(rng),
        **common,
        installation_id=repo.installation_id,
        repo_id=repo.id,
        node_id=node["id"],
        wait_kind="tool_approval",
        wait_config=encode(config),
        resume_token=token(rng, "", 32),
        expires_at=asked + _QUESTION_MINUTES * MINUTE_US,
        created_at=asked,
    )


def approval(rows: Rows, world: SeededAccount, rng: Random, spec: dict[str, Any], now: int) -> None:
    """Collect the row of a question of an orchestrator.

    `spec` has the form of the approvals in sample_data/routing.json. An approved or denied question
    was answered after three minutes.
    """
    created, status = now - spec["minutes"] * MINUTE_US, spec["status"]
    answered, expired = status in ("approved", "denied"), status == "expired"
    rows.add(
        "control_approvals",
        id=new_uuid(rng),
        user_id=world.user_id,
        run_id=new_uuid(rng),
        tool_name=spec["tool"],
        tool_call_id=token(rng, "call_", 14),
        tool_input=encode(spec["input"]),
        summary=spec["summary"],
        urgency=spec["urgency"],
        status=status,
        resolution_source="api" if answered else "system" if expired else None,
        expires_at=None if spec["expires"] is None else now + spec["expires"] * MINUTE_US,
        resolved_at=created + 3 * MINUTE_US
        if answered
        else now + spec["expires"] * MINUTE_US
        if expired
        else None,
        resolved_by=world.user_id if answered else None,
        resolution_note=spec.get("note"),
        created_at=created,
    )
