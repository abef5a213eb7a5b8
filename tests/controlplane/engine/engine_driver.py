"""Drive a plane's engine: send signed deliveries, advance the clock, read rows."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from random import Random
from typing import Any

import httpx

from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.controlplane.simulator import Simulator
from mogplex_tui.controlplane.workload.github_payloads import KINDS, DeliveryRepository, DeliveryTexts, build
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

MODEL = "acme/nova-1"
INSTALLATION = 88
FLOW_DEFAULTS: dict[str, dict[str, Any]] = {
    "agent": {"harness": "mogplex", "role": "review", "modelOverride": MODEL},
    "join": {"policy": "wait_for_all", "quorum": None},
}


def sign(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class EngineDriver:
    """One plane over HTTP with its row factory and its simulator."""

    def __init__(self, server: PlaneServer, client: httpx.AsyncClient, clock: ManualClock) -> None:
        self.server, self.client, self.clock = server, client, clock
        self.plane, self.db = server.plane, server.plane.db
        self.factory = RowFactory(server.plane, clock)
        self.simulator = Simulator(server.plane, speed=1.0)
        self.simulator.begin(arrivals=False)
        if self.db.one("SELECT 1 FROM models WHERE id = ?", (MODEL,)) is None:
            self.factory.model(MODEL, pricing_input=2e-6, pricing_output=8e-6)
        self.deliveries = 0

    def go(self, seconds: float) -> None:
        """Advance the clock second by second."""
        end = self.clock.us + int(seconds * SECOND_US)
        while self.clock.us < end:
            self.clock.us = min(end, self.clock.us + SECOND_US)
            self.simulator.step_until(self.clock.us)

    def go_until(self, sql: str, params: tuple[Any, ...] = (), seconds: float = 900) -> None:
        """Advance the clock until the first value of `sql` is true."""
        for _ in range(int(seconds)):
            if self.db.value(sql, params):
                return
            self.go(1)
        raise AssertionError(f"never true: {sql}")

    def finish(self, job_id: str, seconds: float = 900) -> dict[str, Any]:
        """Advance the clock until the job has ended, and return its row."""
        self.go_until(
            "SELECT status IN ('success', 'failed', 'cancelled') FROM job_runs WHERE id = ?",
            (job_id,),
            seconds,
        )
        return self.factory.row("job_runs", job_id)

    def agent(self, name: str = "Reviewer") -> str:
        known: str | None = self.db.value("SELECT id FROM agents WHERE name = ?", (name,))
        return known or self.factory.agent(name)

    def flow(
        self,
        nodes: Sequence[tuple[str, str, dict[str, Any]]],
        edges: Sequence[tuple[str, ...]],
        event: str = "pr_opened",
        **start: Any,
    ) -> str:
        """Create a published active flow; a start and an end node are added.

        Nodes are (id, type, data), edges are (from, to[, handle]).
        """
        agent_id = self.agent()
        data = {
            "label": "Start",
            "event": event,
            "filter": {"scope": "all", **start.pop("filter", {})},
            **start,
        }
        made: list[dict[str, Any]] = [{"id": "start", "type": "start", "data": data}]
        for node_id, kind, more in nodes:
            filled = {"label": node_id.title(), **FLOW_DEFAULTS.get(kind, {}), **more}
            if kind == "agent":
                filled.setdefault("agentId", agent_id)
            made.append({"id": node_id, "type": kind, "data": filled})
        made.append({"id": "end", "type": "end", "data": {"label": "Done"}})
        wires = [
            {
                "id": "-".join(edge),
                "source": edge[0],
                "target": edge[1],
                "sourceHandle": edge[2] if len(edge) > 2 else None,
            }
            for edge in edges
        ]
        graph = json.dumps({"nodes": made, "edges": wires})
        flow_id = self.factory.flow(agent_id)
        self.db.all("UPDATE flow_versions SET graph = ? WHERE flow_id = ?", (graph, flow_id))
        self.db.all("UPDATE flows SET draft_graph = ? WHERE id = ?", (graph, flow_id))
        return flow_id

    def body(
        self, kind: str, text: str | None = None, number: int | None = None, **about: Any
    ) -> dict[str, Any]:
        """Return a realistic payload of one kind of delivery."""
        self.deliveries += 1
        facts: dict[str, Any] = {
            "full_name": "acme/api",
            "installation_id": INSTALLATION,
            "account_type": "Organization",
        } | about
        return build(
            Random(f"test {self.deliveries}"), kind, DeliveryRepository(**facts), DeliveryTexts(text, number)
        )

    async def send(
        self, kind: str, payload: dict[str, Any] | None = None, delivery: str | None = None, **said: Any
    ) -> dict[str, Any]:
        """Deliver a payload signed as GitHub does, and return the answer's body.

        `kind` is a key of github_payloads.KINDS.
        """
        payload = payload or self.body(kind, **said)
        response = await self.post(KINDS[kind][0], payload, delivery or f"delivery-{self.deliveries}")
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def post(
        self, event: str, payload: Any, delivery: str = "d", secret: str | None = None
    ) -> httpx.Response:
        body = json.dumps(payload).encode()
        headers = {
            "x-github-event": event,
            "x-github-delivery": delivery,
            "x-hub-signature-256": sign(secret or self.server.webhook_secret, body),
            "content-type": "application/json",
        }
        return await self.client.post("/api/webhooks/github", content=body, headers=headers)

    def job(self) -> str:
        """Return the id of the newest job run."""
        found: str = self.db.value("SELECT id FROM job_runs ORDER BY created_at DESC, rowid DESC LIMIT 1")
        return found

    def ledger(self, job_id: str) -> list[tuple[str, str, str | None]]:
        rows = self.db.all(
            "SELECT event_kind, outcome, reason FROM automation_dispatch_events WHERE job_run_id = ? ORDER BY rowid",
            (job_id,),
        )
        return [tuple(row) for row in rows]

    def nodes(self, job_id: str) -> dict[str, str]:
        """Return the statuses of nodes by id, in the order in which they began."""
        rows = self.db.all(
            "SELECT node_id, status FROM flow_node_runs WHERE job_run_id = ? ORDER BY rowid", (job_id,)
        )
        return {row[0]: row[1] for row in rows}

    def output(self, job_id: str, node_id: str) -> Any:
        text = self.db.value(
            "SELECT output FROM flow_node_runs WHERE job_run_id = ? AND node_id = ?", (job_id, node_id)
        )
        return json.loads(text)


def insert_assignment(
    engine: EngineDriver, repo_id: str, kind: str, cron_text: str | None = None, enabled: int = 1
) -> str:
    engine.db.all("UPDATE agents SET model = ? WHERE id = ?", (MODEL, engine.agent()))
    with engine.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert(
            "assignments",
            id=row_id,
            repo_id=repo_id,
            agent_id=engine.agent(),
            type=kind,
            cron_schedule=cron_text,
            enabled=enabled,
            created_at=engine.clock.us,
        )
    return row_id


def insert_trigger(engine: EngineDriver, event: str, agent: str = "Reviewer", **columns: Any) -> str:
    agent_id = engine.agent(agent)
    with engine.db.transaction() as tx:
        row_id = tx.new_id()
        columns = {"installation_id": INSTALLATION, "created_at": engine.clock.us} | columns
        tx.insert(
            "triggers", id=row_id, user_id=engine.plane.user_id, agent_id=agent_id, event=event, **columns
        )
    return row_id
