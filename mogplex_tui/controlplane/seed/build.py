"""Fill an empty database with the account and its past work.

All times are relative to the present time of the plane's clock.
"""

from __future__ import annotations

from ..core.plane import Plane
from ..db.batch_insert import Rows
from ..db.bulk_load import fast_transaction, without_indexes_and_triggers
from ..db.clock import DAY_US, HOUR_US, MINUTE_US
from ..db.database import Tx
from ..sample_data.loader import prompts
from ..scenarios.model import Scenario
from ..workload.account import SeededAccount, build_world
from ..workload.call_plan import CallKind
from ..workload.rng import stream
from ..workload.scenario_odds import Odds
from ..workload.v1_run_metadata import SandboxRef
from .account_rows import write_account
from .admission_rows import write_admissions
from .assignment_calls import write_assignment_calls
from .busy_hours import write_busy_hours
from .families import FAMILIES
from .job_history import JobHistory
from .older_history import enlarge
from .run_history import History
from .sandbox_rows import write_present
from .scenario_history import write_added

SIZES = {"small": 400, "medium": 8_000, "large": 2_500}
LARGE_CALLS = 100_000
_RETRIES = 3


def build(plane: Plane) -> None:
    """Write the initial data for the plane's seed, scale and scenario.

    All rows are written in one transaction. Equal seeds give equal ids, texts and numbers; only
    the times depend on the clock.
    """
    seed = int(plane.db.meta("seed") or plane.settings.seed)
    now, scale = plane.clock.now_us(), plane.settings.scale or "small"
    world = build_world(seed, plane.user_id)
    with fast_transaction(plane.db) as tx, without_indexes_and_triggers(tx):
        rows = Rows()
        write_account(rows, world, stream(seed, "account"), now)
        for name, write in FAMILIES:
            write(rows, world, stream(seed, name), now)
        rows.flush(tx)
        _write_work(rows, tx, world, seed, now, scale, plane.scenario)
        tx.execute("INSERT INTO call_days SELECT * FROM call_sums")
        if scale == "large":
            enlarge(tx, world.user_id, LARGE_CALLS, seed, now)


def _write_work(
    rows: Rows, tx: Tx, world: SeededAccount, seed: int, now: int, scale: str, scenario: Scenario
) -> None:
    size, past = SIZES[scale], scenario.past
    boxes = write_present(rows, world, stream(seed, "sandboxes"), now)
    odds = Odds(past.failures, past.spend, stream(seed, "odds"))
    direct = History(rows, tx, world, stream(seed, "direct"), now, odds)
    jobs = JobHistory(rows, world, stream(seed, "jobs"), now, direct)
    _write_live(direct, jobs, boxes)
    runs = int(size * 0.22)
    for _ in range(runs):
        direct.run(sandbox_share=min(0.3, 40 / runs))
    for _ in range(int(size * 0.08)):
        direct.chat(CallKind.CONTROL)
    for _ in range(int(size * 0.30)):
        direct.chat(CallKind.CHAT)
    while rows.count("ai_calls") < size:
        jobs.job()
    jobs.retries(_RETRIES)
    write_added(rows, tx, world, direct, scenario, seed, now)
    _write_neighbour(rows, tx, world, seed, now)
    rows.flush(tx)
    if scale != "large":
        # A large history has work enough in every hour.
        write_busy_hours(tx, world.user_id, seed, now)
    write_assignment_calls(tx, direct.scribe, world, seed)
    write_admissions(rows, tx, world.user_id, seed, now)
    rows.flush(tx)


def _write_live(direct: History, jobs: JobHistory, boxes: dict[str, SandboxRef]) -> None:
    """Collect the rows of work in progress at the plane's start: calls, runs and jobs."""
    by_slug = {prompt.slug: prompt for prompt in prompts()}
    direct.live_run(by_slug["checkout-a11y"], "claude-code", boxes["web"], age=74.0, boot=12.0)
    direct.live_run(by_slug["order-notes"], "codex", boxes["api"], age=6.0, boot=60.0)
    direct.chat(CallKind.CHAT, live_age=9.0)
    direct.chat(CallKind.CONTROL, live_age=14.0)
    jobs.live("review", 16.0)
    jobs.repairing()
    jobs.waiting("push", 11.0)
    for age in (40 * MINUTE_US, 5 * HOUR_US):
        jobs.parked(age)


def _write_neighbour(rows: Rows, tx: Tx, world: SeededAccount, seed: int, now: int) -> None:
    """Collect the rows of a few chats of the second user.

    They show whether a route returns another user's data to the first user by mistake.
    """
    other = world._replace(user_id=world.other_user_id, other_user_id=world.user_id)
    history = History(rows, tx, other, stream(seed, "neighbour"), now - DAY_US)
    for _ in range(3):
        history.chat(CallKind.CHAT)
