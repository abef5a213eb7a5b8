"""Write the account: users, installations, repositories, models, agents, flows."""

from __future__ import annotations

from random import Random
from typing import Any

from ..db.batch_insert import Rows, encode
from ..db.clock import DAY_US, HOUR_US
from ..sample_data.loader import material, models
from ..workload.account import Flow, SeededAccount
from ..workload.rng import new_uuid
from .families.automation import flow_extras
from .families.projects import repo_row


def write_account(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the account's rows to insert, except the profile of the first user.

    That profile already exists.
    """
    created = now - 240 * DAY_US
    other = material("account")["people"][1]
    rows.add(
        "profiles",
        id=world.other_user_id,
        email=other["email"],
        username=other["username"],
        name=other["name"],
        slug=other["username"],
        default_model=other["default_model"],
        models_seen_at=now - 40 * DAY_US,
        created_at=now - 60 * DAY_US,
    )
    for person, user_id in zip(
        material("account")["people"], (world.user_id, world.other_user_id), strict=True
    ):
        for row in person["installations"]:
            rows.add(
                "github_installations",
                id=new_uuid(rng),
                user_id=user_id,
                installation_id=row["installation_id"],
                account_login=row["login"],
                account_type=row["type"],
                target_type=row["type"],
                product_team_id=world.team_ids.get(row.get("team", "")),
                attached_by_user_id=user_id if "team" in row else None,
                created_at=created,
            )
    for index, repo in enumerate(world.repos.values()):
        rows.add("repos", **repo_row(world, repo, created + index * 37 * HOUR_US, now))
    _write_models(rows, world, now)
    _write_agents(rows, world, created)
    for index, flow in enumerate(world.flows.values()):
        _write_flow(rows, flow, created + (index + 3) * 9 * DAY_US, now)


def _write_models(rows: Rows, world: SeededAccount, now: int) -> None:
    for index, model in enumerate(models()):
        rows.add(
            "models",
            id=model.id,
            provider=model.provider,
            name=model.name,
            context_length=model.context,
            pricing_input=model.price_in,
            pricing_output=model.price_out,
            pricing_cache_read=model.price_read,
            pricing_cache_write=model.price_write,
            capabilities=encode(list(model.capabilities)),
            is_recommended=int(model.bucket is not None),
            recommendation_bucket=model.bucket,
            recommendation_rank=model.rank,
            recommendation_reason=model.reason,
            recommended_at=None if model.bucket is None else now - 20 * DAY_US,
            created_at=now - (14 + 11 * index) * DAY_US,
        )
        if not model.enabled:
            rows.add("model_preferences", user_id=world.user_id, model_id=model.id, is_enabled=0)


def _write_agents(rows: Rows, world: SeededAccount, created: int) -> None:
    owners = {"ada": world.user_id, "jonas": world.other_user_id}
    for index, row in enumerate(material("account")["agents"]):
        rows.add(
            "agents",
            id=world.agent_ids[row["key"]],
            user_id=owners[row["owner"]],
            name=row["name"],
            slug=row["slug"],
            model=row["model"],
            description=row["description"],
            category=row["category"],
            system_prompt=row["prompt"],
            created_at=created + index * 5 * DAY_US,
        )


def _write_flow(rows: Rows, flow: Flow, created: int, now: int) -> None:
    spec: dict[str, Any] = flow.spec
    rows.add(
        "flows",
        id=flow.id,
        user_id=flow.user_id,
        installation_id=flow.installation_id,
        name=flow.name,
        description=spec["description"],
        notes=spec.get("notes"),
        status=spec["status"],
        draft_graph=encode(flow.draft),
        published_version_id=flow.version_id,
        created_at=created,
        updated_at=now - (3 + len(flow.version_ids)) * DAY_US,
        **flow_extras(flow.key, flow.event),
    )
    for number, version_id in enumerate(flow.version_ids, start=1):
        rows.add(
            "flow_versions",
            id=version_id,
            flow_id=flow.id,
            version_number=number,
            graph=encode(flow.graph),
            created_at=created + number * 4 * DAY_US,
        )
