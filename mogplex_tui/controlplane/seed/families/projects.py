"""Seed projects, and the GitHub data and settings of repositories (projects.md)."""

from __future__ import annotations

import hashlib
import uuid
from random import Random
from typing import Any

from ...db.batch_insert import Rows, encode
from ...db.clock import DAY_US, HOUR_US, MINUTE_US
from ...sample_data.loader import material
from ...workload.account import Repo, SeededAccount
from ...workload.rng import new_uuid, whole


def _named_id(world: SeededAccount, name: str) -> str:
    """Return an id that is derived from the account and a name.

    Other rows can therefore refer to the id before the row with this id is inserted.
    """
    return str(uuid.uuid5(uuid.UUID(world.user_id), f"projects/{name}"))


def _base(world: SeededAccount) -> Repo:
    """Return the repository for the root directory of the monorepo.

    The monorepo's two sub-projects are repositories of their own.
    """
    base = material("projects")["base"]
    repo_id = _named_id(world, base["key"])
    name, installation = base["full_name"], base["installation"]
    return Repo(base["key"], repo_id, world.user_id, name, installation, "main", None, hidden=False)


def repo_row(world: SeededAccount, repo: Repo, created_at: int, now: int) -> dict[str, Any]:
    """Return all columns of a seeded repository; `created_at` and `now` are in µs."""
    spec = material("projects")["repos"][repo.key]
    owner, _, name = repo.full_name.partition("/")
    return {
        "id": repo.id,
        "user_id": repo.user_id,
        "full_name": repo.full_name,
        "github_installation_id": repo.installation_id,
        "default_branch": repo.branch,
        "root_directory": repo.root,
        "is_hidden": int(repo.hidden),
        "created_at": created_at,
        "owner_user_id": repo.user_id,
        "created_by_user_id": repo.user_id,
        "workspace_id": _named_id(world, spec["workspace"]),
        "github_id": spec["github_id"],
        "owner": owner,
        "name": name,
        "is_monorepo": int(spec.get("monorepo", False)),
        "parent_repo_id": _base(world).id if "parent" in spec else None,
        "is_favorite": int(spec.get("favorite", False)),
        "install_command": spec.get("install"),
        "dev_command": spec.get("dev"),
        "dev_port": spec.get("port", 3000),
        "dev_port_auto": int("port" not in spec),
        "runtime": spec.get("runtime"),
        "sandbox_env_vars": encode(spec.get("env", {})),
        "env_sync_mode": spec.get("sync", "sandbox-only"),
        **_snapshot(world, repo, now),
    }


def _snapshot(world: SeededAccount, repo: Repo, now: int) -> dict[str, Any]:
    """Return the columns of a repository's prebuilt sandbox image."""
    built = next((row for row in material("projects")["snapshots"] if row["repo"] == repo.key), None)
    columns = ("id", "commit_sha", "lockfile_hash", "created_at", "billing_source")
    if built is None:
        return {f"snapshot_{name}": None for name in columns}
    text = f"{world.user_id}/{repo.full_name}"
    return {
        "snapshot_id": _snapshot_id(world, repo.key),
        "snapshot_commit_sha": hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
        "snapshot_lockfile_hash": hashlib.sha256(text.encode()).hexdigest(),
        "snapshot_created_at": now - built["hours"] * HOUR_US,
        "snapshot_billing_source": "platform",
    }


def _snapshot_id(world: SeededAccount, key: str) -> str:
    return "snap_" + uuid.UUID(_named_id(world, f"snapshot/{key}")).hex[:12]


def write(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the rows of workspaces, repositories, GitHub data and settings.

    `now` is in µs; all times are before it.
    """
    written = material("projects")
    owners = {"ada": world.user_id, "jonas": world.other_user_id}
    for row in written["workspaces"]:
        owner, at = owners[row["owner"]], now - row["age"] * DAY_US
        rows.add(
            "workspaces",
            id=_named_id(world, row["key"]),
            user_id=owner,
            owner_user_id=owner,
            created_by_user_id=owner,
            name=row["name"],
            description=row["description"],
            is_default=int(row.get("default", False)),
            sandbox_timeout_ms=row["timeout"],
            sandbox_idle_timeout_ms=row.get("idle"),
            created_at=at,
            updated_at=at + whole(rng, 0, row["age"] * 20) * HOUR_US,
        )
    rows.add("repos", **repo_row(world, _base(world), now - 238 * DAY_US, now))
    _write_github(rows, world, rng, now)
    _write_settings(rows, world, rng, now)


def _write_github(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the rows of the simulated GitHub.

    These are accounts, members, repositories, pull requests and secrets.
    """
    written = material("projects")
    for row in written["accounts"]:
        rows.add(
            "github_accounts",
            login=row["login"],
            type=row["type"],
            installation_id=row["installation"],
            members_may_create=int(row["create"]),
        )
    for row in written["members"]:
        rows.add("github_org_members", org_login=row["org"], login=row["login"], email=row["email"])
    for repo in (_base(world), *world.repos.values()):
        if repo.root is None:
            _add_remote(
                rows,
                written["repos"][repo.key]["github_id"],
                repo.full_name,
                repo.installation_id,
                now - 700 * DAY_US,
                default_branch=repo.branch,
                files=encode(written["files"].get(repo.key, {})),
            )
    for row in written["unimported"]:
        at = now - whole(rng, 4, 90) * DAY_US
        _add_remote(
            rows, row["github_id"], row["full_name"], row["installation"], at, description=row["description"]
        )
    for row in written["pulls"]:
        updated = now - row["hours"] * HOUR_US - whole(rng, 0, 50) * MINUTE_US
        rows.add(
            "github_pulls",
            github_id=written["repos"][row["repo"]]["github_id"],
            number=row["number"],
            title=row["title"],
            author_login=row["author"],
            diff=unified(row["path"], row["line"], row["before"], row["after"]),
            created_at=updated - whole(rng, 1, 60) * HOUR_US,
            updated_at=updated,
        )
    for row in written["secrets"]:
        at = now - row["days"] * DAY_US
        github_id = written["repos"][row["repo"]]["github_id"]
        rows.add("github_secrets", github_id=github_id, name=row["name"], created_at=at, updated_at=at)


def _add_remote(
    rows: Rows, github_id: int, full_name: str, installation: int | None, created_at: int, **columns: Any
) -> None:
    owner, _, name = full_name.partition("/")
    columns = {"default_branch": "main", "description": None, "files": "{}"} | columns
    rows.add(
        "github_remote_repos",
        github_id=github_id,
        owner_login=owner,
        name=name,
        installation_id=installation,
        created_at=created_at,
        **columns,
    )


def unified(path: str, line: int, before: list[str], after: list[str]) -> str:
    """Return a unified diff that replaces the lines `before` by the lines `after`.

    If `before` is empty, the diff adds a file.
    """
    old = f"{line},{len(before)}" if before else "0,0"
    head = [f"diff --git a/{path} b/{path}"]
    head += [f"--- a/{path}" if before else "--- /dev/null", f"+++ b/{path}"]
    body = [f"@@ -{old} +{line},{len(after)} @@", *(f"-{text}" for text in before)]
    return "\n".join([*head, *body, *(f"+{text}" for text in after)]) + "\n"


def _write_settings(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the rows of some repositories' launch presets, overrides and images."""
    written = material("projects")
    for row in written["presets"]:
        at = now - row["days"] * DAY_US + whole(rng, 0, 600) * MINUTE_US
        rows.add(
            "sandbox_launch_presets",
            id=new_uuid(rng),
            user_id=world.user_id,
            repo_id=world.repos[row["repo"]].id,
            name=row["name"],
            root_directory=row["root"],
            base_branch=row["base"],
            working_branch=row["working"],
            create_branch=int(row["working"] != row["base"]),
            created_at=at,
            updated_at=at,
        )
    for row in written["models"]:
        repo_id = world.repos[row["repo"]].id
        rows.add("repo_model_overrides", repo_id=repo_id, model_id=row["model"], excluded=1)
    for table, entries in (("repo_rule_overrides", "rules"), ("repo_skill_overrides", "skills")):
        for row in written[entries]:
            columns = {name: row[name] for name in ("name", "description", "content") if name in row}
            at = now - row["days"] * DAY_US + whole(rng, 0, 600) * MINUTE_US
            rows.add(table, id=new_uuid(rng), repo_id=world.repos[row["repo"]].id, **columns, created_at=at)
    for row in written["snapshots"]:
        at = now - row["hours"] * HOUR_US
        snapshot_id = _snapshot_id(world, row["repo"])
        rows.add(
            "provider_snapshots",
            id=snapshot_id,
            size_bytes=row["size"],
            created_at=at,
            expires_at=at + 30 * DAY_US,
        )
