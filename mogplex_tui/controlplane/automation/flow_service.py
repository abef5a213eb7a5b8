"""Create, edit, pause, publish, copy and delete automations.

routing.md §3.4 to §3.10.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from ..core.plane import Plane
from ..db.database import Row, Tx
from ..db.ids import Ids
from ..db.payload_redaction import dumps
from ..identity import model_catalogue
from ..library.own_agents import own_agent
from .flow_store import FlowError, no_flow
from .graphs import validation
from .graphs.normalizer import Graph, agents_of, normalize, start_of

SOURCE_KINDS = {"schedule": "schedule", "webhook": "webhook", "slack_mention": "slack"}
_NOT_YOURS = "One or more agents are not available to this user."


class FlowService:
    """Creates and changes the flows of one user.

    Methods raise FlowError for a refused change. Realtime does not publish changes of flows
    (realtime.md §3.1), but publishes the agents that are copied from presets.
    """

    def __init__(self, plane: Plane, ids: Ids, user_id: str) -> None:
        self._plane = plane
        self._ids = ids
        self._user_id = user_id

    def check_installation(self, installation_id: int) -> None:
        """Raise FlowError 404 unless the installation belongs to the user."""
        found = self._plane.db.one(
            "SELECT 1 FROM github_installations WHERE installation_id = ? AND user_id = ?",
            (installation_id, self._user_id),
        )
        if found is None:
            raise FlowError(404, "FLOW_INSTALLATION_NOT_FOUND", "Installation not found")

    def check_repository(self, installation_id: int, full_name: str) -> str:
        """Return the stored full name of a repository of the installation.

        The case of `full_name` is ignored. Raises FlowError 404 for an unknown repository, and 500 if
        several rows have the name.
        """
        rows = self._plane.db.all(
            "SELECT full_name FROM repos WHERE user_id = ? AND github_installation_id = ? AND full_name = ?"
            " COLLATE NOCASE",
            (self._user_id, installation_id, full_name),
        )
        if not rows:
            raise FlowError(
                404, "FLOW_INSTALLATION_NOT_FOUND", "Repository not found for this GitHub account"
            )
        if len(rows) > 1:
            raise FlowError(500, "FLOW_STORAGE_FAILED", "Failed to load the repository of this workflow.")
        return str(rows[0]["full_name"])

    def create(self, name: str, installation_id: int, graph: Graph, **columns: Any) -> str:
        """Insert an inactive flow whose draft is `graph`, and return its id.

        `columns`: description, notes.
        """
        now = self._plane.clock.now_us()
        with self._plane.db.transaction(ids=self._ids) as tx:
            flow_id = tx.new_id()
            tx.insert(
                "flows",
                id=flow_id,
                user_id=self._user_id,
                installation_id=installation_id,
                name=name,
                draft_graph=dumps_graph(graph),
                created_at=now,
                updated_at=now,
                **columns,
            )
        return flow_id

    def edit(self, flow_id: str, columns: dict[str, Any], graph: Any = None, *, has_graph: bool) -> None:
        """Update columns of a flow and, if `has_graph` is true, replace its draft.

        The new draft is normalised, and its agent presets are replaced by agents of the user. Raises
        FlowError if it names an agent of another user (routing.md §3.6).
        """
        now = self._plane.clock.now_us()
        with self._plane.db.transaction(ids=self._ids) as tx:
            self._own(tx, flow_id)
            changes = dict(columns)
            if has_graph:
                draft = normalize(graph)
                self._resolve(tx, draft, now)
                self._check_agents(tx, draft)
                changes["draft_graph"] = dumps_graph(draft)
            tx.update("flows", flow_id, **changes, updated_at=now)

    def set_status(self, flow_id: str, status: str) -> None:
        """Set a flow's status to `active` or `inactive`.

        A flow without a published version cannot be activated (routing.md §3.6).
        """
        with self._plane.db.transaction(ids=self._ids) as tx:
            row = self._own(tx, flow_id)
            if status == "active" and row["published_version_id"] is None:
                text = "A flow must be published before it can be activated."
                raise FlowError(400, "FLOW_UNPUBLISHED_ACTIVATION", text)
            tx.update("flows", flow_id, status=status, updated_at=self._plane.clock.now_us())

    def publish(self, flow_id: str) -> None:
        """Validate the draft, store it as the next version and activate the flow.

        routing.md §3.9.
        """
        now = self._plane.clock.now_us()
        with self._plane.db.transaction(ids=self._ids) as tx:
            row = self._own(tx, flow_id)
            graph = normalize(json.loads(row["draft_graph"]))
            self._resolve(tx, graph, now)
            faults = validation.check(graph)
            if faults:
                raise FlowError(400, "FLOW_GRAPH_INVALID", faults[0], faults)
            self._check_agents(tx, graph)
            start = start_of(graph) or {}
            if start["event"] == "webhook" and row["webhook_secret"] is None:
                raise FlowError(400, "FLOW_GRAPH_INVALID", validation.NO_SECRET)
            installation_id = self._installation(start, row["installation_id"])
            newest = tx.one("SELECT MAX(version_number) FROM flow_versions WHERE flow_id = ?", (flow_id,))
            version_id, text = tx.new_id(), dumps_graph(graph)
            tx.insert(
                "flow_versions",
                id=version_id,
                flow_id=flow_id,
                version_number=(newest[0] if newest and newest[0] else 0) + 1,
                graph=text,
                created_at=now,
            )
            clock = row["trigger_schedule_id"] or self._ids.opaque("sched_")
            tx.update(
                "flows",
                flow_id,
                draft_graph=text,
                published_version_id=version_id,
                status="active",
                source_kind=SOURCE_KINDS.get(start["event"], "github"),
                installation_id=installation_id,
                trigger_schedule_id=clock if start["event"] == "schedule" else None,
                updated_at=now,
            )

    def _installation(self, start: dict[str, Any], stored: int) -> int:
        """Return the installation of a flow that is being published.

        This is the installation that the start node's filter names, or `stored` if the filter names none
        or several. Raises FlowError 404 if the filter names an installation of another user.
        """
        named = start.get("filter", {}).get("installationIds", [])
        for installation_id in named:
            self.check_installation(installation_id)
        return int(named[0]) if len(named) == 1 else stored

    def duplicate(self, flow_id: str) -> str:
        """Copy a flow's draft into a new, inactive flow and return its id."""
        with self._plane.db.transaction(ids=self._ids) as tx:
            row = self._own(tx, flow_id)
        return self.create(
            f"{row['name']} Copy",
            row["installation_id"],
            normalize(json.loads(row["draft_graph"])),
            description=row["description"],
            notes=row["notes"],
        )

    def delete(self, flow_id: str) -> None:
        """Delete a flow and its versions, but keep its job runs and dispatch events.

        routing.md §3.7.
        """
        with self._plane.db.transaction(ids=self._ids) as tx:
            self._own(tx, flow_id)
            for table, owner in (("job_runs", None), ("automation_dispatch_events", self._user_id)):
                for row in tx.all(f"SELECT id FROM {table} WHERE flow_id = ?", (flow_id,)):
                    tx.record_change(table, "UPDATE", owner, row["id"])
            tx.execute("DELETE FROM flows WHERE id = ?", (flow_id,))

    def rotate_secret(self, flow_id: str) -> str:
        """Replace the flow's signing secret and return the new one (routing.md §3.10)."""
        random_text = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        secret = f"whsec_{random_text}"
        with self._plane.db.transaction(ids=self._ids) as tx:
            self._own(tx, flow_id)
            tx.update("flows", flow_id, webhook_secret=secret)
        return secret

    def _own(self, tx: Tx, flow_id: str) -> Row:
        row = tx.one("SELECT * FROM flows WHERE id = ? AND user_id = ?", (flow_id, self._user_id))
        if row is None:
            raise no_flow()
        return row

    def _resolve(self, tx: Tx, graph: Graph, now: int) -> None:
        """Replace the ids of agent presets in a graph by ids of the user's agents.

        A preset is copied to the user's agents first. Ids of unknown presets are left unchanged;
        `_check_agents` refuses them.
        """
        db = self._plane.db
        profile = db.one("SELECT * FROM profiles WHERE id = ?", (self._user_id,))
        for agent in agents_of(graph):
            agent_id = agent["agentId"]
            if agent_id is not None and agent_id.startswith("preset:") and profile is not None:
                model = model_catalogue.settings_default(db, profile)
                agent["agentId"] = own_agent(tx, self._user_id, agent_id, model, now) or agent_id

    def _check_agents(self, tx: Tx, graph: Graph) -> None:
        for agent in agents_of(graph):
            agent_id = agent["agentId"]
            if agent_id is not None and own_agent(tx, self._user_id, agent_id, "", 0) is None:
                raise FlowError(400, "FLOW_AGENT_FORBIDDEN", _NOT_YOURS)


def dumps_graph(graph: Graph) -> str:
    """Return a graph as the JSON text that is stored."""
    return dumps(graph)
