"""Personal access tokens, made and revoked by a browser (identity.md §4)."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, iso_app, iso_db
from mogplex_tui.controlplane.http.authentication import digest
from tests.controlplane.api_paths import V1
from tests.controlplane.identity.people import People, refused
from tests.controlplane.row_factory import RowFactory

KEYS = "/api/settings/api-keys"


async def test_a_minted_key_works_at_once_and_its_token_is_shown_once(
    people: People, factory: RowFactory
) -> None:
    ada = await people.owner()
    made = await ada.browser.post(
        KEYS, json={"name": "  CI  ", "scopes": ["read", "read"], "expiresInDays": 1.7}
    )
    assert made.status_code == 200
    body = made.json()
    assert re.fullmatch(r"mog_[A-Za-z0-9]{24}", body["token"])
    assert body == {
        "id": body["id"],
        "token": body["token"],
        "prefix": body["token"][:12],
        "scopes": ["read"],
        "expiresAt": iso_app(factory.clock.us + DAY_US),
    }
    listed = next(key for key in (await ada.browser.get(KEYS)).json()["keys"] if key["id"] == body["id"])
    assert listed == {
        "id": body["id"],
        "name": "CI",
        "prefix": body["prefix"],
        "scopes": ["read"],
        "createdAt": iso_db(factory.clock.us),
        "lastUsedAt": None,
        "expiresAt": iso_db(factory.clock.us + DAY_US),
    }
    assert factory.row("user_api_keys", body["id"])["token_hash"] == digest(body["token"])
    with_it = {"Authorization": f"Bearer {body['token']}"}
    factory.clock.advance(5)
    assert (await ada.browser.get(f"{V1}/agents", headers=with_it)).status_code == 200
    used = next(key for key in (await ada.browser.get(KEYS)).json()["keys"] if key["id"] == body["id"])
    assert used["lastUsedAt"] == iso_db(factory.clock.us)


async def test_a_revoked_key_is_refused_and_not_listed(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    made = (await ada.browser.post(KEYS, json={"name": "old"})).json()
    assert made["scopes"] == ["read", "write"] and made["expiresAt"] is None
    for _ in range(2):
        gone = await ada.browser.delete(f"{KEYS}/{made['id'].upper()}")
        assert (gone.status_code, gone.json()) == (200, {"ok": True})
        factory.clock.advance(1)
    assert made["id"] not in [key["id"] for key in (await ada.browser.get(KEYS)).json()["keys"]]
    # The row stays, and the second call did not move the instant.
    assert factory.row("user_api_keys", made["id"])["revoked_at"] == factory.clock.us - 2_000_000
    answer = await ada.browser.get(f"{V1}/agents", headers={"Authorization": f"Bearer {made['token']}"})
    assert answer.status_code == 401
    assert (await ada.browser.delete(f"{KEYS}/{'0' * 8}-0000-4000-8000-{'0' * 12}")).status_code == 200
    assert refused(await ada.browser.delete(f"{KEYS}/nonsense")) == (400, "Invalid key ID")


async def test_own_keys_are_listed_newest_first_with_expired_ones(
    people: People, factory: RowFactory
) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    factory.clock.advance(60)
    factory.token(scopes=("read",), expires_at=factory.clock.us - HOUR_US)
    factory.clock.advance(60)
    newest = (await ada.browser.post(KEYS, json={"name": "newest"})).json()
    keys = (await ada.browser.get(KEYS)).json()["keys"]
    assert keys[0]["id"] == newest["id"]
    assert [key["createdAt"] for key in keys] == sorted((key["createdAt"] for key in keys), reverse=True)
    assert keys[1]["expiresAt"] < keys[1]["createdAt"] and len(keys) == 4
    theirs = (await ben.browser.get(KEYS)).json()["keys"]
    assert len(theirs) == 1
    # Ben may not end Ada's key, and is not told that there is one.
    assert (await ben.browser.delete(f"{KEYS}/{newest['id']}")).json() == {"ok": True}
    assert factory.row("user_api_keys", newest["id"])["revoked_at"] is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"scopes": "x"}, "Name is required (1-100 characters)"),
        ({"name": "  "}, "Name is required (1-100 characters)"),
        ({"name": "x" * 101}, "Name is required (1-100 characters)"),
        ({"name": "a", "scopes": "read"}, "scopes must be an array of strings"),
        ({"name": "a", "scopes": []}, "scopes must include at least one entry"),
        ({"name": "a", "scopes": ["read", "admin"]}, "Invalid scope value. Allowed: read, write."),
        ({"name": "a", "scopes": [1]}, "Invalid scope value. Allowed: read, write."),
    ],
)
async def test_bad_fields_make_no_key(people: People, body: dict[str, Any], error: str) -> None:
    ada = await people.owner()
    before = len((await ada.browser.get(KEYS)).json()["keys"])
    assert refused(await ada.browser.post(KEYS, json=body)) == (400, error)
    assert len((await ada.browser.get(KEYS)).json()["keys"]) == before


async def test_invalid_json_is_refused_and_null_is_500(people: People) -> None:
    ada = await people.owner()
    assert refused(await ada.browser.post(KEYS, content=b"{")) == (400, "Invalid JSON body")
    crash = await ada.browser.post(KEYS, content=b"null")
    assert (crash.status_code, crash.content) == (500, b"")


@pytest.mark.parametrize("days", [0, -1, "7", None, True])
async def test_non_positive_expiry_means_no_expiry(people: People, days: Any) -> None:
    ada = await people.owner()
    made = (await ada.browser.post(KEYS, json={"name": "a", "expiresInDays": days})).json()
    assert made["expiresAt"] is None


async def test_half_a_day_expires_at_once(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    made = (await ada.browser.post(KEYS, json={"name": "a", "expiresInDays": 0.5})).json()
    assert made["expiresAt"] == iso_app(factory.clock.us)
    factory.clock.advance(1)
    answer = await ada.browser.get(f"{V1}/agents", headers={"Authorization": f"Bearer {made['token']}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("days", ["1e300", "1e999"])
async def test_expiry_out_of_date_range_is_500(people: People, days: str) -> None:
    ada = await people.owner()
    crash = await ada.browser.post(KEYS, content=b'{"name":"a","expiresInDays":' + days.encode() + b"}")
    assert (crash.status_code, crash.content) == (500, b"")


async def test_a_token_alone_may_not_touch_credentials(people: People, anonymous: httpx.AsyncClient) -> None:
    ada = await people.owner()
    for method, path in (
        ("GET", KEYS),
        ("POST", KEYS),
        ("DELETE", f"{KEYS}/x"),
        ("GET", "/api/settings/keys"),
        ("PUT", "/api/settings/keys"),
        ("DELETE", "/api/settings/keys"),
        ("POST", "/api/settings/keys/verify"),
    ):
        assert refused(await ada.token.request(method, path)) == (403, "Forbidden")
        assert refused(await anonymous.request(method, path)) == (401, "Unauthorized")
    # With a session beside it the token says who asks.
    ben = await people.new("ben")
    both = {"Authorization": ben.token.headers["authorization"]}
    assert len((await ada.browser.get(KEYS, headers=both)).json()["keys"]) == 1
