"""/api/github: installations, members, owners, sync, pulls (projects.md §7)."""

from __future__ import annotations

from typing import Any

import httpx

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.projects.project_rows import TEAM_HEADER, UNKNOWN_ID, ProjectRows
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory

INSTALLATIONS = "/api/github/installations"
EMPTY: dict[str, Any] = {"pulls": [], "diff": None}


async def test_installations_are_newest_first_with_repositories(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    projects.installation(88, "acme", target_type="Organization")
    projects.installation(91, "ada-okafor", account_type="User", created_at=9)
    projects.installation(92, None, account_type=None, created_at=1)
    projects.installation(88, "acme", user_id=factory.profile("other"))
    web, hidden = factory.repo("acme/web"), factory.repo("acme/api", is_hidden=1)
    user, org, unknown = (await client.get(INSTALLATIONS)).json()
    assert org == {
        "id": org["id"],
        "installation_id": 88,
        "account_login": "acme",
        "account_type": "Organization",
        "target_type": "Organization",
        "repositories": [{"id": hidden, "full_name": "acme/api"}, {"id": web, "full_name": "acme/web"}],
        "repository_count": 2,
        "synced_repo_count": 2,
        "scope_label": "Org",
        "manage_url": "https://github.com/organizations/acme/settings/installations/88",
    }
    assert (user["scope_label"], user["manage_url"]) == (
        "User",
        "https://github.com/settings/installations/91",
    )
    assert (unknown["scope_label"], unknown["manage_url"], unknown["repositories"]) == ("Account", None, [])


async def test_missing_metadata_and_installations_are_looked_up(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    projects.insert("github_accounts", login="acme", type="Organization", installation_id=88)
    projects.insert("github_accounts", login="brightly", type="Organization", installation_id=90)
    projects.insert("github_accounts", login="ada-okafor", type="User", installation_id=91)
    projects.insert("github_org_members", org_login="acme", login="ada-okafor")
    tables = "/api/realtime/events?tables=github_installations,end_of_test"
    async with client.stream("GET", tables) as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        rows = (await client.get(INSTALLATIONS)).json()
        assert await stream.frames() == [("github_installations", "INSERT")] * 2
        assert {(row["installation_id"], row["scope_label"]) for row in rows} == {(88, "Org"), (91, "User")}
        with projects.db.transaction() as tx:
            tx.update("github_installations", rows[0]["id"], account_login=None, target_type=None)
        assert (await client.get(INSTALLATIONS)).json() == rows
        assert await stream.frames() == [("github_installations", "UPDATE")]


async def test_organisation_members(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, projects: ProjectRows
) -> None:
    projects.installation(88, "acme")
    projects.installation(91, "ada-okafor", account_type="User")
    projects.installation(92, None)
    projects.insert("github_accounts", login="acme", type="Organization")
    projects.insert("github_org_members", org_login="acme", login="kim", email="kim@acme.example")
    projects.insert("github_org_members", org_login="acme", login="jin")
    answer = await client.get(f"{INSTALLATIONS}/88/org-members")
    assert answer.json() == {
        "members": [{"login": "jin", "email": None}, {"login": "kim", "email": "kim@acme.example"}],
        "no_email_count": 1,
    }
    for number, status, text in (
        ("x1", 422, "installationId must be numeric"),
        ("77", 404, "Installation not found"),
        ("91", 400, "Installation is not an organization"),
        ("92", 422, "Installation is missing org login"),
    ):
        answer = await client.get(f"{INSTALLATIONS}/{number}/org-members")
        assert (answer.status_code, answer.json()) == (status, {"error": text})
    assert (await stranger.get(f"{INSTALLATIONS}/88/org-members")).status_code == 404
    with projects.db.transaction() as tx:
        tx.execute('UPDATE github_installations SET permissions = \'{"members":"none"}\'')
    assert (await client.get(f"{INSTALLATIONS}/88/org-members")).status_code == 403
    assert (await stranger.get(INSTALLATIONS)).json() == []


async def test_owners_are_user_and_organisations(client: httpx.AsyncClient, projects: ProjectRows) -> None:
    projects.installation(88, "acme")
    projects.installation(93, "brightly")
    for org in ("acme", "zeta"):
        projects.insert("github_accounts", login=org, type="Organization")
        projects.insert("github_org_members", org_login=org, login="ada-okafor")

    def owner(login: str, kind: str, number: int | None, source: str) -> dict[str, Any]:
        label = "Personal" if kind == "personal" else "Org"
        return {
            "login": login,
            "kind": kind,
            "github_installation_id": number,
            "scope_label": label,
            "source": source,
        }

    assert (await client.get("/api/github/owners")).json() == [
        owner("ada-okafor", "personal", None, "oauth"),
        owner("acme", "org", 88, "oauth+installation"),
        owner("brightly", "org", 93, "installation"),
        owner("zeta", "org", None, "oauth"),
    ]
    projects.no_github()
    assert (await client.get("/api/github/owners")).json() == []


async def test_sync_imports_and_renames_without_delete(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    projects.installation()
    old = factory.repo("acme/old-name", github_id=4711, is_favorite=1, github_installation_id=None)
    child = factory.repo("acme/old-name", github_id=4711, root_directory="apps/web", parent_repo_id=old)
    gone = factory.repo("acme/gone", github_id=1)
    projects.remote("acme/api", 4711, default_branch="trunk")
    projects.remote("acme/web", 4712)
    projects.remote("acme/secret", 4713, installation_id=None)
    rows = (await client.get("/api/github/repos")).json()
    assert [(row["full_name"], row["root_directory"], row["default_branch"]) for row in rows] == [
        ("acme/api", None, "trunk"),
        ("acme/api", "apps/web", "trunk"),
        ("acme/gone", None, "main"),
        ("acme/web", None, "main"),
    ]
    assert [row["id"] for row in rows[:3]] == [old, child, gone]
    assert rows[0]["github_installation_id"] == 88
    assert "workspace" not in rows[0]
    assert "github_app_covered" not in rows[0]
    again = (await client.get("/api/github/repos")).json()
    assert again == rows


async def test_sync_without_app_reads_user_repositories(
    client: httpx.AsyncClient, projects: ProjectRows
) -> None:
    projects.insert("github_accounts", login="acme", type="Organization")
    projects.insert("github_org_members", org_login="acme", login="ada-okafor")
    projects.remote("acme/api", 4711)
    projects.remote("ada-okafor/notes", 4712)
    projects.remote("brightly/api", 4713)
    rows = (await client.get("/api/github/repos")).json()
    assert [(row["full_name"], row["github_installation_id"]) for row in rows] == [
        ("acme/api", None),
        ("ada-okafor/notes", None),
    ]


async def test_sync_without_repositories(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    projects.no_github()
    answer = await client.get("/api/github/repos")
    assert (answer.status_code, answer.json()) == (400, {"error": "NO_GITHUB_CONNECTION"})
    repo = factory.repo()
    assert [row["id"] for row in (await client.get("/api/github/repos")).json()] == [repo]


async def test_flows_and_triggers_move_to_only_installation(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    flow, trigger = factory.flow(), projects.id()
    about = {"user_id": factory.user, "agent_id": factory.agent(), "event": "push", "created_at": 1}
    projects.insert("triggers", id=trigger, installation_id=88, **about)
    projects.installation(91)
    projects.installation(92)
    await client.get("/api/github/repos")
    assert factory.row("flows", flow)["installation_id"] == 88
    with projects.db.transaction() as tx:
        tx.execute("DELETE FROM github_installations WHERE installation_id = 92")
    async with client.stream("GET", "/api/realtime/events?tables=triggers,end_of_test") as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        await client.get("/api/github/repos")
        assert await stream.frames() == [("triggers", "UPDATE")]
    assert factory.row("flows", flow)["installation_id"] == 91
    assert factory.row("triggers", trigger)["installation_id"] == 91


async def test_team_sync_uses_team_workspace(client: httpx.AsyncClient, projects: ProjectRows) -> None:
    projects.installation()
    projects.remote()
    headers = {TEAM_HEADER: projects.team()}
    (row,) = (await client.get("/api/github/repos", headers=headers)).json()
    assert row["product_team_id"] == headers[TEAM_HEADER]
    assert (await client.get("/api/repos")).json() == []


async def test_open_pull_requests_of_repo(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    repo, remote = factory.repo(), projects.remote()
    for number in range(1, 8):
        projects.pull(remote, number, diff=f"diff {number}")
    projects.pull(remote, 9, state="closed", diff="diff 9", updated_at=99)
    body = (await client.get(f"/api/github/pulls?repo_id={repo}")).json()
    assert [pull["number"] for pull in body["pulls"]] == [7, 6, 5, 4, 3]
    assert body["pulls"][0] == {
        "number": 7,
        "title": "Change 7",
        "state": "open",
        "html_url": "https://github.com/acme/api/pull/7",
        "user": {"login": "kim"},
    }
    assert body["diff"] == "diff 7"
    for wanted, diff in (("1", "diff 1"), ("9", "diff 9"), ("404", None)):
        chosen = (await client.get(f"/api/github/pulls?repo_id={repo}&pr={wanted}")).json()
        assert (chosen["pulls"], chosen["diff"]) == (body["pulls"], diff)


async def test_pulls_that_cannot_be_read_are_empty(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    assert (await client.get("/api/github/pulls")).json() == EMPTY
    repo, hidden = factory.repo(), factory.repo("acme/hidden", is_hidden=1)
    loose = factory.repo("acme/loose", github_installation_id=None)
    path = "/api/github/pulls?repo_id="
    assert (await client.get(path + repo)).json() == EMPTY  # GitHub does not know it
    for number, name in ((4711, "acme/api"), (4712, "acme/hidden"), (4713, "acme/loose")):
        projects.pull(projects.remote(name, number), 1, diff="diff")
    # Neither the App nor the person's own sign-in reaches it yet.
    assert (await client.get(path + loose)).json() == EMPTY
    projects.member()
    assert (await client.get(path + loose)).json()["diff"] == "diff"
    projects.no_github()
    for bad in (hidden, UNKNOWN_ID, "seven", loose, f"{repo}&pr=x"):
        answer = await client.get(path + bad)
        assert (answer.status_code, answer.json()) == (200, EMPTY)
    assert (await stranger.get(path + repo)).json() == EMPTY
    assert (await client.get(path + repo)).json()["diff"] == "diff"


async def test_installation_can_belong_to_two_users(
    client: httpx.AsyncClient, server: PlaneServer, factory: RowFactory, projects: ProjectRows
) -> None:
    other = factory.profile("other")
    projects.installation()
    projects.installation(user_id=other)
    projects.remote()
    async with projects.client(server.base_url, other) as them:
        for person in (client, them):
            rows = (await person.get("/api/github/repos")).json()
            assert [row["full_name"] for row in rows] == ["acme/api"]
