"""Rows and credentials that the tests of the library share."""

from __future__ import annotations

from typing import Any

import httpx

from tests.controlplane.support import World

NOWHERE = "00000000-0000-4000-8000-000000000000"
AGENT = {"name": "Triage", "model": "acme/nova-1", "category": "code-review"}


def stranger(world: World, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with a token of another account on the same plane; the caller closes it."""
    token = world.token(world.profile("mallory"))
    return httpx.AsyncClient(base_url=client.base_url, headers={"Authorization": f"Bearer {token}"})


def assignment(world: World, agent_id: str, repo_id: str) -> str:
    with world.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("assignments", id=row_id, repo_id=repo_id, agent_id=agent_id, type="cron", created_at=1)
    return row_id


def trigger(world: World, agent_id: str) -> str:
    with world.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert(
            "triggers",
            id=row_id,
            user_id=world.user,
            agent_id=agent_id,
            installation_id=88,
            event="push",
            created_at=1,
        )
    return row_id


def job_of(world: World, status: str, **columns: Any) -> str:
    """A job run of an assignment or a trigger, made now."""
    with world.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("job_runs", **{"id": row_id, "status": status, "created_at": world.clock.us} | columns)
    return row_id


def team(world: World, role: str | None = "owner", **columns: Any) -> str:
    """A team of somebody else in which the account has this role, or none."""
    founder = world.profile("founder")
    with world.plane.db.transaction() as tx:
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
                "team_members", id=tx.new_id(), team_id=team_id, user_id=world.user, role=role, joined_at=1
            )
    return team_id


def in_team(team_id: str) -> dict[str, str]:
    return {"x-mogplex-team-id": team_id}
