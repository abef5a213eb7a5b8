"""The model catalogue: the models that a user sees or may use, and the default.

identity.md §6.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..db.clock import iso_db_or_none
from ..db.database import Database, Row
from .team_roles import ActiveTeam, may

STATIC_DEFAULT = "minimax/minimax-m2.7"

_SIGNED_IN = (
    "SELECT m.*, CASE WHEN p.is_enabled IS NOT NULL THEN p.is_enabled"
    " WHEN NOT :auto AND m.created_at > :seen THEN 0 ELSE m.is_available END AS is_enabled"
    " FROM models m LEFT JOIN model_preferences p ON p.model_id = m.id AND p.user_id = :user"
    " ORDER BY m.provider"
)
_ANONYMOUS = "SELECT * FROM models WHERE is_available = 1 AND is_hidden = 0 ORDER BY provider"


class Reach(NamedTuple):
    """The provider keys and team limits that decide which models a user can reach."""

    keys: frozenset[str]
    gateway: bool
    team: ActiveTeam | None
    allowlist: frozenset[str] | None

    def covers(self, model_id: str) -> bool:
        """Return whether the user can reach the model (identity.md §6.5).

        The result is always False in a team that the user does not belong to.
        """
        provider, _, rest = model_id.partition("/")
        if self.team is not None and not may(self.team.role, f"models.{provider}.{rest}"):
            return False
        if self.allowlist is not None and model_id not in self.allowlist:
            return False
        if provider == "openrouter":
            return provider in self.keys
        return self.gateway or (provider in ("openai", "anthropic") and provider in self.keys)


def reach(db: Database, profile: Row, team: ActiveTeam | None = None) -> Reach:
    """Return the provider keys and limits that decide which models a user can reach.

    These are the user's own keys. If `team` is given, the keys of the team are added and its
    allowlist applies (identity.md §6.5).
    """
    owned = db.all("SELECT provider FROM provider_keys WHERE user_id = ?", (profile["id"],))
    keys = {row["provider"] for row in owned}
    allowlist = None
    if team is not None and team.role is not None:
        shared = db.all("SELECT provider FROM team_provider_keys WHERE team_id = ?", (team.id,))
        keys |= {row["provider"] for row in shared}
        listed = db.value("SELECT model_allowlist FROM teams WHERE id = ?", (team.id,))
        allowlist = None if listed is None else frozenset(json.loads(listed))
    gateway = bool(profile["allow_platform_ai"]) or "ai_gateway" in keys
    return Reach(frozenset(keys), gateway, team, allowlist)


def anonymous(db: Database) -> list[Row]:
    """Return the available models that are not hidden, sorted by provider.

    Callers without a login see these models.
    """
    return db.all(_ANONYMOUS)


def everything(db: Database, profile: Row) -> list[Row]:
    """Return all models with the user's `is_enabled`, sorted by provider."""
    values = {
        "auto": profile["auto_enable_models"],
        "seen": profile["models_seen_at"],
        "user": profile["id"],
    }
    return db.all(_SIGNED_IN, values)


def usable(db: Database, profile: Row) -> list[Row]:
    """Return the models that may be a default: visible, available and enabled.

    identity.md §6.6a.
    """
    rows = everything(db, profile)
    return [row for row in rows if not row["is_hidden"] and row["is_available"] and row["is_enabled"]]


def offered(db: Database, profile: Row, team: ActiveTeam | None = None) -> list[Row]:
    """Return the models that a user can choose: visible, enabled and reachable models.

    A retired model is included if it is enabled (identity.md §6.2).
    """
    within = reach(db, profile, team)
    rows = everything(db, profile)
    return [row for row in rows if not row["is_hidden"] and row["is_enabled"] and within.covers(row["id"])]


def offered_now(db: Database, profile: Row, team: ActiveTeam | None = None) -> list[Row]:
    """Return the offered models that are still available (identity.md §6.3, §6.10)."""
    return [row for row in offered(db, profile, team) if row["is_available"]]


def arrivals(db: Database, profile: Row) -> list[Row]:
    """Return available models added since the profile last looked at new models.

    Models that the user has already enabled or disabled are left out (identity.md §6.8).
    """
    return db.all(
        "SELECT * FROM models m WHERE is_available = 1 AND is_hidden = 0 AND created_at > ? AND NOT EXISTS"
        " (SELECT 1 FROM model_preferences p WHERE p.user_id = ? AND p.model_id = m.id)"
        " ORDER BY provider, name, id",
        (profile["models_seen_at"], profile["id"]),
    )


def usable_somewhere(db: Database, profile: Row, rows: list[Row]) -> list[Row]:
    """Return the models in `rows` that the user can reach personally or in a team.

    identity.md §6.8.
    """
    teams = db.all("SELECT team_id, role FROM team_members WHERE user_id = ?", (profile["id"],))
    scopes = [reach(db, profile), *(reach(db, profile, ActiveTeam(*team)) for team in teams)]
    return [row for row in rows if any(scope.covers(row["id"]) for scope in scopes)]


def _pick(rows: list[Row], profile: Row) -> str | None:
    ids = {row["id"] for row in rows}
    for wanted in (profile["default_model"], STATIC_DEFAULT):
        if wanted in ids:
            return str(wanted)
    ordered = sorted(rows, key=lambda row: (row["provider"] or "", row["name"] or "", row["id"]))
    return ordered[0]["id"] if ordered else None


def settings_default(db: Database, profile: Row) -> str:
    """Return the default model in /api/settings, which is never null.

    identity.md §6.6a.
    """
    return _pick(usable(db, profile), profile) or STATIC_DEFAULT


def models_default(db: Database, profile: Row, team: ActiveTeam | None = None) -> str | None:
    """Return the default model in /api/models, or None if no model can be used.

    identity.md §6.6b.
    """
    return _pick(offered_now(db, profile, team), profile)


def model(row: Row, signed_in: bool) -> dict[str, Any]:
    """Return the JSON object of a model in /api/models (identity.md §6.1)."""
    out: dict[str, Any] = {
        name: row[name]
        for name in ("id", "provider", "name", "context_length", "pricing_input", "pricing_output")
    }
    out["capabilities"] = json.loads(row["capabilities"])
    for name in ("is_available", "is_hidden", "is_recommended"):
        out[name] = bool(row[name])
    for name in ("recommendation_bucket", "recommendation_rank", "recommendation_reason"):
        out[name] = row[name]
    out["recommended_at"] = iso_db_or_none(row["recommended_at"])
    if signed_in:
        out["is_enabled"] = bool(row["is_enabled"])
    return out


def cli_model(row: Row) -> dict[str, Any]:
    """Return the JSON object of a model in /api/models?format=cli.

    An unknown context length or price is left out (identity.md §6.3).
    """
    tags = {tag.lower() for tag in json.loads(row["capabilities"])}
    modalities = ["text"]
    if tags & {"vision", "image", "image-input", "multimodal"}:
        modalities.append("image")
    if tags & {"audio", "audio-input", "speech"}:
        modalities.append("audio")
    tools = bool(tags & {"tool-use", "tool_use", "tools", "function-calling", "function_calling"})
    out: dict[str, Any] = {
        "slug": row["id"],
        "provider": row["provider"],
        "displayName": row["name"],
        "inputModalities": modalities,
        "caps": {
            "streaming": True,
            "toolUse": tools,
            "reasoningEffort": bool(tags & {"reasoning", "thinking"}),
            "parallelToolCalls": tools,
        },
    }
    if row["context_length"] is not None:
        out["contextWindow"] = row["context_length"]
    if row["pricing_input"] is not None and row["pricing_output"] is not None:
        out["pricing"] = {
            "inputPerMillion": row["pricing_input"] * 1_000_000,
            "outputPerMillion": row["pricing_output"] * 1_000_000,
            "currency": "USD",
        }
    return out


def v1_model(row: Row) -> dict[str, Any]:
    """Return the JSON object of a model in /api/v1/mogplex/models (identity.md §6.10)."""
    return {
        "id": row["id"],
        "provider": row["provider"],
        "name": row["name"],
        "contextLength": row["context_length"],
        "capabilities": json.loads(row["capabilities"]),
        "pricing": {"input": row["pricing_input"], "output": row["pricing_output"]},
    }
