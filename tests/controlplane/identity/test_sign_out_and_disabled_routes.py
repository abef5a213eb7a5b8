"""Sign-out, memberships and disabled routes (identity.md §2, §7, §9 to §11)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.identity import slugs
from tests.controlplane.identity.people import People, refused
from tests.controlplane.row_factory import RowFactory

BILLING = "/api/profile/vercel-billing"


async def test_sign_out_ends_session_and_is_idempotent(people: People) -> None:
    ben = await people.new("ben")
    assert (await ben.browser.get("/api/auth/user")).json()["user"]["id"] == ben.id
    for _ in range(2):
        out = await ben.browser.post("/api/auth/logout")
        assert (out.status_code, out.json()) == (200, {"ok": True})
        cookies = out.headers.get_list("set-cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == [
            "better-auth.session_token",
            "better-auth.session_data",
        ]
        assert all("Max-Age=0" in cookie for cookie in cookies)
    assert (await ben.browser.get("/api/auth/user")).json() == {"user": None}
    # The token is another matter.
    assert (await ben.token.get("/api/auth/user")).json()["user"]["id"] == ben.id


async def test_sign_out_link_redirects_to_login(anonymous: httpx.AsyncClient, people: People) -> None:
    answer = await anonymous.get("/api/auth/logout")
    assert (answer.status_code, answer.headers["location"]) == (307, people.server.base_url + "/login")


async def test_app_installation_is_pending_until_finished(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    answer = await ada.token.get("/api/auth/github")
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("https://github.com/apps/")
    user = (await ada.token.get("/api/auth/user")).json()["user"]
    assert (user["github_state"], user["github_install_pending"]) == ("app_install_pending", True)
    assert user["github_status_label"] == "Install pending"
    assert user["github_primary_action"] == {
        "kind": "complete_install",
        "label": "Complete GitHub App install",
        "href": "/api/auth/github",
    }
    factory.repo()
    user = (await ada.token.get("/api/auth/user")).json()["user"]
    assert (user["github_state"], user["github_install_pending"]) == (
        "app_installed_with_synced_repos",
        False,
    )


async def test_memberships_list_personal_scope_then_teams_by_name(people: People) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    assert (await ben.token.get("/api/memberships")).json() == {
        "personal": {"slug": None, "name": "ben", "avatarUrl": None},
        "teams": [],
    }
    later = people.team(ben, "zebra", name="Zebra")
    first = people.team(ada, "aardvark", name="Aardvark")
    people.join(first, ben, "developer")
    people.team(ada, "private", name="Private")
    body = (await ben.token.get("/api/memberships")).json()
    assert body["teams"] == [
        {"id": first, "slug": "aardvark", "name": "Aardvark", "iconUrl": None, "role": "developer"},
        {"id": later, "slug": "zebra", "name": "Zebra", "iconUrl": None, "role": "owner"},
    ]
    mine = (await ada.token.get("/api/memberships")).json()
    assert mine["personal"]["slug"] == "ada-okafor"
    assert [team["name"] for team in mine["teams"]] == ["Aardvark", "Private"]


async def test_new_account_slug_is_derived_from_profile(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    people.team(ada, "kim")
    people.team(ada, "kim-2")
    with factory.plane.db.transaction() as tx:
        assert slugs.fresh(tx, "Kim_Dev", "x@y.z", "01234567-89") == "kim-dev"
        assert slugs.fresh(tx, None, "kim@example.org", "01234567-89") == "kim-3"
        assert slugs.fresh(tx, "settings", "x@y.z", "01234567-89") == "user-01234567"
        assert slugs.fresh(tx, "___", "x@y.z", "01234567-89") == "user-01234567"
        assert slugs.fresh(tx, "a" * 60, "x@y.z", "01234567-89") == "a" * 39
        for number in (3, 4, 5):
            tx.insert("reserved_slugs", slug=f"kim-{number}")
        assert slugs.fresh(tx, "kim", "x@y.z", "01234567-89") == "kim-01234567"


async def test_billing_is_disabled(anonymous: httpx.AsyncClient, people: People) -> None:
    ada = await people.owner()
    for client in (anonymous, ada.token):
        answer = await client.get("/api/billing", headers={"x-mogplex-team-id": ada.id})
        assert (answer.status_code, answer.json()) == (200, {"enabled": False})
        for path in ("checkout", "portal"):
            bought = await client.post(
                f"/api/stripe/{path}", json={"kind": "subscribe", "plan": "pro_monthly"}
            )
            assert refused(bought) == (503, "Billing is not enabled")


async def test_clearing_vercel_project_clears_both_columns(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", ada.id, vercel_project_id="prj_1", vercel_team_id="team_1")
    user = (await ada.token.get("/api/auth/user")).json()["user"]
    assert (user["account_vercel_project_id"], user["account_vercel_team_id"]) == ("prj_1", "team_1")
    assert user["vercel"]["linkedProjectState"] == "account"
    cleared = await ada.token.patch(BILLING, json={"projectId": None})
    assert (cleared.status_code, cleared.json()) == (
        200,
        {"projectId": None, "teamId": None, "projectName": None},
    )
    user = (await ada.token.get("/api/auth/user")).json()["user"]
    assert (user["account_vercel_project_id"], user["account_vercel_team_id"]) == (None, None)
    assert user["vercel"]["linkedProjectState"] == "none"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("null", "Body must be a JSON object"),
        ("[]", "Body must be a JSON object"),
        ("{", "Invalid JSON body"),
        ('{"projectId": 7}', "projectId must be a string or null"),
        ('{"projectId": " "}', "projectId must be a non-empty string or null"),
    ],
)
async def test_unclear_vercel_projects_are_refused(people: People, body: str, error: str) -> None:
    ada = await people.owner()
    assert refused(await ada.token.patch(BILLING, content=body)) == (400, error)


async def test_missing_project_does_not_clear_it(people: People) -> None:
    ada = await people.owner()
    assert (await ada.token.patch(BILLING, json={"teamId": None})).status_code == 400


async def test_linking_vercel_is_switched_off(people: People, anonymous: httpx.AsyncClient) -> None:
    ada = await people.owner()
    requests: list[tuple[str, str, Any]] = [
        ("PATCH", BILLING, {"projectId": "prj_1"}),
        ("POST", "/api/auth/vercel/token", {"token": "x"}),
        ("DELETE", "/api/auth/vercel/token", None),
    ]
    for method, path, body in requests:
        off = await ada.token.request(method, path, json=body)
        assert refused(off) == (501, "VERCEL_INTEGRATION_REQUIRED")
        assert set(off.json()) == {"error", "message"}
        assert (await anonymous.request(method, path, json=body)).status_code == 401


async def test_cli_has_no_release(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/api/cli/latest")
    assert answer.status_code == 503
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "error": "CLI release manifest is unavailable",
        "installScriptUrl": "https://install.mogplex.com/install.sh",
    }
