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
from .sandbox_processes import Machines

if TYPE_CHECKING:
    from ..faults.injector import Faults

SCALES = ("small", "medium", "large")
PROFILES = ("documented", "hosted")


class Settings(NamedTuple):
    """The settings of a control plane.

    `cron_secret` opens /api/cron and the workers' routes, `bypass_secret` the test headers (auth.md §1); None disables
    them. `speed` 1.0 is real time, 0 means that nothing happens by itself; `rate_limit` is requests per key in a
    rolling minute (auth.md §6), None for no limit; `port` 0 takes any free one; `seeded` False leaves the database with
    only its account. `scenario` names the scenario of a new database, or a file with one (scenarios/load.py), None for
    an ordinary day; `scale` None is the scenario's own. `profile` is one of PROFILES; `faults` are rules as
    faults/rules.py reads them, and `fault_route` opens /__plane/faults, which changes them. `mcp_origins` are web
    origins, separated by commas, that may call the MCP endpoint; with `private_hosts` connections may point into this
    machine's network.
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
    """Callbacks for committed changes that arrive over HTTP, called with the row's id."""

    on_run_started: list[Callable[[str], None]] = field(default_factory=list)
    on_cancel: list[Callable[[str], None]] = field(default_factory=list)
    on_job_started: list[Callable[[str], None]] = field(default_factory=list)
    on_job_cancelled: list[Callable[[str], None]] = field(default_factory=list)
    on_wait_resumed: list[Callable[[str], None]] = field(default_factory=list)
    on_sandbox_running: list[Callable[[str], None]] = field(default_factory=list)

    def run_started(self, run_id: str) -> None:
        """A run was accepted (external_agent_runs.id)."""
        for call in tuple(self.on_run_started):
            call(run_id)

    def cancelled(self, call_id: str) -> None:
        """A call was cancelled, or asked to end because its job was (ai_calls.id)."""
        for call in tuple(self.on_cancel):
            call(call_id)

    def job_started(self, job_id: str) -> None:
        """A queued job was started because another one ended (job_runs.id)."""
        for call in tuple(self.on_job_started):
            call(job_id)

    def sandbox_running(self, record_id: str) -> None:
        """A sandbox that a request started is running (sandboxes.id)."""
        for call in tuple(self.on_sandbox_running):
            call(record_id)

    def job_cancelled(self, job_id: str) -> None:
        """A job run was cancelled (job_runs.id)."""
        for call in tuple(self.on_job_cancelled):
            call(job_id)

    def wait_resumed(self, wait_id: str) -> None:
        """A waiting job run may continue after its event or answer (flow_waits.id)."""
        for call in tuple(self.on_wait_resumed):
            call(wait_id)


@dataclass(slots=True)
class Plane:
    """One running control plane.

    The account row of `user_id`, its two tokens and its session exist before `seed.build` is called (account.py);
    everything else in a new database comes from the seed. `ids` is the seed's id stream; HTTP handlers draw from a
    fork, so that requests do not change it. In `settings` the scenario's defaults are filled in: `scale` is never None,
    and `seeded` is False if the scenario has no seeded history. `faults` is None until the plane answers requests, and
    stays None unless fault rules, the fault route or the scenario need it.
    """

    db: Database
    clock: Clock
    hub: Hub
    settings: Settings
    ids: Ids
    user_id: str
    scenario: Scenario
    wake: Callbacks = field(default_factory=Callbacks)
    machines: Machines = field(default_factory=Machines)
    faults: Faults | None = None

    @property
    def is_hosted(self) -> bool:
        """Whether the plane behaves like the hosted service, not the documentation."""
        return self.settings.profile == "hosted"


def account_id(seed: int) -> str:
    """The profile id of the seeded account, the same for every database of a seed."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mogplex-tui/account/{seed}"))


def open_plane(settings: Settings, path: Path, clock: Clock | None = None) -> Plane:
    """Open or create the database at a path and build the plane.

    A file that is opened again keeps its seed and scenario, and draws new ids only. Raises DatabaseMismatchError for a
    foreign file and ScenarioError for an invalid scenario.
    """
    asked = load.find(settings.scenario)
    hub = Hub()
    # The stream is named after the number of the process, so that a second process on one file draws other ids.
    ids = Ids(f"{settings.seed}/0")
    db = Database(path, hub, ids)
    # Until the seed is complete nothing has drawn from the stream that the next process would repeat.
    generation = int(db.meta("generation") or "-1") + 1 if db.meta("complete") else 0
    seed = int(db.meta("seed") or settings.seed)
    scenario = _kept_scenario(db) or asked
    db.set_meta("scenario", scenario.text)
    db.set_meta("generation", str(generation))
    db.set_meta("seed", str(seed))
    if generation:
        ids = Ids(f"{seed}/{generation}")
        db.use_ids(ids)
    return Plane(db, clock or Clock(), hub, settled(settings, scenario), ids, account_id(seed), scenario)


def settled(settings: Settings, scenario: Scenario) -> Settings:
    """Return the settings with the values that the scenario decides."""
    return settings._replace(
        scale=settings.scale or scenario.past.scale, seeded=settings.seeded and scenario.past.seeded
    )


def _kept_scenario(db: Database) -> Scenario | None:
    """Return the stored scenario of a file; older files have the default."""
    text = db.meta("scenario")
    if text is None:
        return load.find(None) if db.meta("complete") else None
    try:
        return load.kept(text)
    except ScenarioError as error:
        db.close()
        raise DatabaseMismatchError(f"{db.path} keeps a scenario that cannot be told: {error}") from error
