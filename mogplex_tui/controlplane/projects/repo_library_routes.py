"""Rules and skills of a repository: its own ones, and exclusions of the account's.

projects.md §4.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response

from ..db.database import Row
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, json_response, refusal
from .project_scope import own_repo

_PREVIEW = 80


class OverrideKind(NamedTuple):
    """The name, tables and columns that the routes use for rules or for skills."""

    word: str
    table: str
    overrides: str
    key: str
    described: bool

    def entry(self, row: Row) -> dict[str, Any]:
        """Return the JSON object of a rule or skill in a list.

        A skill is shown with its description, a rule with the first 80 characters of its text.
        """
        out = {"id": row["id"], "name": row["name"]}
        if self.described:
            return {**out, "description": row["description"]}
        return {**out, "content_preview": (row["content"] or "")[:_PREVIEW]}


RULES = OverrideKind("rules", "agent_rules", "repo_rule_overrides", "rule_id", described=False)
SKILLS = OverrideKind("skills", "skills", "repo_skill_overrides", "skill_id", described=True)


def _entries(request: ApiRequest, kind: OverrideKind, repo_id: str) -> dict[str, Any]:
    db = request.plane.db
    every = db.all(
        f"SELECT * FROM {kind.table} WHERE user_id = ? ORDER BY created_at, id", (request.user_id,)
    )
    overrides = db.all(
        f"SELECT * FROM {kind.overrides} WHERE repo_id = ? ORDER BY created_at, id", (repo_id,)
    )
    excluded = {row[kind.key] for row in overrides if row[kind.key] is not None and row["excluded"]}
    found = [{**kind.entry(row), "source": "global"} for row in every if row["id"] not in excluded]
    found += [{**kind.entry(row), "source": "repo"} for row in overrides if row[kind.key] is None]
    without = [kind.entry(row) for row in every if row["id"] in excluded]
    return {kind.word: found, "excluded_inherited": without}


def _exclude(request: ApiRequest, kind: OverrideKind, repo_id: str, wanted: str, excluded: bool) -> None:
    """Store whether a repository excludes one of the account's rules or skills.

    Raises 500 for an unknown rule or skill.
    """
    known = f"SELECT id FROM {kind.table} WHERE id = ? AND user_id = ?"
    found = request.plane.db.value(known, (wanted.lower(), request.user_id))
    if found is None:
        text = f'insert or update on table "{kind.overrides}" violates foreign key constraint'
        raise refusal(500, text)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute(
            f"INSERT INTO {kind.overrides} (id, repo_id, {kind.key}, excluded, created_at)"
            f" VALUES (?, ?, ?, ?, ?) ON CONFLICT (repo_id, {kind.key})"
            " DO UPDATE SET excluded = excluded.excluded",
            (tx.new_id(), repo_id, found, int(excluded), request.plane.clock.now_us()),
        )


def _add(request: ApiRequest, kind: OverrideKind, repo_id: str, name: str, body: dict[str, Any]) -> None:
    columns: dict[str, Any] = {"name": name}
    content, described = body.get("content"), body.get("description")
    columns["content"] = content if isinstance(content, str) else ""
    if kind.described:
        columns["description"] = described if isinstance(described, str) else None
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        now = request.plane.clock.now_us()
        tx.insert(kind.overrides, id=tx.new_id(), repo_id=repo_id, created_at=now, **columns)


def handlers(kind: OverrideKind) -> dict[str, MethodHandler]:
    """Return the handlers for the methods of one path.

    The path is `/api/repos/{id}/rules` or `/api/repos/{id}/skills`, depending on `kind`.
    """

    async def read(request: ApiRequest) -> Response:
        return json_response(_entries(request, kind, own_repo(request)["id"]))

    async def write(request: ApiRequest) -> Response:
        repo = own_repo(request)
        body = await body_of(request)
        target_id, excluded, name = body.get(kind.key), body.get("excluded"), body.get("name")
        if isinstance(target_id, str) and target_id and isinstance(excluded, bool):
            _exclude(request, kind, repo["id"], target_id, excluded)
        elif isinstance(name, str) and params.trim(name):
            _add(request, kind, repo["id"], params.trim(name), body)
        else:
            raise refusal(400, f"{kind.key}+excluded or name required")
        return json_response({"ok": True})

    async def remove(request: ApiRequest) -> Response:
        repo = own_repo(request)
        override_id = request.query("overrideId")
        if not override_id:
            raise refusal(400, "overrideId required")
        with request.plane.db.transaction() as tx:
            tx.execute(
                f"DELETE FROM {kind.overrides} WHERE id = ? AND repo_id = ?",
                (override_id.lower(), repo["id"]),
            )
        return json_response({"ok": True})

    return {"GET": MethodHandler(read), "POST": MethodHandler(write), "DELETE": MethodHandler(remove)}
