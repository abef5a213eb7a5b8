"""A settable clock, a scripted client and a session, with records for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import LoginRequired, MogplexError, NotFound
from mogplex_tui.api.models.automations import AutomationRun, AutomationRunDetail, AutomationSummary
from mogplex_tui.api.models.base import Page, Rows, parse_rows
from mogplex_tui.api.models.calls import Call, CallCancelled, CallPage
from mogplex_tui.api.models.events import Event
from mogplex_tui.api.models.jobs import JobCancelled, JobDetail
from mogplex_tui.api.models.runs import RunCancelled, RunDetail, RunEvents, RunStart, StartedRun
from mogplex_tui.api.models.stats import Stats
from mogplex_tui.api.route_access import AccessMap, Family
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session

TOKEN = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"
COOKIE = "session=s3ss10nvalue0123456789"
START = datetime(2026, 8, 5, 10, 0, tzinfo=UTC)
LOGIN = LoginRequired("The service asks for a sign-in", status=307)


class FakeClock:
    """A clock that only a test advances."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.wall = START

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.wall

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)


async def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0)


async def run_ready_tasks(count: int = 50) -> None:
    """Run the event loop until every task waits for time to pass."""
    for _ in range(count):
        await asyncio.sleep(0)


def uuid(number: int, head: str = "00000000") -> str:
    return f"{head}-0000-4000-8000-{number:012d}"


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def call(number: int = 1, **fields: Any) -> Call:
    raw = {
        "id": uuid(number, "ca110000"),
        "status": "success",
        "type": "agent",
        "model": "anthropic/claude-sonnet-5",
        "started_at": stamp(number),
        "metadata": {},
    }
    return Call.model_validate(raw | fields)


def run(number: int = 1, **fields: Any) -> RunDetail:
    raw = {
        "runId": uuid(number, "00f00000"),
        "aiCallId": uuid(number, "ca110000"),
        "repoId": uuid(7, "0e900000"),
        "harness": "codex",
        "status": "streaming",
        "branch": {"base": "main", "working": "fix/it", "createBranch": True},
        "createdAt": stamp(number),
        "updatedAt": stamp(number + 90),
    }
    return RunDetail.model_validate(raw | fields)


def event(number: int, type: str = "log", at: float | None = None, **fields: Any) -> Event:
    raw = {
        "id": f"e{number}",
        "type": type,
        "createdAt": stamp(number if at is None else at),
        "message": f"m{number}",
    }
    return Event.model_validate(raw | fields)


def tool(number: int, call_id: str, *, done: bool, at: float | None = None, **payload: Any) -> Event:
    kind = "tool_finished" if done else "tool_started"
    return event(number, kind, at, toolName="bash", payload={"tool_call_id": call_id, **payload})


def stats(**summary: Any) -> Stats:
    return Stats.model_validate({"summary": summary})


class FakeClient:
    """A client over plain dictionaries.

    `refuse` makes a method fail; `log` lists the methods that were called.
    """

    def __init__(self, access: AccessMap) -> None:
        self._access = access
        self.log: list[str] = []
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.priorities: list[Priority] = []
        self.refuse: dict[str, MogplexError | list[MogplexError | None]] = {}
        self.call_rows: list[Call] = []
        self.bad_calls: list[dict[str, Any]] = []
        self.run_rows: dict[str, RunDetail] = {}
        self.run_events: dict[str, list[Event]] = {}
        self.horizon = False
        self.events_of_call: dict[str, list[Rows[Event]]] = {}
        self.automation_rows: list[AutomationSummary] = []
        self.automation_runs: dict[str, Rows[AutomationRun]] = {}
        self.automation_details: dict[str, AutomationRunDetail] = {}
        self.stats_of: Callable[[datetime | None, datetime | None], Stats] = lambda since, until: stats()
        # Called on a cancel or start, to change the rows above.
        self.on_cancel: Callable[[str, str], None] = lambda kind, id: None
        self.started: RunDetail | None = None
        self.runs, self.observability, self.automations = (
            _Runs(self),
            _Observability(self),
            _Automations(self),
        )

    def at(self, priority: Priority) -> FakeClient:
        self.priorities.append(priority)
        return self

    async def ask(self, name: str, *args: Any, **kwargs: Any) -> None:
        self.log.append(name)
        self.asked.append((name, args, kwargs))
        family = Family.OBSERVABILITY if name.startswith("observability") else Family.V1
        planned = self.refuse.get(name) or self.refuse.get(name.partition(".")[0] + ".*")
        error = planned.pop(0) if isinstance(planned, list) else planned
        self._access.learn(family, error)
        await asyncio.sleep(0)
        if error is not None:
            raise error


class _Part:
    def __init__(self, client: FakeClient) -> None:
        self.client = client


class _Runs(_Part):
    async def get(self, run_id: str) -> RunDetail:
        await self.client.ask("runs.get", run_id)
        if run_id not in self.client.run_rows:
            raise NotFound("Run not found", status=404)
        return self.client.run_rows[run_id]

    async def has_write_scope(self) -> bool:
        if self.client._access.can_write is None:
            self.client._access.can_write = True
        return self.client._access.can_write

    async def events(self, run_id: str, limit: int = 200) -> RunEvents:
        await self.client.ask("runs.events", run_id)
        rows = Rows(self.client.run_events.get(run_id, []))
        return RunEvents(self.client.run_rows[run_id], rows, self.client.horizon)

    async def cancel(self, run_id: str) -> RunCancelled:
        await self.client.ask("runs.cancel", run_id)
        self.client.on_cancel("run", run_id)
        return RunCancelled.model_validate(
            {"run": {"runId": run_id, "status": "cancelled"}, "status": "cancelled"}
        )

    async def start(self, request: RunStart, idempotency_key: str) -> StartedRun:
        await self.client.ask("runs.start", request, idempotency_key)
        assert self.client.started is not None
        return StartedRun.model_validate(self.client.started.model_dump() | {"replayed": False})


class _Observability(_Part):
    async def calls(
        self,
        page: int = 1,
        limit: int = 100,
        surface: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        **rest: Any,
    ) -> CallPage:
        await self.client.ask(
            "observability.calls", page=page, surface=surface, since=since, until=until, **rest
        )
        rows = sorted(self.client.call_rows, key=lambda each: each.started_at or START, reverse=True)
        if surface == "live":
            rows = [each for each in rows if each.is_live]
        rows = [each for each in rows if rest.get("status") in (None, each.status)]
        rows = [each for each in rows if since is None or (each.started_at or since) >= since]
        rows = [each for each in rows if until is None or (each.started_at or until) <= until]
        shown = Rows(rows[(page - 1) * limit : page * limit])
        if page == 1 and surface is None and since is None:
            shown.bad = parse_rows(Call, self.client.bad_calls).bad
        return CallPage(shown, len(rows) + len(shown.bad), page, limit)

    async def call_events(self, call_id: str) -> AsyncGenerator[Rows[Event]]:
        await self.client.ask("observability.call_events", call_id)
        for batch in self.client.events_of_call.get(call_id, []):
            yield batch

    async def stats(self, since: datetime | None = None, until: datetime | None = None) -> Stats:
        await self.client.ask("observability.stats", since=since, until=until)
        return self.client.stats_of(since, until)

    async def job(self, job_id: str) -> JobDetail:
        await self.client.ask("observability.job", job_id)
        raise NotFound("Job run not found", status=404)

    async def cancel_call(self, call_id: str) -> CallCancelled:
        await self.client.ask("observability.cancel_call", call_id)
        self.client.on_cancel("call", call_id)
        return CallCancelled.model_validate({"status": "cancelled"})

    async def cancel_job(self, job_id: str) -> JobCancelled:
        await self.client.ask("observability.cancel_job", job_id)
        self.client.on_cancel("job", job_id)
        return JobCancelled.model_validate({"status": "cancelled"})


class _Automations(_Part):
    async def list(self, limit: int = 100, cursor: str | None = None) -> Page[AutomationSummary]:
        await self.client.ask("automations.list")
        return Page(Rows(self.client.automation_rows))

    async def runs(self, automation_id: str, limit: int = 50) -> Rows[AutomationRun]:
        await self.client.ask("automations.runs", automation_id)
        if automation_id not in self.client.automation_runs:
            raise NotFound("Automation not found", status=404)
        return self.client.automation_runs[automation_id]

    async def run(self, automation_id: str, run_id: str) -> AutomationRunDetail:
        await self.client.ask("automations.run", automation_id, run_id)
        return self.client.automation_details[run_id]


class FakeSession(Session):
    """A session with a fake client and a fake clock."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        token: str | None = TOKEN,
        cookie: str | None = None,
        read_only: bool = False,
    ) -> None:
        target = Target(
            "test", "http://127.0.0.1:9", Secret(token) if token else None, Secret(cookie) if cookie else None
        )
        self.time = FakeClock()
        super().__init__(target, directory=directory, clock=self.time, read_only=read_only)
        self.fake = FakeClient(self.access)
        self.listing = Runs(self)

    @property
    def client(self) -> Any:
        return self.fake

    def close_observability(self) -> None:
        """Mark observability as closed and v1 as open, as after the first responses."""
        self.access.learn(Family.OBSERVABILITY, LOGIN)
        self.access.learn(Family.V1)
        self.fake.refuse["observability.*"] = LOGIN


def job(number: int, automation: str, **fields: Any) -> AutomationRun:
    raw = {
        "id": uuid(number, "0b000000"),
        "flow_id": automation,
        "status": "running",
        "created_at": stamp(number),
        "started_at": stamp(number + 2),
        "source_type": "push",
        "repo": {"id": uuid(7, "0e900000"), "full_name": "acme/web"},
        "metadata": {},
        "cost_usd": None,
    }
    return AutomationRun.model_validate(raw | fields)


def automation(number: int, name: str) -> AutomationSummary:
    return AutomationSummary.model_validate(
        {"id": uuid(number, "0a000000"), "name": name, "status": "active"}
    )


def ids(rows: Iterable[Any]) -> list[str]:
    return [each.id for each in rows]
