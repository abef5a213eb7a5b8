"""Create rows in a plane through the writes that the product uses."""

from __future__ import annotations

import json
from typing import Any

from mogplex_tui.controlplane.automation.jobs import job_writes
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.controlplane.http.authentication import digest
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.sandboxes import sandbox_writes
from tests.controlplane.manual_clock import ManualClock

GRAPH = {
    "nodes": [
        {"id": "start", "type": "start", "position": {"x": 0, "y": 0}, "data": {"event": "pr_opened"}},
        {"id": "agent-1", "type": "agent", "position": {"x": 1, "y": 0}, "data": {"agentId": "AGENT"}},
        {"id": "odd", "type": "from_the_future", "position": {"x": 1, "y": 0}, "data": {}},
        {"id": "end", "type": "end", "position": {"x": 2, "y": 0}, "data": {"label": "Done"}},
    ],
    "edges": [{"id": "e1", "source": "start", "target": "agent-1"}],
}


class RowFactory:
    """Creates rows in one plane; they belong to its account unless a user is given."""

    def __init__(self, plane: Plane, clock: ManualClock) -> None:
        self.plane = plane
        self.clock = clock
        self.user = plane.user_id

    def profile(self, name: str) -> str:
        with self.plane.db.transaction() as tx:
            user_id = tx.new_id()
            tx.insert(
                "profiles",
                id=user_id,
                email=f"{name}@example.dev",
                username=name,
                name=name,
                default_model="acme/nova-1",
                models_seen_at=self.clock.us,
                created_at=self.clock.us,
            )
        return user_id

    def token(
        self, user_id: str | None = None, scopes: tuple[str, ...] = ("read", "write"), **columns: Any
    ) -> str:
        with self.plane.db.transaction() as tx:
            key_id = tx.new_id()
            plaintext = "mog_" + key_id.replace("-", "")[:24]
            tx.insert(
                "user_api_keys",
                id=key_id,
                user_id=user_id or self.user,
                name="test",
                token_hash=digest(plaintext),
                token_prefix=plaintext[:12],
                scopes=json.dumps(list(scopes)),
                created_at=self.clock.us,
                **columns,
            )
        return plaintext

    def repo(self, full_name: str = "acme/api", user_id: str | None = None, **columns: Any) -> str:
        columns = {"default_branch": "main", "github_installation_id": 88} | columns
        with self.plane.db.transaction() as tx:
            repo_id = tx.new_id()
            tx.insert(
                "repos",
                id=repo_id,
                user_id=user_id or self.user,
                full_name=full_name,
                created_at=1,
                **columns,
            )
        return repo_id

    def model(self, model_id: str, **columns: Any) -> str:
        with self.plane.db.transaction() as tx:
            tx.insert(
                "models",
                id=model_id,
                provider=columns.pop("provider", model_id.partition("/")[0]),
                name=columns.pop("name", model_id.partition("/")[2]),
                created_at=columns.pop("created_at", 1),
                **columns,
            )
        return model_id

    def call(self, **columns: Any) -> str:
        defaults: dict[str, Any] = {
            "user_id": self.user,
            "type": "agent",
            "model": "harness:codex",
            "started_at": self.clock.us,
        }
        with self.plane.db.transaction() as tx:
            return call_writes.insert_call(tx, **(defaults | columns))

    def event(self, call_id: str, type: str = "log", **columns: Any) -> str:
        columns = {"message": None, "at": self.clock.us} | columns
        with self.plane.db.transaction() as tx:
            return call_writes.append_event(tx, call_id=call_id, type=type, **columns)

    def run(self, repo_id: str, call_id: str | None = None, **columns: Any) -> str:
        call_id = call_id or self.call(repo_id=repo_id)
        defaults: dict[str, Any] = {
            "user_id": self.user,
            "idempotency_key": call_id,
            "request_hash": "0" * 64,
            "harness": "codex",
            "prompt": "Fix it",
            "base_branch": "main",
            "working_branch": "main",
            "created_at": self.clock.us,
            "runtime_provider": "trigger",
            "runtime_run_id": "run_1",
        }
        with self.plane.db.transaction() as tx:
            return run_writes.insert_run(tx, repo_id=repo_id, ai_call_id=call_id, **(defaults | columns))

    def sandbox(self, repo_id: str, **columns: Any) -> str:
        defaults: dict[str, Any] = {
            "user_id": self.user,
            "base_branch": "main",
            "working_branch": "main",
            "status": "running",
            "sandbox_id": "mogplex-vm-1",
            "created_at": self.clock.us,
        }
        with self.plane.db.transaction() as tx:
            return sandbox_writes.insert_sandbox(tx, repo_id=repo_id, **(defaults | columns))

    def agent(self, name: str = "Reviewer", **columns: Any) -> str:
        with self.plane.db.transaction() as tx:
            agent_id = tx.new_id()
            tx.insert(
                "agents",
                id=agent_id,
                user_id=self.user,
                name=name,
                slug=name.lower(),
                model="acme/nova-1",
                created_at=1,
                **columns,
            )
        return agent_id

    def flow(
        self,
        agent_id: str | None = None,
        user_id: str | None = None,
        published: bool = True,
        created_at: int | None = None,
    ) -> str:
        graph = json.dumps(GRAPH).replace("AGENT", agent_id or "nobody")
        at = self.clock.us if created_at is None else created_at
        with self.plane.db.transaction() as tx:
            flow_id, version_id = tx.new_id(), tx.new_id()
            tx.insert(
                "flows",
                id=flow_id,
                user_id=user_id or self.user,
                installation_id=88,
                name="Review",
                status="active",
                draft_graph=graph,
                published_version_id=version_id if published else None,
                created_at=at,
                updated_at=at,
            )
            tx.insert(
                "flow_versions", id=version_id, flow_id=flow_id, version_number=1, graph=graph, created_at=at
            )
        return flow_id

    def job(self, flow_id: str, repo_id: str | None = None, start: bool = False, **metadata: Any) -> str:
        version = self.plane.db.value("SELECT id FROM flow_versions WHERE flow_id = ?", (flow_id,))
        about = {"source_type": "pr_opened", "repo_id": repo_id, "installation_id": 88} | metadata
        with self.plane.db.transaction() as tx:
            job_id = job_writes.enqueue(
                tx, flow_id=flow_id, flow_version_id=version, at=self.clock.us, metadata=about
            )
        if start:
            job_writes.start_in_steps(self.plane.db, job_id, self.clock.us, "webhook", "run_9")
        return job_id

    def row(self, table: str, row_id: str) -> dict[str, Any]:
        return dict(self.plane.db.only(f"SELECT * FROM {table} WHERE id = ?", (row_id,)))

    def start_streaming(self, call_id: str, command: str | None = "cmd_1", **metadata: Any) -> None:
        with self.plane.db.transaction() as tx:
            assert call_writes.begin_streaming(tx, call_id, command, self.clock.us, metadata=metadata)
