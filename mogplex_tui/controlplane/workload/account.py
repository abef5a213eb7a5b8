"""The seeded account: its repositories, agents and flows, with their ids."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..db.database import Row
from ..sample_data.loader import material
from .rng import new_uuid, stream


class Repo(NamedTuple):
    """One connected repository of the account (projects.md, v1.md §1)."""

    key: str
    id: str
    user_id: str
    full_name: str
    installation_id: int | None
    branch: str
    root: str | None
    hidden: bool


class Flow(NamedTuple):
    """One automation: its ids, settings, published graph and draft graph.

    `spec` is the object in the sample data from which it is made.
    """

    key: str
    id: str
    user_id: str
    installation_id: int
    name: str
    event: str
    active: bool
    version_ids: tuple[str, ...]
    graph: dict[str, Any]
    draft: dict[str, Any]
    spec: dict[str, Any]

    @property
    def version_id(self) -> str:
        """The id of the published version."""
        return self.version_ids[-1]


class SeededAccount(NamedTuple):
    """The ids and data of the seeded account.

    They depend only on the seed and the id of the first user.
    """

    user_id: str
    other_user_id: str
    repos: dict[str, Repo]
    agent_ids: dict[str, str]
    flows: dict[str, Flow]
    team_ids: dict[str, str]

    def own(self) -> list[Repo]:
        """Return the first user's repositories that are not hidden."""
        return [repo for repo in self.repos.values() if repo.user_id == self.user_id and not repo.hidden]


def _position(index: int) -> dict[str, int]:
    return {"x": 260 * index, "y": 0}


def _node_data(node: dict[str, Any], agent_ids: dict[str, str]) -> dict[str, Any]:
    kind = node["type"]
    data: dict[str, Any] = {"label": node["label"]}
    if kind == "agent":
        data |= {
            "agentId": agent_ids[node["agent"]],
            "harness": node["harness"],
            "role": node["role"],
            "autofix": False,
            "autofixSandbox": False,
            "autoMerge": False,
            "autoRevert": False,
            "requireApproval": False,
            "modelOverride": node["model"],
            "maxStepsOverride": None,
            "timeoutMsOverride": 600_000,
            "systemPromptOverride": None,
        }
    elif kind == "condition":
        data |= {"mode": "all", "rules": node["rules"]}
    elif kind == "join":
        data |= {"policy": "wait_for_all", "quorum": None}
    elif kind == "await_event":
        data |= {"config": node["config"], "timeout": node["timeout"]}
    elif kind == "set_variable":
        data |= {"assignments": node["assignments"]}
    return data


def build_graph(spec: dict[str, Any], installation_id: int, agent_ids: dict[str, str]) -> dict[str, Any]:
    """Return a flow's graph in the form that the service stores (routing.md §5)."""
    start = {"isDefault": False, **spec["start"]}
    start["filter"] = {
        "scope": "all",
        **spec["start"].get("filter", {}),
        "installationIds": [installation_id],
    }
    nodes = [{"id": "start", "type": "start", "position": _position(0), "data": start}]
    for index, node in enumerate(spec["nodes"], start=1):
        data = _node_data(node, agent_ids)
        nodes.append({"id": node["id"], "type": node["type"], "position": _position(index), "data": data})
    end = {"id": "end", "type": "end", "position": _position(len(nodes)), "data": {"label": "Done"}}
    edges = [
        {
            "id": f"{edge[0]}-{edge[1]}",
            "source": edge[0],
            "target": edge[1],
            "sourceHandle": edge[2] if len(edge) > 2 else None,
            "targetHandle": None,
        }
        for edge in spec["edges"]
    ]
    return {"nodes": [*nodes, end], "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}}


def build_world(seed: int, user_id: str) -> SeededAccount:
    """Return the seeded account for a seed and the id of the first user."""
    rng = stream(seed, "world")
    account = material("account")
    other = new_uuid(rng)
    owners = {"ada": user_id, "jonas": other}
    installations = {
        row["key"]: row["installation_id"] for person in account["people"] for row in person["installations"]
    }
    repos = {
        row["key"]: Repo(
            key=row["key"],
            id=new_uuid(rng),
            user_id=owners[row["owner"]],
            full_name=row["full_name"],
            installation_id=installations.get(row["installation"]),
            branch=row.get("branch", "main"),
            root=row.get("root"),
            hidden=row.get("hidden", False),
        )
        for row in account["repos"]
    }
    agent_ids = {row["key"]: new_uuid(rng) for row in account["agents"]}
    flows = {}
    for spec in material("flows"):
        installation_id = installations[spec["installation"]]
        graph = build_graph(spec, installation_id, agent_ids)
        draft = graph
        if "draft_label" in spec:
            first = {**spec["nodes"][0], "label": spec["draft_label"]}
            draft = build_graph({**spec, "nodes": [first, *spec["nodes"][1:]]}, installation_id, agent_ids)
        flows[spec["key"]] = Flow(
            key=spec["key"],
            id=new_uuid(rng),
            user_id=owners[spec["owner"]],
            installation_id=installation_id,
            name=spec["name"],
            event=spec["start"]["event"],
            active=spec["status"] == "active",
            version_ids=tuple(new_uuid(rng) for _ in range(spec["versions"])),
            graph=graph,
            draft=draft,
            spec=spec,
        )
    # Drawn from their own stream, because the ids above were drawn before there were teams.
    teams = stream(seed, "teams")
    team_ids = {row["key"]: new_uuid(teams) for row in material("identity")["teams"]}
    return SeededAccount(user_id, other, repos, agent_ids, flows, team_ids)


def repo_of(world: SeededAccount, repo_id: str, row: Row) -> Repo:
    """Return the repository of the account with the id `repo_id`.

    If the account has no repository with this id, a new one is made from `row`. It uses the sample
    data of the "api" repository.
    """
    for repo in world.repos.values():
        if repo.id == repo_id:
            return repo
    return Repo(
        "", repo_id, row["user_id"], row["full_name"], None, row["base_branch"], row["root_directory"], False
    )
