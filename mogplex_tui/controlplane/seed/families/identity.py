"""Seed teams, users, invites, the audit log and keys (identity.md)."""

from __future__ import annotations

import base64
from random import Random
from typing import Any

from ...db.batch_insert import Rows, encode
from ...db.clock import DAY_US, HOUR_US, SECOND_US
from ...http.authentication import TOKEN_PREFIX, digest
from ...sample_data.loader import material
from ...workload.account import SeededAccount
from ...workload.rng import new_uuid, token, whole

_INVITE_LIFE_US = 7 * DAY_US


def write(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the rows of users, teams, API keys, provider keys and audit events.

    `now` is in µs. The API keys can only be listed, because their tokens are unknown.
    """
    written = material("identity")
    people = {"ada": world.user_id, "jonas": world.other_user_id}
    for person in written["people"]:
        people[person["key"]] = _person(rows, person, rng, now)
    for row in written["api_keys"]:
        rows.add("user_api_keys", **_api_key(row, people, rng, now))
    for row in written["provider_keys"]:
        rows.add("provider_keys", user_id=people[row["owner"]], **_provider_key(row, rng, now))
    for team in written["teams"]:
        invites = _team(rows, team, world.team_ids[team["key"]], people, rng, now)
        if team["key"] == "platform":
            _trail(rows, written["trail"], world, people, invites, rng, now)


def _ago(rng: Random, now: int, days: int) -> int:
    """Return a random time (µs) about `days` days before `now`.

    It is at most nine hours after that moment.
    """
    return now - days * DAY_US + whole(rng, 0, 9 * 3600) * SECOND_US


def _person(rows: Rows, person: dict[str, Any], rng: Random, now: int) -> str:
    user_id = new_uuid(rng)
    names = {name: person[name] for name in ("email", "username", "name")}
    created = _ago(rng, now, person["days"])
    rows.add(
        "profiles",
        id=user_id,
        **names,
        slug=person["username"],
        default_model=person["default_model"],
        models_seen_at=now - DAY_US,
        created_at=created,
    )
    return user_id


def _api_key(row: dict[str, Any], people: dict[str, str], rng: Random, now: int) -> dict[str, Any]:
    plaintext = token(rng, TOKEN_PREFIX, 24)
    used, revoked = row["used_hours"], row["revoked"]
    expires = row["expires"]
    return {
        "id": new_uuid(rng),
        "user_id": people[row["owner"]],
        "name": row["name"],
        "token_hash": digest(plaintext),
        "token_prefix": plaintext[:12],
        "scopes": encode(row["scopes"]),
        "created_at": _ago(rng, now, row["days"]),
        "last_used_at": None if used is None else now - used * HOUR_US + whole(rng, 0, 3000) * SECOND_US,
        "expires_at": None if expires is None else (now + expires * DAY_US) // 1000 * 1000,
        "revoked_at": None if revoked is None else _ago(rng, now, revoked),
    }


def _provider_key(row: dict[str, Any], rng: Random, now: int) -> dict[str, Any]:
    created = _ago(rng, now, row["days"])
    return {
        "id": new_uuid(rng),
        "provider": row["provider"],
        "key_hash": digest(token(rng, "sk-", 24)),
        "is_plausible": int(row.get("good", True)),
        "created_at": created,
        "updated_at": created if row["changed"] == row["days"] else _ago(rng, now, row["changed"]),
    }


def _team(
    rows: Rows, team: dict[str, Any], team_id: str, people: dict[str, str], rng: Random, now: int
) -> list[str]:
    """Collect the rows of one team with its members and invites.

    Returns the ids of the invites.
    """
    created = _ago(rng, now, team["days"])
    owner = next(member["person"] for member in team["members"] if member["role"] == "owner")
    rows.add(
        "teams",
        id=team_id,
        name=team["name"],
        slug=team["slug"],
        owner_user_id=people[owner],
        model_allowlist=None if team["allowlist"] is None else encode(team["allowlist"]),
        created_at=created,
        updated_at=now - 9 * DAY_US,
    )
    for member in team["members"]:
        founder = member["person"] == owner
        rows.add(
            "team_members",
            id=team_id if founder else new_uuid(rng),
            team_id=team_id,
            user_id=people[member["person"]],
            role=member["role"],
            invited_by_user_id=people.get(member.get("by", "")),
            joined_at=created if founder else _ago(rng, now, member["days"]),
        )
    for row in team["keys"]:
        rows.add("team_provider_keys", team_id=team_id, **_provider_key(row, rng, now))
    return [_invite(rows, row, team_id, people, rng, now) for row in team["invites"]]


def _invite(
    rows: Rows, row: dict[str, Any], team_id: str, people: dict[str, str], rng: Random, now: int
) -> str:
    invite_id = new_uuid(rng)
    created = now - row["days"] * DAY_US - whole(rng, 600, 7200) * SECOND_US
    rows.add(
        "team_invites",
        id=invite_id,
        team_id=team_id,
        email=row["email"],
        role=row["role"],
        token=base64.urlsafe_b64encode(rng.randbytes(24)).decode(),
        invited_by_user_id=people[row["by"]],
        created_at=created,
        expires_at=created + _INVITE_LIFE_US,
    )
    return invite_id


def _trail(
    rows: Rows,
    events: list[dict[str, Any]],
    world: SeededAccount,
    people: dict[str, str],
    invites: list[str],
    rng: Random,
    now: int,
) -> None:
    """Collect the rows of the first team's audit events.

    The target of an event is a team, a user, an invite or something that is identified by a name.
    """
    team_id = world.team_ids["platform"]
    for event in events:
        kind, name = event["target"]
        target = invites[name] if kind == "invite" else people.get(name, name) if name else team_id
        repo = event.get("repo")
        rows.add(
            "team_audit_events",
            id=new_uuid(rng),
            team_id=team_id,
            action=event["action"],
            decision_code=event.get("decision"),
            target_type=kind,
            target_id=target,
            actor_user_id=people[event["actor"]],
            repo_id=None if repo is None else world.repos[repo].id,
            auth_source="session",
            payload=encode(event["payload"]),
            created_at=now - event["hours"] * HOUR_US - whole(rng, 0, 1200) * SECOND_US,
        )
