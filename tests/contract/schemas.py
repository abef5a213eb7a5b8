"""The observed schemas, read strictly: an unknown key is a fault.

An observation shows which values were met, not which may be met. A type is widened only where the written
contract says so; every relaxation names its reason.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SHAPES = Path(__file__).parent / "shapes"

# Seen as null only; the written contract has the type (v1.md §5.4 and §7.5, observability.md §2.1 and §7.1).
ONLY_NULL: dict[str, Any] = {
    "workflow_run_id": "string",
    "cancel_error": "string",
    "assignment_id": "string",
    "trigger_id": "string",
    "cancel_requested_at": "string",
    "conversation_id": "string",
    "runtime_command_id": "string",
    "limit_claim_id": "string",
    "root_directory": "string",
    "rootDirectory": "string",
    "error": "string",
    "targetHandle": "string",
    "cache_read_input_tokens": "integer",
    "cache_creation_input_tokens": "integer",
    "reasoning_tokens": "integer",
    "issue_number": "integer",
    "issue_url": "string",
    "dismissed_at": "string",
    "resumed_at": "string",
    "resume_payload": "object",
    "resume_delivery_id": "string",
    "gateway_generation_ids": "array",
    "cancelError": "string",
    "reason": "string",
    "github_primary_action": "object",
    "nextCursor": "string",
    # library.md §8.1: what a test found, an OAuth client of a user's own, and its sign-in.
    "last_test_error": "string",
    "last_test_http_status": "integer",
    "last_test_tool_count": "integer",
    "oauth_client_id": "string",
    "oauth_authorize_url": "string",
    "oauth_token_url": "string",
    "oauth_scopes": "string",
    "oauth_authorized_at": "string",
    "oauth_token_expires_at": "string",
    # routing.md §1.1 and §3.1, v1.md §5.1.
    "last_run_error": "string",
    "description": "string",
    "notes": "string",
    # identity.md §7 and §8.
    "iconUrl": "string",
    "modelAllowlist": "array",
    # projects.md §3.1 and §5.1: a repository or workspace of a team, with limits, a link or a snapshot of its own.
    "product_team_id": "string",
    "sandbox_timeout_ms": "integer",
    "sandbox_idle_timeout_ms": "integer",
    "sandbox_billing_mode_override": "string",
    "snapshot_build_token": "string",
    "snapshot_build_started_at": "string",
    "snapshot_lockfile_hash": "string",
    "snapshot_billing_source": "string",
    "vercel_project_id": "string",
    "vercel_team_id": "string",
    # sandboxes.md §1.1: a sandbox made from a snapshot, one of a team, one whose dev server was reached.
    "snapshot_id": "string",
    "terminal_cwd": "string",
    "team_id": "string",
    "preview_url": "string",
    "last_preview_http_status": "integer",
    "dev_log": "string",
}

# Never seen as null, but the written contract says that it may be (`T?` in v1.md, `T|null` elsewhere).
MAY_BE_NULL = frozenset(
    (
        # v1.md §5.4 and observability.md §2.1: a call that still runs, or that has no repository.
        *(
            f"ai_calls.{name}"
            for name in ("input_tokens", "output_tokens", "duration_ms", "completed_at", "repo_id")
        ),
        "ai_calls.cost_source",
        "calls.cost_source",
        "events.repo_id",
        "events.message",
        # observability.md §4: a tool that reported nothing.
        "[].input",
        "[].input_preview",
        "[].output",
        # v1.md §5.4: a node that has not begun, a node without a label, a version that was deleted.
        *(f"node_runs.{name}" for name in ("started_at", "node_label", "flow_version_id")),
        "runs.last_start_source",
        "run.last_start_source",
        "runs.flow_version_id",
        "run.flow_version_id",
        # v1.md §5.4: findings and waits without a place.
        *(
            f"review_findings.{name}"
            for name in ("repo_id", "repo_full_name", "pr_number", "head_sha", "path", "line")
        ),
        *(f"waits.{name}" for name in ("flow_version_id", "installation_id", "repo_id", "expires_at")),
        # observability.md §7.1: a job whose repository or agent is gone.
        "repo.id",
        "repo.full_name",
        "agent.id",
        "agent.name",
        "agent.slug",
        # v1.md §1, §3, §4 and §7.5.
        "models.contextLength",
        "runtime.provider",
        "runtime.runId",
        "run.sandboxId",
        "run.sandboxRecordId",
        # observability.md §2.1: the record is gone, or its billing has no project.
        "calls.sandbox_context",
        "sandbox_context.billing_project_id",
        # identity.md §2, §3 and §6.2.
        "user.github_connection_mode",
        "user.username",
        "user.name",
        "user.email",
        "user.github_username",
        "personal.slug",
        ".theme",
        ".default_model",
        # library.md §1.1 and §12: an agent without a prompt, a transcript without a title.
        "[].system_prompt",
        ".title",
        # projects.md §3.1 and §7: what the App does not cover, what a team owns, an installation without metadata.
        "[].github_id",
        "[].github_installation_id",
        "[].owner_user_id",
        "workspace.owner_user_id",
        "[].account_login",
        "[].account_type",
        "[].target_type",
        "[].manage_url",
        # sandboxes.md §1.1 and §3.1: a sandbox that never stopped, or whose repository has no project.
        "sandbox.stop_reason",
        "sandbox.runtime",
        "error_summary.current_error",
        "error_summary.display_error",
        "runtime_summary.last_boot_started_at",
        "runtime_summary.last_boot_completed_at",
        "runtime_summary.last_health_check_at",
        "[].repo",
        "[].workspace",
    )
)

# Seen as whole numbers; v1.md §5.2 says finite numbers.
ANY_NUMBER = frozenset(("position.x", "position.y", "viewport.x", "viewport.y", "viewport.zoom"))

# Seen with every key; the written contract marks them optional (observability.md §2.1: tool calls, sandboxes.md §4.2: a
# delete that removed the row).
OPTIONAL = {"": {"warning"}, "tool_calls": {"duration_ms", "input_preview", "output_preview", "input"}}

# Objects whose keys are data: whatever is in them is no fault.
OPEN = frozenset(
    (
        *("metadata", "payload", "input", "output", "data", "wait_config", "resume_payload"),
        # library.md §9.1: maps of a custom MCP server.
        *("envPlain", "headerPlain", "extra"),
    )
)


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    return schema if schema == {} else {"anyOf": [{"type": "null"}, schema]}


def _property(parent: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    path = f"{parent}.{name}"
    if schema.get("type") == "null" and name in ONLY_NULL:
        return {"type": ["null", ONLY_NULL[name]]}
    if path in ANY_NUMBER:
        return {"type": "number"}
    if path in ("[].input", "[].output"):
        # Any JSON by the written contract (observability.md §5).
        return {}
    strict = strict_schema(schema, name)
    return _with_null(strict) if path in MAY_BE_NULL else strict


def strict_schema(schema: dict[str, Any], parent: str = "") -> dict[str, Any]:
    """Return the schema with unknown keys refused and the relaxations applied."""
    out = dict(schema)
    if "anyOf" in out:
        out["anyOf"] = [strict_schema(option, parent) for option in out["anyOf"]]
    if "items" in out:
        out["items"] = strict_schema(out["items"], parent or "[]")
    if "properties" in out:
        if parent in OPEN and parent != "data":
            return {"type": "object"}
        out["properties"] = {
            name: _property(parent, name, inner) for name, inner in out["properties"].items()
        }
        out["required"] = sorted(set(out.get("required", ())) - OPTIONAL.get(parent, set()))
        out["additionalProperties"] = parent == "tool_calls"
    return out


def shapes_of(family: str) -> set[str]:
    """Return the names of the schemas in one folder.

    The folder without a name holds what the first screens read.
    """
    return {path.stem for path in (SHAPES / family).glob("*.json")}


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the strict validator of one schema file.

    `name` is the file's name without `.json`, whatever folder it is in.
    """
    (path,) = SHAPES.rglob(f"{name}.json")
    return Draft202012Validator(strict_schema(json.loads(path.read_text())))


def faults(name: str, value: Any) -> list[str]:
    """Return the faults of a value as paths with reasons."""
    found = sorted(validator(name).iter_errors(value), key=lambda error: list(map(str, error.path)))
    return [f"{'/'.join(map(str, error.path))}: {error.message[:300]}" for error in found]
