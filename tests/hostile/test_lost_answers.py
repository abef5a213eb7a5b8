"""A write whose response is lost must not be executed twice.

A proxy forwards every request and drops the response. With MOGPLEX_TEST_LONG=1 responses are lost in every
way.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api import errors
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate import run_changes
from tests.api.support import Seen
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory
from tests.facts.client_calls import CALLS, call
from tests.facts.client_routes import recorded
from tests.hostile.corrupting_proxy import Proxy, corrupting

LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"
LOSSES = ("no answer", "reset", "reset in the body", "truncated") if LONG else ("no answer",)
READS = ("GET", "HEAD", "OPTIONS")


class Losing:
    """A rule of the proxy that loses the answers to writes, and keeps those writes.

    `times` is how many answers are lost before they arrive again; None loses all of them.
    """

    def __init__(self, loss: str, times: int | None = None) -> None:
        self.loss, self.times = loss, times
        self.writes: list[Seen] = []

    def __call__(self, seen: Seen, _: random.Random) -> str | None:
        """The fault for a request."""
        if seen.method in READS:
            return None
        self.writes.append(seen)
        return self.loss if self.times is None or len(self.writes) <= self.times else None

    @property
    def keys(self) -> set[str | None]:
        """The idempotency keys of the writes."""
        return {seen.headers.get("idempotency-key") for seen in self.writes}


# The client


@pytest.fixture(scope="module")
def writing() -> list[str]:
    """The methods of the client that send a write."""
    return [name for name, sent in recorded().items() if sent and sent[0].method not in READS]


@pytest.mark.parametrize("loss", LOSSES)
async def test_no_method_of_the_client_repeats_a_write(
    loss: str, writing: list[str], plane: PlaneServer
) -> None:
    """A request that may have arrived is not sent with the other credential either."""
    assert len(writing) > 100
    rule, repeated = Losing(loss), {}
    async with corrupting(plane.base_url, rule=rule) as proxy:
        target = Target("t", proxy.base_url, Secret(plane.token), Secret(plane.session_cookie))
        for name in writing:
            rule.writes.clear()
            async with MogplexClient(target) as client:
                with suppress(errors.MogplexError):
                    await call(client, name)
            if len(rule.writes) != 1:
                repeated[name] = [f"{seen.method} {seen.path}" for seen in rule.writes]
    assert repeated == {}


def test_list_of_writing_client_methods_is_complete(writing: list[str]) -> None:
    reads = {name for name, sent in recorded().items() if not sent or sent[0].method in READS}
    assert reads | set(writing) == set(CALLS)


# The commands


@asynccontextmanager
async def losing(
    mogplex: CommandRunner, server: PlaneServer, rule: Losing, *, cookie: bool = True
) -> AsyncIterator[Proxy]:
    """Point the commands at a plane behind a proxy that loses answers."""
    async with corrupting(server.base_url, rule=rule) as proxy:
        mogplex.use(proxy.base_url, token=server.token, cookie=server.session_cookie if cookie else None)
        yield proxy


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr(run_changes, "_pause", at_once)


@pytest.mark.parametrize("lost", range(1, 7))
@pytest.mark.parametrize("loss", LOSSES)
async def test_run_is_started_once_when_responses_are_lost(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, loss: str, lost: int
) -> None:
    factory.repo("acme/api")
    rule = Losing(loss, lost)
    async with losing(mogplex, plane, rule):
        start = ("runs", "start", "--repo", "acme/api", "--prompt", "x")
        done = await mogplex(*start)
        assert len(rule.writes) == min(lost + 1, 4)
        (key,) = rule.keys
        if lost >= 4:
            assert done.code == 6 and f"--idempotency-key {key}" in done.err
            done = await mogplex(*start, "--idempotency-key", str(key))
        assert rule.keys == {key}
        assert done.code == 0, done.err
        (row,) = factory.plane.db.all("SELECT id, idempotency_key FROM external_agent_runs")
        assert (row["id"], row["idempotency_key"]) == (done.out.strip(), key)
        assert factory.plane.db.value("SELECT count(*) FROM ai_calls") == 1


@pytest.mark.parametrize("loss", LOSSES)
async def test_automation_is_triggered_once_with_the_printed_key(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, loss: str
) -> None:
    flow, repo = factory.flow(factory.agent()), factory.repo("acme/api")
    rule = Losing(loss, 1)
    async with losing(mogplex, plane, rule):
        trigger = ("automations", "trigger", flow, "--repo", repo)
        lost = await mogplex(*trigger)
        (first,) = rule.writes
        key = first.headers["idempotency-key"]
        assert lost.code == 6 and f"--idempotency-key {key}" in lost.err
        assert factory.plane.db.value("SELECT count(*) FROM job_runs") == 1
        again = await mogplex(*trigger, "--idempotency-key", key)
    assert again.code == 0, again.err
    assert rule.keys == {key} and len(rule.writes) == 2
    assert factory.plane.db.value("SELECT count(*) FROM job_runs") == 1


# Every command that changes something, with its other arguments; "@" is the id of a listed record.
COMMANDS: dict[str, tuple[str, ...]] = {
    "agents create": ("--name", "n", "--model", "@model", "--category", "api"),
    "agents update": ("@", "--name", "n"),
    "approvals approve": ("@", "--yes"),
    "approvals deny": ("@", "--yes"),
    "assignments create": ("--repo", "@repo", "--agent", "@agent", "--type", "cron", "--cron", "0 9 * * 1"),
    "assignments enable": ("@",),
    "assignments disable": ("@",),
    "automations publish": ("@", "--yes"),
    "automations resume": ("@",),
    "automations pause": ("@",),
    "automations trigger": ("@", "--repo", "@repo"),
    "automations test": ("@",),
    "automations duplicate": ("@",),
    "automations webhook-secret": ("@", "--yes", "--reveal"),
    "jobs cancel": ("@", "--yes"),
    "jobs repair": ("@",),
    "jobs requeue": ("@",),
    "models enable": ("@",),
    "models disable": ("@",),
    "models default": ("@",),
    "models dismiss-new": (),
    "repos hide": ("@",),
    "repos show": ("@",),
    "repos favorite": ("@",),
    "repos unfavorite": ("@",),
    "repos import": ("acme/none",),
    "repos snapshot": ("@",),
    "runs cancel": ("@", "--yes"),
    "sandboxes extend": ("@", "--minutes", "10"),
    "sandboxes launch": ("--repo", "@repo"),
    "sandboxes resume": ("@",),
    "sandboxes restart": ("@", "--yes"),
    "sandboxes pause": ("@",),
    "sandboxes stop": ("@", "--yes"),
    "sandboxes reconcile": ("@",),
    "sandboxes exec": ("@", "ls"),
    "settings set": ("--theme", "dark"),
    # Last, because a delete removes other records too, even if its response is lost.
    "sandboxes delete": ("@", "--yes"),
    "assignments delete": ("@", "--yes"),
    "automations delete": ("@", "--yes"),
    "agents delete": ("@", "--yes"),
    "repos delete": ("@", "--yes"),
}

# The proxy forwards the stream of a boot, so that these succeed; they must not be sent twice either.
# The fields on which it depends what can be done to a record.
STATE_FIELDS = ("status", "enabled", "is_enabled", "is_active", "draft", "outcome", "error")
STREAMS = frozenset({"sandboxes resume", "sandboxes restart"})


def _ids(listed: list[dict[str, Any]]) -> list[str]:
    """Return the ids of listed records, the first one of each state before the others."""
    states: set[tuple[Any, ...]] = set()
    first: list[str] = []
    rest: list[str] = []
    for row in listed:
        if row["id"].startswith("preset:"):
            continue
        state = tuple(row.get(name) for name in STATE_FIELDS)
        (rest if state in states else first).append(row["id"])
        states.add(state)
    return first + rest


async def test_no_command_repeats_a_write(
    mogplex: CommandRunner, seeded_database: Path, tmp_path: Path
) -> None:
    rule, found = Losing("no answer"), {}
    database = Path(shutil.copy(seeded_database, tmp_path / "plane.db"))
    settings = Settings(speed=0, rate_limit=None)
    async with PlaneServer(settings, database) as server, losing(mogplex, server, rule):
        rows: dict[str, list[str]] = {}
        with server.plane.db.transaction() as tx:
            # Make jobs that can be repaired: pending, with a start attempt long ago.
            tx.execute(
                "UPDATE job_runs SET status = 'pending', last_start_attempt_at = created_at - 600000000"
                " WHERE id IN (SELECT id FROM job_runs WHERE status = 'success' ORDER BY created_at DESC LIMIT 9)"
            )
        for family in {command.split()[0] for command in COMMANDS} - {"settings"}:
            listed = (await mogplex(family, "list", "--json")).objects
            rows[family] = _ids(listed)
        ids = {f"@{name}": rows[f"{name}s"][0] for name in ("repo", "agent", "model")}
        for command, more in COMMANDS.items():
            family, verb = command.split()
            # The same approval cannot be answered twice.
            rule.writes.clear()
            for row in rows.get(family, [""])[1 if verb == "deny" else 0 :]:
                here = {**ids, "@": row}
                done = await mogplex(family, verb, *(here.get(word, word) for word in more))
                if rule.writes or "@" not in more:
                    break
            # A cancel is read back, so that it can succeed without its response.
            if len(rule.writes) != 1 or (done.code == 0 and command not in {"runs cancel", *STREAMS}):
                found[command] = (done.code, [seen.path for seen in rule.writes], done.err)
    assert found == {}, "\n".join(f"{k}: {v}" for k, v in found.items())
