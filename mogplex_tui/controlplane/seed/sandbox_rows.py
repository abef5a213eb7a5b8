"""Seed sandboxes: one in every state, and the sandboxes of past runs."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from ..db.batch_insert import Rows, encode
from ..db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ..sample_data.loader import work, work_text
from ..workload.account import Repo, SeededAccount
from ..workload.rng import new_uuid, pick, whole
from ..workload.sandbox_addresses import preview_url, runtime_of, vm_name
from ..workload.v1_run_metadata import SandboxRef


class _SandboxPlan(NamedTuple):
    repo: str
    branch: str | None
    status: str
    health: str
    age: int
    idle: int
    stop_reason: str | None = None
    error: str | None = None


_NOW: tuple[_SandboxPlan, ...] = (
    _SandboxPlan("web", None, "running", "running", 48 * MINUTE_US, 4 * SECOND_US),
    _SandboxPlan("api", "mogplex/order-notes", "creating", "unknown", 5 * SECOND_US, 5 * SECOND_US),
    _SandboxPlan("billing", "feat/credit-notes", "installing", "starting", 21 * SECOND_US, 9 * SECOND_US),
    _SandboxPlan("docs", None, "pausing", "idle_warning", 3 * HOUR_US, 34 * MINUTE_US, "auto_pause"),
    _SandboxPlan("search", None, "paused", "paused", 9 * HOUR_US, 2 * HOUR_US, "auto_pause"),
    _SandboxPlan("design", None, "paused", "paused", 30 * HOUR_US, 22 * HOUR_US),
    _SandboxPlan("infra", None, "paused", "paused", 4 * DAY_US, 3 * DAY_US),
    _SandboxPlan("mobile", None, "stopped", "stopped", 20 * HOUR_US, 15 * HOUR_US, "idle_timeout"),
    _SandboxPlan("worker", None, "stopped", "stopped", 2 * DAY_US, 43 * HOUR_US, "lifetime_timeout"),
    _SandboxPlan("admin", None, "stopped", "stopped", 26 * HOUR_US, 25 * HOUR_US, "manual"),
    _SandboxPlan("bot", None, "stopped", "stopped", 5 * DAY_US, 5 * DAY_US - HOUR_US, "vm_gone"),
    _SandboxPlan("sdk", None, "stopped", "unknown", 6 * DAY_US, 6 * DAY_US - 10 * MINUTE_US, "stuck_boot"),
    _SandboxPlan("billing", None, "error", "unknown", 7 * HOUR_US, 7 * HOUR_US, None, "boot"),
    _SandboxPlan("mobile", "feat/tablet", "error", "app_error", 3 * DAY_US, 3 * DAY_US, None, "preview"),
)


def _columns(rng: Random, repo: Repo, sandbox_plan: _SandboxPlan, now: int) -> dict[str, Any]:
    branch = sandbox_plan.branch or repo.branch
    booting = sandbox_plan.status == "creating"
    name = "pending" if booting else vm_name(repo.user_id, repo, branch)
    created, active = now - sandbox_plan.age, now - sandbox_plan.idle
    booted = sandbox_plan.status not in ("creating", "installing") and sandbox_plan.error != "boot"
    error = pick(rng, work("boot_errors")) if sandbox_plan.error == "boot" else None
    over = sandbox_plan.status in ("stopped", "paused")
    return {
        "id": new_uuid(rng),
        "user_id": repo.user_id,
        "repo_id": repo.id,
        "sandbox_id": name,
        "base_branch": repo.branch,
        "working_branch": branch,
        "root_directory": repo.root,
        "status": sandbox_plan.status,
        "stop_reason": sandbox_plan.stop_reason,
        "health_status": sandbox_plan.health,
        "preview_url": preview_url(name) if booted and sandbox_plan.status != "stopped" else None,
        "install_log": "" if booting else work_text("install_output"),
        "dev_log": work_text("dev_output") if booted else "",
        "runtime": runtime_of(repo.key),
        "persistent": int(repo.key != "bot"),
        "error": error,
        "last_boot_error": error,
        "last_preview_error": "HTTP 500 from the dev server" if sandbox_plan.error == "preview" else None,
        "last_preview_http_status": 500 if sandbox_plan.error == "preview" else (200 if booted else None),
        "boot_attempts": 1 if sandbox_plan.error is None else 2,
        "last_boot_started_at": created,
        "last_boot_completed_at": created + whole(rng, 14, 40) * SECOND_US if booted else None,
        "last_health_check_at": active if booted else None,
        "stopped_at": active if over else None,
        "created_at": created,
        "last_active_at": active,
    }


def _lifecycle(rows: Rows, rng: Random, box_id: str, sandbox_plan: _SandboxPlan, now: int) -> None:
    created, active = now - sandbox_plan.age, now - sandbox_plan.idle
    events: list[tuple[str, str | None, int]] = []
    if sandbox_plan.status not in ("creating", "installing", "error"):
        events += [("tab_attached", None, created + MINUTE_US // 2), ("tab_released", None, active)]
    if sandbox_plan.stop_reason == "auto_pause":
        events.append(("auto_pause_queued", None, active + MINUTE_US))
        events.append(("auto_pause_decision", "would_auto_pause", active + 2 * MINUTE_US))
        if sandbox_plan.status == "paused":
            events.append(
                ("auto_pause_succeeded", "auto_pause_succeeded", active + 2 * MINUTE_US + SECOND_US)
            )
    elif sandbox_plan.status == "running":
        events.append(("auto_pause_decision", "auto_pause_skipped_busy", now - 2 * MINUTE_US))
    for event_type, code, at in events:
        rows.add(
            "sandbox_lifecycle_events",
            id=new_uuid(rng),
            sandbox_id=box_id,
            event_type=event_type,
            decision_code=code,
            payload=encode({}),
            created_at=at,
        )


def write_present(rows: Rows, world: SeededAccount, rng: Random, now: int) -> dict[str, SandboxRef]:
    """Collect the rows of one sandbox in every state.

    Returns the sandboxes that the runs in progress use, keyed by repository key.
    """
    boxes: dict[str, SandboxRef] = {}
    for sandbox_plan in _NOW:
        repo = world.repos[sandbox_plan.repo]
        columns = _columns(rng, repo, sandbox_plan, now)
        rows.add("sandboxes", **columns)
        _lifecycle(rows, rng, columns["id"], sandbox_plan, now)
        if sandbox_plan.status in ("running", "creating"):
            boxes[repo.key] = SandboxRef(columns["id"], columns["sandbox_id"], columns["working_branch"])
    return boxes


def write_past(
    rows: Rows,
    rng: Random,
    repo: Repo,
    branch: str,
    started_at: int,
    ended_at: int,
    broken: bool,
    text: str | None = None,
) -> SandboxRef:
    """Collect the row of a finished run's sandbox, and return a reference to it.

    With `broken` the sandbox failed to boot, with the error `text`.
    """
    age = max(0, ended_at - started_at)
    error = "boot" if broken else None
    status = "error" if broken else "stopped"
    reason = None if broken else pick(rng, ("idle_timeout", "idle_timeout", "lifetime_timeout", "manual"))
    sandbox_plan = _SandboxPlan(
        repo.key, branch, status, "unknown" if broken else "stopped", age, 0, reason, error
    )
    columns = _columns(rng, repo, sandbox_plan, ended_at)
    if broken and text is not None:
        columns |= {"error": text, "last_boot_error": text}
    rows.add("sandboxes", **columns)
    return SandboxRef(columns["id"], columns["sandbox_id"], branch)
