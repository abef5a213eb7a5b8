"""The plane object that all code shares: settings, database, clock, hub, ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..db.change_hub import Hub
from ..db.clock import Clock
from ..db.database import Database, DatabaseMismatchError
from ..db.ids import Ids
from ..scenarios import load
from ..scenarios.fields import ScenarioError
from ..scenarios.model import Scenario
from .sandbox_processes import SandboxTasks

if TYPE_CHECKING:
    from ..faults.injector import Faults

SCALES = ("small", "medium", "large")
PROFILES = ("documented", "hosted")


class Settings(NamedTuple):
    """The settings of a control plane.

    `scale` is the size of the seeded history; None selects the scenario's own scale. `speed` is
    1.0 for real time; at 0 no simulated work arrives or proceeds. `rate_limit` is the number of
    requests per key in a rolling minute (auth.md §6); None disables the limit. `port` 0 selects
    any free port. If `seeded` is False, the database contains only the account. `profile` is one
    of PROFILES.

    `faults` are fault rules in the form that faults/rules.py reads; `fault_route` enables the
    route /__plane/faults, which changes them. `cron_secret` authorises requests to /api/cron
    and to the workers' routes; `bypass_secret` authorises the test headers (auth.md §1); None
    disables these requests and headers. `mcp_origins` are the web origins, separated by commas,
    that may call the MCP endpoint. If `private_hosts` is True, the addresses of connections may
    belong to this machine and its network. `scenario` is the name or the file of the scenario for
    a new database (scenarios/load.py); None selects an ordinary day.
    """

    seed: int = 7
    scale: str | None = None
    speed: float = 1.0
    rate_limit: int | None = 60
    host: str = "127.0.0.1"
    port: int = 0
    seeded: bool = True
    profile: str = "documented"
    faults: tuple[str, ...] = ()
    fault_route: bool = False
    cron_secret: str | None = None
    bypass_secret: str | None = None
    mcp_origins: str = ""
    private_hosts: bool = False
    scenario: str | None = None


@dataclass(slots=True)
class Callbacks:
    """Lists of functions to call after an HTTP request has committed a change.

    Each function receives the id of the changed row.
    """

    on_run_started: list[Callable[[str], None]] = field(default_factory=list)
    on_cancel: list[Callable[[str], None]] = field(default_factory=list)
    on_job_started: list[Callable[[str], None]] = field(default_factory=list)
    on_job_cancelled: list[Callable[[str], None]] = field(default_factory=list)
    on_wait_resumed: list[Callable[[str], None]] = field(default_factory=list)
    on_sandbox_running: list[Callable[[str], None]] = field(default_factory=list)

    def run_started(self, run_id: str) -> None:
        """Call the `on_run_started` functions after an external run was accepted.

        `run_id` is the id in external_agent_runs.
        """
        for call in tuple(self.on_run_started):
            call(run_id)

    def must_cancel(self, call_id: str) -> None:
        """Call the `on_cancel` functions after a call was cancelled or must be cancelled.

        A call must be cancelled if a cancel request was recorded for it. `call_id` is the id in
        ai_calls.
        """
        for call in tuple(self.on_cancel):
            call(call_id)

    def job_started(self, job_id: str) -> None:
        """Call the `on_job_started` functions after a queued job was started.

        `job_id` is the id in job_runs.
        """
        for call in tuple(self.on_job_started):
            call(job_id)

    def sandbox_running(self, record_id: str) -> None:
        """Call the `on_sandbox_running` functions when a sandbox starts to run.

        Only sandboxes that HTTP requests start are reported. `record_id` is the id in sandboxes.
        """
        for call in tuple(self.on_sandbox_running):
            call(record_id)

    def job_cancelled(self, job_id: str) -> None:
        """Call the `on_job_cancelled` functions after a job run was cancelled.

        `job_id` is the id in job_runs.
        """
        for call in tuple(self.on_job_cancelled):
            call(job_id)

    def wait_resumed(self, wait_id: str) -> None:
        """Call the `on_wait_resumed` functions after a job's wait was resumed.

        A wait is resumed by the event or the answer that the job waits for; the job can then go on.
        `wait_id` is the id in flow_waits.
        """
        for call in tuple(self.on_wait_resumed):
            call(wait_id)


@dataclass(slots=True)
class Plane:
    """One running control plane.

    The account row of `user_id`, its two tokens and its session are written by
    identity/initial_account.py; everything else in a new database comes from `seed.build`. `ids`
    is the seed's stream of ids; HTTP handlers draw from a fork of the stream, so that requests
    do not change the ids of simulated work. In `settings` the scenario's defaults are filled in:
    `scale` is never None, and `seeded` is False if the scenario has no seeded history. `faults`
    is None until the plane answers requests, and stays None unless fault rules, the fault route
    or the scenario need it.
    """

    db: Database
    clock: Clock
    hub: Hub
    settings: Settings
    ids: Ids
    user_id: str
    scenario: Scenario
    callbacks: Callbacks = field(default_factory=Callbacks)
    sandbox_tasks: SandboxTasks = field(default_factory=SandboxTasks)
    faults: Faults | None = None

    @property
    def is_hosted(self) -> bool:
        """Whether the plane reproduces the hosted service rather than its documentation."""
        return self.settings.profile == "hosted"


def account_id(seed: int) -> str:
    """Return the profile id of the seeded account; it depends only on the seed."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mogplex-tui/account/{seed}"))


def open_plane(settings: Settings, path: Path, clock: Clock | None = None) -> Plane:
    """Open or create the database at a path and build the plane.

    An existing file keeps its seed and its scenario; ids are drawn from a new stream, so that
    they differ from the ids that the file contains. Raises DatabaseMismatchError for a file that
    is no database of a plane, and ScenarioError for an invalid scenario.
    """
    asked = load.find(settings.scenario)
    hub = Hub()
    # The stream is named after the number of the process, so that a second process on one file draws other ids.
    ids = Ids(f"{settings.seed}/0")
    db = Database(path, hub, ids)
    # Until the seed is complete nothing has drawn from the stream that the next process would repeat.
    generation = int(db.meta("generation") or "-1") + 1 if db.meta("complete") else 0
    seed = int(db.meta("seed") or settings.seed)
    scenario = _stored_scenario(db) or asked
    db.set_meta("scenario", scenario.text)
    db.set_meta("generation", str(generation))
    db.set_meta("seed", str(seed))
    if generation:
        ids = Ids(f"{seed}/{generation}")
        db.use_ids(ids)
    return Plane(
        db, clock or Clock(), hub, with_scenario_defaults(settings, scenario), ids, account_id(seed), scenario
    )


def with_scenario_defaults(settings: Settings, scenario: Scenario) -> Settings:
    """Return the settings with `scale` and `seeded` filled in from the scenario."""
    return settings._replace(
        scale=settings.scale or scenario.past.scale, seeded=settings.seeded and scenario.past.seeded
    )


def _stored_scenario(db: Database) -> Scenario | None:
    """Return the scenario stored in a database, or None for a new database.

    Older versions stored no scenario: their complete databases have the default scenario.
    """
    text = db.meta("scenario")
    if text is None:
        return load.find(None) if db.meta("complete") else None
    try:
        return load.parse_stored(text)
    except ScenarioError as error:
        db.close()
        raise DatabaseMismatchError(f"{db.path} keeps a scenario that cannot be told: {error}") from error
