"""Find the flows, assignments and triggers that an event starts.

routing.md §1 to §5.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...db.database import Database, Row
from .github_events import Event, Source

# The event for each kind of work of an assignment; scheduled kinds have none.
ASSIGNED = {
    "pr_opened": "pr_review",
    "push": "push_review",
    "issue_opened": "issue_triage",
    "ci_failure": "ci_failure",
}
CLOCKED = ("cron", "cron_refactor")
_DEPENDABOT = ("dependabot[bot]", "dependabot-preview[bot]", "dependabot")


class Target(NamedTuple):
    """A flow, assignment or trigger that an event starts, with owner and repository.

    `kind` is `flow`, `assignment` or `trigger`; `id` is the id of that row.
    """

    kind: str
    id: str
    user_id: str
    installation_id: int | None
    version_id: str | None
    repo_id: str
    repo_full_name: str
    source_type: str


def start_data(graph: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a graph's start node, or an empty object."""
    for node in graph.get("nodes", []):
        if node.get("type") == "start":
            return dict(node.get("data") or {})
    return {}


def first_agent(graph: Mapping[str, Any]) -> str | None:
    """Return the agent id of the agent node that directly follows the start node.

    Returns None if there is no such node, or if the node has no agent id.
    """
    nodes = {node.get("id"): node for node in graph.get("nodes", [])}
    starts = {node_id for node_id, node in nodes.items() if node.get("type") == "start"}
    for edge in graph.get("edges", []):
        node = nodes.get(edge.get("target"))
        if edge.get("source") in starts and node is not None and node.get("type") == "agent":
            agent = (node.get("data") or {}).get("agentId")
            return agent if isinstance(agent, str) else None
    return None


def find_targets(db: Database, event: Event, source: Source, include_legacy: bool = True) -> list[Target]:
    """Return the flows, assignments and triggers that an event starts.

    Flows come first, then assignments, then triggers; each group is ordered from oldest to newest.
    If `include_legacy` is False, only flows are returned: the hosted service ignores assignments and
    triggers (routing.md §0).
    """
    if source.repo is None:
        return []
    owners = _repos_by_owner(db, source.repo)
    if not owners:
        return []
    flows = _flows(db, event, source, owners)
    if not include_legacy:
        return flows
    return [
        *flows,
        *_assignments(db, event, source),
        *_triggers(db, event, source, owners),
    ]


def repos_named(db: Database, full_name: str) -> list[Row]:
    """Return the repository rows of all users that have this full name.

    Rows for a whole repository come before rows for one directory of it.
    """
    return db.all(
        "SELECT id, user_id, full_name, github_installation_id FROM repos WHERE full_name = ? COLLATE NOCASE"
        " ORDER BY root_directory IS NOT NULL, created_at, id",
        (full_name,),
    )


def _repos_by_owner(db: Database, full_name: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in repos_named(db, full_name):
        found.setdefault(row["user_id"], row)
    return found


def _flows(db: Database, event: Event, source: Source, owners: Mapping[str, Row]) -> list[Target]:
    rows = db.all(
        "SELECT f.id, f.user_id, f.installation_id, v.id AS version_id, v.graph FROM flows f"
        " JOIN flow_versions v ON v.id = f.published_version_id"
        " WHERE f.status = 'active' ORDER BY f.created_at, f.id"
    )
    targets = []
    for row in rows:
        repo = owners.get(row["user_id"])
        if repo is None:
            continue
        graph = json.loads(row["graph"])
        start = start_data(graph)
        installation = _installation(source, repo)
        if not matches_start(start, event, source, row["installation_id"], installation):
            continue
        if event.slug is not None and not _has_slug(db, first_agent(graph), event.slug):
            continue
        targets.append(_target("flow", row, repo, event.type, row["version_id"]))
    return targets


def _installation(source: Source, repo: Row) -> int | None:
    found: int | None = source.installation_id
    return found if found is not None else repo["github_installation_id"]


def _target(kind: str, row: Row, repo: Row, source_type: str, version_id: str | None = None) -> Target:
    return Target(
        kind,
        row["id"],
        row["user_id"],
        row["installation_id"],
        version_id,
        repo["id"],
        repo["full_name"],
        source_type,
    )


def _has_slug(db: Database, agent_id: str | None, slug: str) -> bool:
    found = db.value("SELECT slug FROM agents WHERE id = ?", (agent_id,))
    return isinstance(found, str) and found.lower() == slug


def matches_start(
    start: Mapping[str, Any], event: Event, source: Source, own_installation: int, installation: int | None
) -> bool:
    """Return whether a flow's start node listens to the event.

    The event must have the node's type, pass the node's filter and meet the conditions for events of
    this type (routing.md §5.3). `installation` is the installation of the event. If the filter names
    no installation, it must equal `own_installation`, the flow's installation.
    """
    if start.get("event") != event.type:
        return False
    event_filter = start.get("filter") or {}
    if installation not in (event_filter.get("installationIds") or [own_installation]):
        return False
    scope = event_filter.get("scope", "all")
    is_org = source.account_type == "Organization"
    if (scope == "org" and not is_org) or (scope == "personal" and is_org):
        return False
    names = event_filter.get("repos") or []
    if names and (source.repo or "").lower() not in {str(name).lower() for name in names}:
        return False
    return _own_conditions(start, event_filter, event)


def _own_conditions(start: Mapping[str, Any], wanted: Mapping[str, Any], event: Event) -> bool:
    if event.type == "pr_opened":
        return author_passes(wanted.get("authorFilter") or "any", event)
    if event.type == "labeled":
        label = start.get("labelName") or ""
        if start.get("labelPrOnly") and not event.metadata.get("is_pr"):
            return False
        return label in ("", event.metadata.get("label_name"))
    if event.type == "tag_push":
        return tag_passes(start.get("tagPattern") or "", str(event.metadata.get("tag_name") or ""))
    return True


def author_passes(wanted: str, event: Event) -> bool:
    """Return whether an event's author passes the author filter `wanted`.

    An unknown author passes only the filter `any`.
    """
    if wanted == "any":
        return True
    if event.author is None:
        return False
    dependabot = event.author.lower() in _DEPENDABOT
    if wanted == "humans_only":
        return not event.author_is_bot and not dependabot
    return dependabot if wanted == "dependabot_only" else not dependabot


def tag_passes(pattern: str, tag: str) -> bool:
    """Return whether a tag matches a pattern with `*`; an empty pattern matches all."""
    if not pattern:
        return True
    literal = re.sub(r"([?\[\]])", r"[\1]", pattern)
    return fnmatch.fnmatchcase(tag, literal)


def _assignments(db: Database, event: Event, source: Source) -> list[Target]:
    kind = ASSIGNED.get(event.type)
    if kind is None:
        return []
    rows = db.all(
        "SELECT a.id, r.user_id, r.github_installation_id AS installation_id, r.id AS repo_id, r.full_name"
        " FROM assignments a JOIN repos r ON r.id = a.repo_id WHERE a.enabled = 1 AND a.type = ?"
        " AND r.full_name = ? COLLATE NOCASE ORDER BY a.created_at, a.id",
        (kind, source.repo),
    )
    return [
        Target(
            "assignment",
            row["id"],
            row["user_id"],
            row["installation_id"],
            None,
            row["repo_id"],
            row["full_name"],
            kind,
        )
        for row in rows
    ]


def _triggers(db: Database, event: Event, source: Source, owners: Mapping[str, Row]) -> list[Target]:
    rows = db.all(
        "SELECT t.id, t.user_id, t.installation_id, t.is_default, a.slug FROM triggers t"
        " JOIN agents a ON a.id = t.agent_id WHERE t.enabled = 1 AND t.event = ? ORDER BY t.created_at, t.id",
        (event.type,),
    )
    targets = []
    for row in rows:
        repo = owners.get(row["user_id"])
        if repo is None or _installation(source, repo) != row["installation_id"]:
            continue
        # A mention without a name is for the default agent, one with a name for the agent of that name.
        if event.type == "mention":
            named = (row["slug"] or "").lower() == event.slug
            if not (row["is_default"] if event.slug is None else named):
                continue
        targets.append(_target("trigger", row, repo, event.type))
    return targets
