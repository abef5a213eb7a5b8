"""Sandboxes in time: boot, resume, idle, pause, stop, and now and then an error (sandboxes.md §2)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from ..database import Row, Tx
from ..seed.catalogue import work
from ..seed.places import preview_url, runtime_of, vm_name
from ..seed.rng import between, pick, whole
from ..seed.sandboxes import work_text
from ..seed.world import Repo
from ..writes import limits, sandboxes
from .scheduler import Acts
from .stage import Part, Stage

MAX_ACTIVE = 3
_PATIENCE = 40
FULL = "Too many active sandboxes"
_BOOTING = ("creating", "installing")


class BootFailed(Exception):
    """The sandbox cannot be used; the text says why."""


class Tree(NamedTuple):
    """The working tree that a sandbox is for."""

    repo: Repo
    base: str
    branch: str
    root: str | None


Booting = Generator[float, None, str]


def _find(tx: Tx, tree: Tree) -> Row | None:
    return tx.one(
        "SELECT id, status, persistent FROM sandboxes WHERE user_id = ? AND repo_id = ? AND working_branch = ?"
        " AND root_directory IS ? AND status IN ('creating', 'installing', 'running', 'pausing', 'paused')"
        " ORDER BY status = 'paused', created_at DESC LIMIT 1",
        (tree.repo.user_id, tree.repo.id, tree.branch, tree.root),
    )


def _busy(tx: Tx, box_id: str) -> bool:
    """Whether a live call is tied to the sandbox, by its metadata or by its run (runtime-model.md §6)."""
    row = tx.one(
        "SELECT 1 FROM ai_calls c LEFT JOIN external_agent_runs r ON r.ai_call_id = c.id"
        " WHERE c.user_id = (SELECT user_id FROM sandboxes WHERE id = ?1) AND c.status IN ('pending', 'streaming')"
        " AND (r.sandbox_record_id = ?1 OR json_extract(c.metadata, '$.sandbox_record_id') = ?1)",
        (box_id,),
    )
    return row is not None


def _make_room(tx: Tx, stage: Stage, user_id: str) -> bool:
    """Whether one more sandbox may boot; idle ones are paused for it, the longest idle first."""
    rows = tx.all(
        "SELECT id, status FROM sandboxes WHERE user_id = ? AND status IN ('creating', 'installing', 'running')"
        " ORDER BY last_active_at",
        (user_id,),
    )
    count = len(rows)
    for row in rows:
        if count < MAX_ACTIVE:
            break
        if row["status"] == "running" and not _busy(tx, row["id"]):
            _pause(tx, stage, row["id"])
            count -= 1
    return count < MAX_ACTIVE


def _pause(tx: Tx, stage: Stage, box_id: str, reason: str | None = None) -> None:
    now = stage.now()
    sandboxes.set_sandbox(
        tx,
        box_id,
        status="paused",
        health_status="paused",
        stop_reason=reason,
        stopped_at=now,
        preview_url=None,
    )


def launch(stage: Stage, part: Part, tree: Tree, breaks: bool = False) -> Booting:
    """Bring a sandbox for `tree` to running and return its record id; raises BootFailed.

    A running one is taken as it is, one that boots is waited for, a paused one is resumed, else a new one boots
    when there is room; `breaks` makes the boot fail.
    """
    for attempt in range(_PATIENCE):
        with part.tx() as tx:
            box = _find(tx, tree)
            if box is not None and box["status"] == "running" and not breaks:
                sandboxes.set_sandbox(tx, box["id"], last_active_at=stage.now())
                return str(box["id"])
            if box is None or box["status"] == "paused":
                if _make_room(tx, stage, tree.repo.user_id):
                    box_id = _begin(tx, stage, part, tree, None if box is None else box["id"])
                    break
                if attempt == 0:
                    _refuse(tx, stage, tree)
            elif box["status"] in _BOOTING and box["id"] not in stage.booting:
                box_id = str(box["id"])
                break
        yield 3.0
    else:
        raise BootFailed(FULL)
    return (yield from boot(stage, part, box_id, tree.repo, breaks))


def _refuse(tx: Tx, stage: Stage, tree: Tree) -> None:
    limits.record_limit(
        tx,
        user_id=tree.repo.user_id,
        route_key="sandbox_boot",
        decision="denied",
        at=stage.now(),
        repo_id=tree.repo.id,
        reason=FULL,
        limit_name="active_sandboxes",
        window_seconds=0,
        limit_value=MAX_ACTIVE,
        remaining=0,
        retry_after_seconds=15,
    )


def _begin(tx: Tx, stage: Stage, part: Part, tree: Tree, paused: str | None) -> str:
    now = stage.now()
    if paused is not None:
        sandboxes.set_sandbox(
            tx,
            paused,
            status="installing",
            health_status="starting",
            stop_reason=None,
            stopped_at=None,
            last_boot_started_at=now,
            last_boot_completed_at=None,
            last_active_at=now,
        )
        return paused
    claim = part.ids.uuid()
    limits.record_limit(
        tx,
        user_id=tree.repo.user_id,
        route_key="sandbox_boot",
        decision="allowed",
        at=now,
        repo_id=tree.repo.id,
        limit_name="sandbox_boots_per_hour",
        window_seconds=3_600,
        limit_value=120,
        remaining=whole(part.rng, 60, 118),
        claim_id=claim,
    )
    return sandboxes.insert_sandbox(
        tx,
        user_id=tree.repo.user_id,
        repo_id=tree.repo.id,
        base_branch=tree.base,
        working_branch=tree.branch,
        root_directory=tree.root,
        status="creating",
        created_at=now,
        runtime=runtime_of(tree.repo.key),
        boot_attempts=1,
        last_boot_started_at=now,
        limit_claim_id=claim,
    )


def boot(stage: Stage, part: Part, box_id: str, repo: Repo, breaks: bool = False) -> Booting:
    """Take a sandbox that boots through installing to running; raises BootFailed when it is gone or breaks."""
    stage.booting.add(box_id)
    try:
        return (yield from _boot(stage, part, box_id, repo, breaks))
    finally:
        stage.booting.discard(box_id)


def _boot(stage: Stage, part: Part, box_id: str, repo: Repo, breaks: bool) -> Booting:
    rng = part.rng
    row = stage.plane.db.one("SELECT status, working_branch FROM sandboxes WHERE id = ?", (box_id,))
    if row is None:
        raise BootFailed("The sandbox was deleted while it started")
    name = vm_name(repo.user_id, repo, row["working_branch"])
    if row["status"] == "creating":
        yield between(rng, 2.0, 5.0)
        _advance(part, box_id, "creating", sandbox_id=name, status="installing", health_status="starting")
        yield between(rng, 1.5, 4.0)
        _advance(part, box_id, "installing", install_log=work_text("install_output"))
    yield between(rng, 2.0, 6.0)
    if breaks:
        text = str(pick(rng, work("boot_errors")))
        _advance(
            part,
            box_id,
            None,
            status="error",
            error=text,
            last_boot_error=text,
            health_status="unknown",
        )
        raise BootFailed(text)
    now = stage.now()
    _advance(
        part,
        box_id,
        None,
        sandbox_id=name,
        status="running",
        health_status="running",
        preview_url=preview_url(name),
        dev_log=work_text("dev_output"),
        last_boot_completed_at=now,
        last_health_check_at=now,
        last_preview_http_status=200,
        last_active_at=now,
    )
    return box_id


def _advance(part: Part, box_id: str, expected: str | None, **columns: Any) -> None:
    """Move a booting sandbox on; a row that somebody else has moved meanwhile ends the boot (sandboxes.md §2.1)."""
    with part.tx() as tx:
        row = tx.one("SELECT status FROM sandboxes WHERE id = ?", (box_id,))
        allowed = _BOOTING if expected is None else (expected,)
        if row is None or row["status"] not in allowed:
            raise BootFailed("Sandbox creation was superseded by a newer state change.")
        sandboxes.set_sandbox(tx, box_id, **columns)


def watch_idle(stage: Stage, box_id: str, after: float = 60.0) -> None:
    """Let a sandbox idle from now on: warned, then paused, or stopped when it does not persist."""
    name = f"idle:{box_id}"
    stage.spawn(name, _idle(stage, stage.part(f"{name}:{stage.now()}"), box_id), after)


def _idle(stage: Stage, part: Part, box_id: str) -> Acts:
    yield between(part.rng, 20.0, 90.0)
    warned = False
    while True:
        with part.tx() as tx:
            row = tx.one("SELECT status, persistent FROM sandboxes WHERE id = ?", (box_id,))
            if row is None or row["status"] not in ("running", "pausing"):
                return
            if row["status"] == "running" and _busy(tx, box_id):
                sandboxes.set_sandbox(tx, box_id, last_active_at=stage.now(), health_status="running")
                warned = False
            elif not warned and row["status"] == "running":
                sandboxes.set_sandbox(tx, box_id, health_status="idle_warning")
                warned = True
            elif not row["persistent"]:
                now = stage.now()
                sandboxes.set_sandbox(
                    tx,
                    box_id,
                    status="stopped",
                    stop_reason="idle_timeout",
                    health_status="stopped",
                    stopped_at=now,
                )
                return
            else:
                sandboxes.lifecycle_event(tx, box_id, "auto_pause_queued", stage.now())
                sandboxes.lifecycle_event(
                    tx, box_id, "auto_pause_decision", stage.now(), decision_code="would_auto_pause"
                )
                sandboxes.set_sandbox(
                    tx, box_id, status="pausing", stop_reason="auto_pause", health_status="pausing"
                )
                break
        yield between(part.rng, 25.0, 50.0)
    yield between(part.rng, 2.0, 5.0)
    with part.tx() as tx:
        row = tx.one("SELECT status FROM sandboxes WHERE id = ?", (box_id,))
        if row is not None and row["status"] == "pausing":
            _pause(tx, stage, box_id, "auto_pause")
            code = "auto_pause_succeeded"
            sandboxes.lifecycle_event(tx, box_id, code, stage.now(), decision_code=code)
