"""Rows and credentials that the tests of the library share."""

from __future__ import annotations

from typing import Any

import httpx

from tests.controlplane.row_factory import RowFactory

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
AGENT = {"name": "Triage", "model": "acme/nova-1", "category": "code-review"}


def stranger(factory: RowFactory, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return a client with a token of another account; the caller closes it."""
    token = factory.token(factory.profile("mallory"))
    return httpx.AsyncClient(base_url=client.base_url, headers={"Authorization": f"Bearer {token}"})


def assignment(factory: RowFactory, agent_id: str, repo_id: str) -> str:
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("assignments", id=row_id, repo_id=repo_id, agent_id=agent_id, type="cron", created_at=1)
    return row_id


def trigger(factory: RowFactory, agent_id: str) -> str:
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert(
            "triggers",
            id=row_id,
            user_id=factory.user,
            agent_id=agent_id,
            installation_id=88,
            event="push",
            created_at=1,
        )
    return row_id


def job_of(factory: RowFactory, status: str, **columns: Any) -> str:
    """Insert a job run of an assignment or a trigger, created now."""
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("job_runs", **{"id": row_id, "status": status, "created_at": factory.clock.us} | columns)
    return row_id


def team(factory: RowFactory, role: str | None = "owner", **columns: Any) -> str:
    """Insert another user's team in which the account has this role, or none."""
    founder = factory.profile("founder")
    with factory.plane.db.transaction() as tx:
        team_id = tx.new_id()
        given = {
            "name": "Crew",
            "slug": "crew",
            "owner_user_id": founder,
            "created_at": 1,
            "updated_at": 1,
        } | columns
        tx.insert("teams", id=team_id, **given)
        if role is not None:
            tx.insert(
                "team_members", id=tx.new_id(), team_id=team_id, user_id=factory.user, role=role, joined_at=1
            )
    return team_id


def in_team(team_id: str) -> dict[str, str]:
    return {"x-mogplex-team-id": team_id}
