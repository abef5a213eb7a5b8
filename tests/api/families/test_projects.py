"""Projects, imported repositories and GitHub over HTTP.

projects.md §3, §5, §7.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.github import Installation, Pulls
from mogplex_tui.api.models.projects import NewRepository, Project, ProjectDraft, ProjectUpdate
from mogplex_tui.api.models.repos import EnvSync, ImportedRepo, RepoDraft, RepoUpdate, Runtime
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import http, serving
from tests.controlplane.projects.project_rows import MONOREPO, ProjectRows
from tests.streamed_answers import Streamed

ODD_VALUES = {"A": '"quoted"', "B": "' single '", "C": "two\nlines", "D": " spaces ", "E": '"', "F": "a\\b"}


@pytest.fixture
def rows(minimal_plane: MinimalPlane) -> ProjectRows:
    return ProjectRows(minimal_plane.world)


async def test_projects_are_made_changed_and_deleted(minimal_plane: MinimalPlane) -> None:
    projects = minimal_plane.client.projects
    assert list(await projects.list()) == []
    made = await projects.create(ProjectDraft(name=" Billing revamp ", sandbox_timeout_ms=3_600_000))
    assert (made.name, made.is_default, made.repo_count, made.lifetime_ms, made.idle_ms) == (
        "Billing revamp",
        False,
        0,
        3_600_000,
        1_800_000,
    )
    assert (await projects.create(ProjectDraft(name="Other"))).sandbox_timeout_ms == 18_000_000
    with pytest.raises(e.Conflict, match="already exists"):
        await projects.create(ProjectDraft(name="billing REVAMP"))
    changed = await projects.update(made.id, ProjectUpdate(description="New", sandbox_timeout_ms=600_000))
    assert (changed.name, changed.description, changed.idle_ms) == ("Billing revamp", "New", 600_000)
    assert (await projects.update(made.id, ProjectUpdate(description=None))).description is None
    with pytest.raises(e.Conflict):
        await projects.update(made.id, ProjectUpdate(name="Other"))
    with pytest.raises(e.NotFound):
        await projects.update(NOBODY, ProjectUpdate(name="x"))
    await projects.delete(made.id)
    with pytest.raises(e.NotFound):
        await projects.delete(made.id)
    repo = await minimal_plane.client.imported_repos.add(RepoDraft(full_name="acme/api", github_id=1))
    with pytest.raises(e.Conflict):
        await projects.delete(str(repo.workspace_id))


async def test_a_repository_is_imported_changed_hidden_and_deleted(minimal_plane: MinimalPlane) -> None:
    repos = minimal_plane.client.imported_repos
    made = await repos.add(
        RepoDraft(full_name="acme/api", github_id=4711, owner="acme", name="api", default_branch="trunk")
    )
    assert made.workspace is not None
    assert (made.label, made.default_branch, made.workspace.is_default) == ("acme/api", "trunk", True)
    assert (made.github_access_state, made.github_app_covered) == ("synced_only", False)
    change = RepoUpdate(
        is_favorite=True,
        dev_command=" pnpm dev ",
        dev_port=8080,
        runtime=Runtime.NODE24,
        root_directory="./apps//web/",
        sandbox_timeout_ms=600_000,
        env_sync_mode=EnvSync.SANDBOX_AND_PREVIEW,
        sandbox_env_vars={name: Secret(value) for name, value in ODD_VALUES.items()},
    )
    changed = await repos.update(made.id, change)
    assert (changed.is_favorite, changed.dev_command, changed.dev_port) == (True, "pnpm dev", 8080)
    assert (changed.runtime, changed.root_directory, changed.env_sync_mode) == (
        "node24",
        "apps/web",
        "sandbox-and-preview",
    )
    assert (changed.label, changed.default_branch) == ("acme/api apps/web", "trunk")
    assert {name: value.reveal() for name, value in changed.sandbox_env_vars.items()} == ODD_VALUES
    assert "quoted" not in repr(changed)
    cleared = await repos.update(made.id, RepoUpdate(root_directory="", runtime=None, is_hidden=True))
    assert (cleared.root_directory, cleared.runtime, cleared.dev_port) == (None, None, 8080)
    assert list(await repos.list()) == []
    assert [repo.id for repo in await repos.list(show_hidden=True)] == [made.id]
    assert (await repos.get(made.id)).is_hidden
    with pytest.raises(e.NotFound):
        await repos.update(NOBODY, RepoUpdate(is_hidden=True))
    await repos.delete(made.id)
    await repos.delete(made.id)
    with pytest.raises(e.NotFound, match="does not know repository"):
        await repos.get(made.id)
    with pytest.raises(e.NotFound):
        await repos.add(RepoDraft(full_name="a/b", workspace_id=NOBODY))


async def test_team_scope_lists_team_repositories(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    minimal_plane.world.repo("acme/mine")
    team = rows.team()
    async with minimal_plane.in_team(team) as client:
        made = await client.imported_repos.add(RepoDraft(full_name="acme/api", github_id=1))
        assert made.product_team_id == team
        assert [repo.full_name for repo in await client.imported_repos.list()] == ["acme/api"]
        assert [project.product_team_id for project in await client.projects.list()] == [team]
        # What is below one repository never asks for the team.
        assert not (await client.imported_repos.packages(made.id)).is_monorepo
    assert [repo.full_name for repo in await minimal_plane.client.imported_repos.list()] == ["acme/mine"]


def test_repo_search_matches_name_and_root_directory() -> None:
    repo = ImportedRepo.model_validate(
        {"id": "1", "full_name": "Acme/API", "owner": "Acme", "name": "API", "root_directory": "apps/web"}
    )
    assert repo.matches(" acme/api ")
    assert repo.matches("APPS/")
    assert not repo.matches("main")


async def test_packages_and_sub_projects(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    repos, repo = minimal_plane.client.imported_repos, minimal_plane.world.repo()
    rows.remote(files=json.dumps(MONOREPO))
    space = await repos.add_subproject(repo, "./apps/web/")
    assert (space.root_directory, space.parent_repo_id, space.label) == (
        "apps/web",
        repo,
        "acme/api apps/web",
    )
    found = await repos.packages(repo)
    assert (found.is_monorepo, found.marker) == (True, "pnpm-workspace.yaml")
    assert [(package.path, package.framework, package.is_imported) for package in found.packages][:2] == [
        ("apps/api", "hono", False),
        ("apps/web", "next", True),
    ]
    with pytest.raises(e.Conflict, match="Space already exists"):
        await repos.add_subproject(repo, "apps/web")
    async with minimal_plane.as_other() as other:
        with pytest.raises(e.NotFound, match="Repo not found"):
            await other.imported_repos.add_subproject(repo, "apps/api")
    rows.no_github()
    with pytest.raises(e.BadRequest, match="GitHub token required"):
        await repos.packages(repo)


async def test_second_snapshot_build_is_throttled(minimal_plane: MinimalPlane) -> None:
    repos, repo = minimal_plane.client.imported_repos, minimal_plane.world.repo()
    assert await repos.snapshot(repo) is None
    built = await repos.build_snapshot(repo)
    assert (built.status, built.commit_sha, bool(built.size_bytes)) == ("created", None, True)
    read = await repos.snapshot(repo)
    assert read is not None
    assert (read.id, bool(read.commit_sha), bool(read.expires_at)) == (built.id, True, True)
    with pytest.raises(e.Throttled) as caught:
        await repos.build_snapshot(repo)
    assert (caught.value.retry_after, caught.value.code) == (900, "snapshot_rate_limited")
    assert not caught.value.of_requests
    await repos.delete_snapshot(repo)
    await repos.delete_snapshot(repo)
    assert await repos.snapshot(repo) is None


async def test_snapshot_build_has_long_read_timeout() -> None:
    waits: dict[str, float] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        waits[request.method] = request.extensions["timeout"]["read"]
        return httpx.Response(200, json={"snapshot": {"id": "snap_1"}})

    target = Target("slow", "https://service.example", Secret("mog_Q2xv9TbYk0LmWc7ReHs4DpZa"))
    async with MogplexClient(target, http=Streamed(httpx.MockTransport(answer))) as client:
        await client.imported_repos.build_snapshot(NOBODY)
        await client.imported_repos.snapshot(NOBODY)
    assert waits["POST"] >= 15 * 60
    assert waits["GET"] <= 30


async def test_installations_members_and_owners(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    github = minimal_plane.client.github
    rows.installation(88, "acme", target_type="Organization")
    rows.installation(91, "ada-okafor", account_type="User")
    rows.insert("github_accounts", login="acme", type="Organization")
    rows.insert("github_org_members", org_login="acme", login="kim", email="kim@acme.example")
    rows.insert("github_org_members", org_login="acme", login="jin")
    repo = minimal_plane.world.repo()
    found = {row.installation_id: row for row in await github.installations()}
    assert [(covered.id, covered.full_name) for covered in found[88].repositories] == [(repo, "acme/api")]
    assert (found[88].scope_label, found[91].scope_label) == ("Org", "User")
    members = await github.org_members(88)
    assert [(member.login, member.email) for member in members.members] == [
        ("jin", None),
        ("kim", "kim@acme.example"),
    ]
    assert members.no_email_count == 1
    with pytest.raises(e.BadRequest, match="not an organization"):
        await github.org_members(91)
    with pytest.raises(e.NotFound):
        await github.org_members(77)
    owners = await github.owners()
    assert [(owner.login, owner.kind, owner.github_installation_id) for owner in owners] == [
        ("ada-okafor", "personal", 91),
        ("acme", "org", 88),
    ]


async def test_sync_imports_repos_and_empty_sync_is_refused(
    minimal_plane: MinimalPlane, rows: ProjectRows
) -> None:
    rows.no_github()
    with pytest.raises(e.BadRequest) as caught:
        await minimal_plane.client.github.sync()
    assert caught.value.code == "NO_GITHUB_CONNECTION"
    rows.installation()
    rows.remote("acme/api", 4711)
    assert [
        (repo.full_name, repo.github_installation_id) for repo in await minimal_plane.client.github.sync()
    ] == [("acme/api", 88)]


async def test_pull_request_with_requested_diff(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    repo, remote = minimal_plane.world.repo(), rows.remote()
    for number in (1, 2):
        rows.pull(remote, number, diff=f"diff {number}")
    newest = await minimal_plane.client.github.pulls(repo)
    assert ([pull.number for pull in newest.pulls], newest.diff) == ([2, 1], "diff 2")
    assert newest.pulls[0].user is not None
    assert (newest.pulls[0].user.login, newest.pulls[0].additions) == ("kim", None)
    assert (await minimal_plane.client.github.pulls(repo, 1)).diff == "diff 1"
    nothing = await minimal_plane.client.github.pulls(NOBODY)
    assert (list(nothing.pulls), nothing.diff) == ([], None)


async def test_a_repository_is_made_on_github(minimal_plane: MinimalPlane) -> None:
    project = await minimal_plane.client.projects.create(ProjectDraft(name="New"))
    made = await minimal_plane.client.projects.create_repository(project.id, NewRepository(name=" notes "))
    assert made is not None
    assert (made.full_name.partition("/")[2], made.workspace_id) == ("notes", project.id)
    with pytest.raises(e.Conflict):
        await minimal_plane.client.projects.create_repository(project.id, NewRepository(name="notes"))
    with pytest.raises(e.BadRequest, match="account is unavailable"):
        await minimal_plane.client.projects.create_repository(
            project.id, NewRepository(name="x", owner_login="somebody")
        )
    with pytest.raises(e.NotFound):
        await minimal_plane.client.projects.create_repository(NOBODY, NewRepository(name="x"))
    async with serving(http(200, None)) as service, service.client() as client:
        assert await client.projects.create_repository(NOBODY, NewRepository(name="x")) is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.imported_repos.add(RepoDraft(full_name="a/b")), "stores nothing"),
        (lambda c: c.imported_repos.update(NOBODY, RepoUpdate(is_hidden=True)), "stores nothing"),
        (lambda c: c.imported_repos.add_subproject(NOBODY, "apps/web"), "cannot store sub-projects"),
        (lambda c: c.repo_overrides.exclude_rule(NOBODY, NOBODY), "cannot exclude"),
        (lambda c: c.repo_overrides.exclude_skill(NOBODY, NOBODY, False), "cannot exclude"),
    ],
)
async def test_known_hosted_failures_are_explained(call: Call, says: str) -> None:
    async with serving(http(500, {"error": "boom"})) as service, service.client() as client:
        with pytest.raises(e.ServiceFailed, match=says):
            await call(client)


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (lambda: RepoDraft(full_name="acme"), "owner/name"),
        (lambda: RepoDraft(full_name="a/b", workspace_id="x"), "not the id of a project"),
        (lambda: RepoDraft.model_validate({"full_name": "a/b", "is_hidden": True}), "no field 'is_hidden'"),
        (lambda: RepoUpdate.model_validate({"workspace_id": NOBODY}), "no field 'workspace_id'"),
        (lambda: RepoUpdate(dev_port=0), "greater than"),
        (lambda: RepoUpdate(dev_port=None), "cannot be empty"),
        (lambda: RepoUpdate(runtime="node18"), "runtime must be"),
        (lambda: RepoUpdate(default_branch=" "), "default branch"),
        (lambda: RepoUpdate(sandbox_timeout_ms=1), "600000"),
        (lambda: RepoUpdate(root_directory="../x"), "out of the repository"),
        (lambda: RepoUpdate(env_sync_mode="vercel-project"), "sandbox-only or sandbox-and-preview"),
        (lambda: RepoUpdate(sandbox_billing_mode_override="user_vercel_project"), "platform or none"),
        (lambda: RepoUpdate(sandbox_env_vars={" ": Secret("x")}), "no name"),
        (lambda: RepoUpdate(sandbox_env_vars={"A": Secret("x"), " A": Secret("y")}), "same name"),
        (lambda: ProjectDraft(name=" "), "name is required"),
        (lambda: ProjectDraft(name="x", sandbox_timeout_ms=18_000_001), "18000000"),
        (lambda: ProjectUpdate(), "nothing to change"),
        (lambda: ProjectUpdate(sandbox_timeout_ms=None), "lifetime"),
        (lambda: NewRepository(name="a/b"), "name is required"),
        (lambda: NewRepository(name="a", visibility="internal"), "public or private"),
    ],
)
def test_invalid_drafts_name_the_invalid_field(draft: Callable[[], Any], says: str) -> None:
    with pytest.raises(e.InvalidInput, match=says):
        draft()


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.imported_repos.get("acme/api"),
        lambda c: c.imported_repos.update(NOBODY, RepoUpdate()),
        lambda c: c.imported_repos.delete("1"),
        lambda c: c.imported_repos.add_subproject(NOBODY, "./"),
        lambda c: c.imported_repos.add_subproject(NOBODY, "../x"),
        lambda c: c.imported_repos.build_snapshot("x"),
        lambda c: c.projects.update("x", ProjectUpdate(name="y")),
        lambda c: c.projects.delete("default"),
        lambda c: c.github.org_members("x1"),
        lambda c: c.github.pulls("acme/api"),
    ],
)
async def test_invalid_input_is_not_sent(call: Call) -> None:
    await assert_not_sent(call)


def test_rows_with_unknown_shapes_parse_partially() -> None:
    repos = parse_rows(
        ImportedRepo,
        [
            {
                "id": "1",
                "sandbox_env_vars": None,
                "runtime": "bun",
                "workspace": None,
                "webhook_secret": "s3cr3t",
            },
            {"id": "2", "sandbox_env_vars": {"A": 1, "B": None}, "workspace": {"id": "w", "name": None}},
            {"full_name": "no/id"},
        ],
    )
    assert ([repo.id for repo in repos], len(repos.bad)) == (["1", "2"], 1)
    assert repos[0].webhook_secret == Secret("s3cr3t")
    assert "s3cr3t" not in repr(repos)
    assert {name: value.reveal() for name, value in repos[1].sandbox_env_vars.items()} == {"A": "1", "B": ""}
    assert Project.model_validate({"id": "p", "sandbox_timeout_ms": None}).lifetime_ms == 18_000_000
    one = Installation.model_validate({"id": "i", "repositories": [{"id": "r"}, {}], "manage_url": None})
    assert ([repo.id for repo in one.repositories], len(one.repositories.bad)) == (["r"], 1)
    assert list(Pulls.model_validate({"pulls": None, "diff": None}).pulls) == []
