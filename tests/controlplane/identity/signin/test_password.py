"""Sign-in by address and password, and links in mails."""

from __future__ import annotations

import httpx
import pytest

from mogplex_tui.controlplane.http.authentication import SESSION_COOKIE
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.row_factory import RowFactory

PATH = "/api/auth/sign-in/email"


def _email(factory: RowFactory) -> str:
    return str(factory.plane.db.value("SELECT email FROM profiles WHERE id = ?", (factory.user,)))


async def test_a_script_gets_a_session_for_a_week(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    body = {"email": f" {_email(factory).upper()} ", "password": "hunter2"}
    answer = await anonymous.post(PATH, json=body, headers={"Origin": server.base_url})
    assert answer.status_code == 200
    told = answer.json()
    assert set(told) == {"redirect", "token", "user"} and told["redirect"] is False
    assert (told["user"]["id"], told["user"]["email"]) == (factory.user, _email(factory))
    cookie, snapshot = answer.headers.get_list("set-cookie")
    assert snapshot.startswith("better-auth.session_data=") and "Max-Age=300" in snapshot
    assert cookie.startswith(f"{SESSION_COOKIE}={told['token']};")
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Max-Age=604800" in cookie
    headers = {"Cookie": f"{SESSION_COOKIE}={told['token']}"}
    assert (await anonymous.get("/api/settings/api-keys", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"email": "somebody@example.dev"}, 401, "INVALID_EMAIL_OR_PASSWORD"),
        ({"password": ""}, 401, "INVALID_EMAIL_OR_PASSWORD"),
        ({"email": "nobody"}, 400, "INVALID_EMAIL"),
        ({"email": 5}, 400, "INVALID_EMAIL"),
    ],
)
async def test_unknown_credentials_get_no_session(
    server: PlaneServer,
    anonymous: httpx.AsyncClient,
    factory: RowFactory,
    changes: dict[str, object],
    status: int,
    code: str,
) -> None:
    body = {"email": _email(factory), "password": "hunter2", **changes}
    answer = await anonymous.post(PATH, json=body, headers={"Origin": server.base_url})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "set-cookie" not in answer.headers


async def test_cross_site_form_cannot_sign_in(anonymous: httpx.AsyncClient, factory: RowFactory) -> None:
    body = {"email": _email(factory), "password": "hunter2"}
    bare = await anonymous.post(PATH, json=body)
    assert (bare.status_code, bare.json()["code"]) == (403, "MISSING_OR_NULL_ORIGIN")
    foreign = await anonymous.post(PATH, json=body, headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()) == (403, {"error": "Forbidden origin"})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_mail_link_page_explains_missing_mail(anonymous: httpx.AsyncClient, method: str) -> None:
    answer = await anonymous.request(method, "/api/unsubscribe", params={"token": "x"})
    assert answer.status_code == 200 and "sends no mail" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
