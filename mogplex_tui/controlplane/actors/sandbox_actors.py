"""Simulate the lifecycle of sandboxes: boot, resume, idle, pause, stop, errors.

sandboxes.md §2.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from ..calls import admission_writes
from ..db.database import Database, Row, Tx
from ..sample_data.loader import work, work_text
from ..sandboxes import sandbox_writes
from ..sandboxes.busy_check import is_busy
from ..sandboxes.idle_reaper import PERIOD_S, reap
from ..sandboxes.states import BOOTING, Change, apply_change
from ..workload.account import Repo
from ..workload.rng import between, pick, whole
from ..workload.sandbox_addresses import preview_url, runtime_of, vm_name
from .context import ActorContext, ActorRandom
from .scheduler import Acts

MAX_ACTIVE = 3
_PATIENCE = 40
FULL = "Too many active sandboxes"
SUPERSEDED = "Sandbox creation was superseded by a newer state change."


class BootFailed(Exception):
    """Raised when a sandbox did not boot; the message says why."""


class Tree(NamedTuple):
    """The working tree of a sandbox: repository, base and working branch, directory.

    `root` is the directory of the repository to work in; None is the top directory.
    """

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


def booted_by_request(source: Database | Tx, box_id: str) -> bool:
    """Return whether a sandbox was booted by an HTTP request, not by an actor."""
    row = source.one(
        "SELECT 1 FROM sandboxes s JOIN limit_events l ON l.claim_id = s.limit_claim_id"
        " WHERE s.id = ? AND l.resource_id IS NOT NULL",
        (box_id,),
    )
    return row is not None


def _pause_unused(tx: Tx, context: ActorContext, user_id: str, most: int) -> int:
    """Pause unused simulated sandboxes until at most `most` are active.

    The sandboxes that have been unused for the longest time are paused first. Sandboxes that HTTP
    requests booted are not paused, so that the returned number of active sandboxes may exceed `most`.
    """
    rows = tx.all(
        "SELECT id, status FROM sandboxes WHERE user_id = ? AND status IN ('creating', 'installing', 'running')"
        " ORDER BY last_active_at",
        (user_id,),
    )
    count = len(rows)
    for row in rows:
        if count <= most:
            break
        idles = row["status"] == "running" and not is_busy(tx, row["id"], context.now())
        if idles and not booted_by_request(tx, row["id"]):
            count -= apply_change(tx, row["id"], Change.PAUSED, context.now())
    return count


def keep_slot_free(context: ActorContext) -> Acts:
    """Actor that keeps the number of active sandboxes one below the user's limit.

    The free place is for HTTP requests that boot a sandbox. Every three seconds the actor pauses
    simulated sandboxes that are not in use, until the number is reached.
    """
    random = context.random("room for others")
    while True:
        yield 3.0
        with random.tx() as tx:
            _pause_unused(tx, context, context.world.user_id, MAX_ACTIVE - 1)


def launch(context: ActorContext, random: ActorRandom, tree: Tree, breaks: bool = False) -> Booting:
    """Return the record id of a running sandbox for `tree`; boot one if necessary.

    A running sandbox of the tree is reused, a booting one is awaited, and a paused one is resumed.
    Otherwise a new sandbox boots as soon as the limit of active sandboxes permits. Raises BootFailed
    if the boot fails, which `breaks` forces, or if the limit leaves no room for two minutes.
    """
    for attempt in range(_PATIENCE):
        with random.tx() as tx:
            box = _find(tx, tree)
            if box is not None and box["status"] == "running" and not breaks:
                sandbox_writes.set_sandbox(tx, box["id"], last_active_at=context.now())
                return str(box["id"])
            if box is None or box["status"] == "paused":
                if _pause_unused(tx, context, tree.repo.user_id, MAX_ACTIVE - 2) < MAX_ACTIVE:
                    box_id = _begin(tx, context, random, tree, None if box is None else box["id"])
                    break
                if attempt == 0:
                    _refuse(tx, context, tree)
            elif box["status"] in BOOTING and box["id"] not in context.booting:
                box_id = str(box["id"])
                break
        yield 3.0
    else:
        raise BootFailed(FULL)
    return (yield from boot(context, random, box_id, tree.repo, breaks))


def _refuse(tx: Tx, context: ActorContext, tree: Tree) -> None:
    admission_writes.record_limit(
        tx,
        user_id=tree.repo.user_id,
        route_key="sandbox_boot",
        decision="denied",
        at=context.now(),
        repo_id=tree.repo.id,
        reason=FULL,
        limit_name="active_sandboxes",
        window_seconds=0,
        limit_value=MAX_ACTIVE,
        remaining=0,
        retry_after_seconds=15,
    )


def _begin(tx: Tx, context: ActorContext, random: ActorRandom, tree: Tree, paused: str | None) -> str:
    now = context.now()
    if paused is not None:
        row = tx.one("SELECT boot_attempts FROM sandboxes WHERE id = ?", (paused,))
        attempts = 0 if row is None else row["boot_attempts"]
        apply_change(
            tx,
            paused,
            Change.RESUMED,
            now,
            boot_attempts=attempts + 1,
            last_boot_started_at=now,
            last_boot_completed_at=None,
            last_active_at=now,
        )
        return paused
    claim = random.ids.uuid()
    admission_writes.record_limit(
        tx,
        user_id=tree.repo.user_id,
        route_key="sandbox_boot",
        decision="allowed",
        at=now,
        repo_id=tree.repo.id,
        limit_name="sandbox_boots_per_hour",
        window_seconds=3_600,
        limit_value=120,
        remaining=whole(random.rng, 60, 118),
        claim_id=claim,
    )
    return sandbox_writes.insert_sandbox(
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


def boot(
    context: ActorContext, random: ActorRandom, box_id: str, repo: Repo, breaks: bool = False
) -> Booting:
    """Simulate the boot of a sandbox until it runs; return its record id.

    Raises BootFailed. If `breaks` is true, the boot fails.
    """
    context.booting.add(box_id)
    try:
        return (yield from _boot(context, random, box_id, repo, breaks))
    finally:
        context.booting.discard(box_id)


def _boot(context: ActorContext, random: ActorRandom, box_id: str, repo: Repo, breaks: bool) -> Booting:
    rng = random.rng
    row = context.plane.db.one(
        "SELECT status, working_branch, boot_attempts FROM sandboxes WHERE id = ?", (box_id,)
    )
    if row is None:
        raise BootFailed("The sandbox was deleted while it started")
    name, number = vm_name(repo.user_id, repo, row["working_branch"]), row["boot_attempts"]
    if row["status"] == "creating":
        yield between(rng, 2.0, 5.0)
        _advance(context, random, box_id, number, Change.VM_CREATED, sandbox_id=name)
        yield between(rng, 1.5, 4.0)
        _log_install(random, box_id, number)
    yield between(rng, 2.0, 6.0)
    scenario = context.scenario.now
    fails = scenario.boot_fails(context.seed, box_id, number)
    if breaks or fails:
        text = str(pick(rng, work("boot_errors")))
        if fails and not breaks:
            text = scenario.boot_error or text
        _advance(context, random, box_id, number, Change.FAILED, error=text, last_boot_error=text)
        raise BootFailed(text)
    now = context.now()
    _advance(
        context,
        random,
        box_id,
        number,
        Change.BOOTED,
        sandbox_id=name,
        preview_url=preview_url(name),
        dev_log=work_text("dev_output"),
        last_boot_completed_at=now,
        last_health_check_at=now,
        last_preview_http_status=200,
        last_active_at=now,
    )
    return box_id


def _advance(
    context: ActorContext, random: ActorRandom, box_id: str, boot_number: int, change: Change, **columns: Any
) -> None:
    """Move a booting sandbox to its next state and set further columns of its row.

    Raises BootFailed if the sandbox is no longer booting, or if its current boot is not the one with
    this `number` (sandboxes.md §2.1).
    """
    with random.tx() as tx:
        row = tx.one("SELECT status FROM sandboxes WHERE id = ?", (box_id,))
        booting = row is not None and row["status"] in BOOTING
        if not booting or not apply_change(tx, box_id, change, context.now(), boot=boot_number, **columns):
            raise BootFailed(SUPERSEDED)


def _log_install(random: ActorRandom, box_id: str, number: int) -> None:
    with random.tx() as tx:
        if tx.one(
            "SELECT 1 FROM sandboxes WHERE id = ? AND status = 'installing' AND boot_attempts = ?",
            (box_id, number),
        ):
            sandbox_writes.set_sandbox(tx, box_id, install_log=work_text("install_output"))
            return
    raise BootFailed(SUPERSEDED)


def watch_idle(context: ActorContext, box_id: str, after: float = 60.0) -> None:
    """Start an actor that marks a sandbox as idle, then pauses or stops it.

    The actor does so only while the sandbox is not used. A persistent sandbox is paused, any other
    sandbox is stopped. `after` is the number of seconds until the actor starts.
    """
    name = f"idle:{box_id}"
    context.spawn(name, _idle(context, context.random(f"{name}:{context.now()}"), box_id), after)


def _idle(context: ActorContext, random: ActorRandom, box_id: str) -> Acts:
    yield between(random.rng, 20.0, 90.0)
    seen: int | None = None
    while True:
        now = context.now()
        with random.tx() as tx:
            row = tx.one("SELECT status, persistent, last_active_at FROM sandboxes WHERE id = ?", (box_id,))
            if row is None or row["status"] not in ("running", "pausing"):
                return
            if row["status"] == "running" and is_busy(tx, box_id, now):
                sandbox_writes.set_sandbox(tx, box_id, last_active_at=now, health_status="running")
                seen = None
            elif row["status"] == "running" and seen != row["last_active_at"]:
                # A sandbox that was used since the last look gets the full idle time again.
                sandbox_writes.set_sandbox(tx, box_id, health_status="idle_warning")
                seen = row["last_active_at"]
            elif not row["persistent"]:
                apply_change(tx, box_id, Change.STOPPED, now, stop_reason="idle_timeout")
                return
            else:
                sandbox_writes.lifecycle_event(tx, box_id, "auto_pause_queued", now)
                sandbox_writes.lifecycle_event(
                    tx, box_id, "auto_pause_decision", now, decision_code="would_auto_pause"
                )
                apply_change(tx, box_id, Change.AUTO_PAUSING, now)
                break
        yield between(random.rng, 25.0, 50.0)
    yield between(random.rng, 2.0, 5.0)
    with random.tx() as tx:
        if apply_change(tx, box_id, Change.AUTO_PAUSED, context.now(), stop_reason="auto_pause"):
            code = "auto_pause_succeeded"
            sandbox_writes.lifecycle_event(tx, box_id, code, context.now(), decision_code=code)


def reaper(context: ActorContext) -> Acts:
    """Actor that runs the service's periodic check of idle sandboxes (`reap`).

    The check finds few sandboxes, because `watch_idle` pauses or stops most of them earlier.
    """
    random = context.random("reaper of sandboxes")
    while True:
        yield PERIOD_S
        reap(context.plane, random.ids, context.now())
