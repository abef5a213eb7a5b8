"""Keys of model providers: stored, checked, deleted, never shown (identity.md §5)."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.db.clock import iso_db
from tests.controlplane.identity.people import People, refused
from tests.controlplane.row_factory import RowFactory

KEYS = "/api/settings/keys"
VERIFY = KEYS + "/verify"


async def test_provider_keys_are_listed_without_secret(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    assert (await ada.browser.get(KEYS)).json() == {"keys": []}
    first = factory.clock.us
    for provider, key in (("openrouter", "sk-or-v1-0123456789"), ("anthropic", "  sk-ant-0123456789 ")):
        put = await ada.browser.put(KEYS, json={"provider": provider, "key": key})
        assert (put.status_code, put.json()) == (200, {"ok": True})
    factory.clock.advance(30)
    await ada.browser.put(KEYS, json={"provider": "openrouter", "key": "sk-or-v1-9876543210"})
    listed = await ada.browser.get(KEYS)
    assert listed.json() == {
        "keys": [
            {"provider": "anthropic", "created_at": iso_db(first), "updated_at": iso_db(first)},
            {"provider": "openrouter", "created_at": iso_db(first), "updated_at": iso_db(factory.clock.us)},
        ]
    }
    assert (await ben.browser.get(KEYS)).json() == {"keys": []}
    kept = factory.plane.db.all("SELECT * FROM provider_keys")
    assert not any("0123456789" in str(value) or "9876543210" in str(value) for row in kept for value in row)


async def test_key_delete_is_idempotent(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    for person in (ada, ben):
        await person.browser.put(KEYS, json={"provider": "openai", "key": "sk-0123456789"})
    for _ in range(2):
        gone = await ada.browser.request("DELETE", KEYS, json={"provider": "openai"})
        assert (gone.status_code, gone.json()) == (200, {"ok": True})
    assert (await ada.browser.get(KEYS)).json() == {"keys": []}
    assert len((await ben.browser.get(KEYS)).json()["keys"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("PUT", KEYS, {"provider": "acme", "key": "x"}, "Invalid provider"),
        ("PUT", KEYS, {"provider": ["openai"], "key": ""}, "Invalid provider"),
        ("PUT", KEYS, {"provider": "openai"}, "Key is required"),
        ("PUT", KEYS, {"provider": "openai", "key": "  "}, "Key is required"),
        ("PUT", KEYS, {"provider": "openai", "key": 7}, "Key is required"),
        ("DELETE", KEYS, {}, "Invalid provider"),
        ("POST", VERIFY, [], "Invalid provider"),
    ],
)
async def test_bad_fields_are_refused(people: People, method: str, path: str, body: Any, error: str) -> None:
    ada = await people.owner()
    assert refused(await ada.browser.request(method, path, json=body)) == (400, error)


async def test_bodies_that_are_no_json_are_refused(people: People) -> None:
    ada = await people.owner()
    for method, path in (("PUT", KEYS), ("DELETE", KEYS), ("POST", VERIFY)):
        assert refused(await ada.browser.request(method, path, content=b"-")) == (400, "Invalid JSON body")


async def test_key_check_reports_validity(people: People) -> None:
    ada = await people.owner()
    claude = {
        "service": "Claude Code",
        "harness": "Claude Code",
        "package": "@anthropic-ai/claude-code",
        "binary": "claude",
    }
    check = {"provider": "anthropic"}
    found = await ada.browser.post(VERIFY, json=check)
    assert (found.status_code, found.json()) == (200, {"key_stored": False, "key_valid": None} | claude)
    await ada.browser.put(KEYS, json=check | {"key": "sk-0123456789"})
    found = await ada.browser.post(VERIFY, json=check)
    bad = {"key_stored": True, "key_valid": False, "key_error": "Invalid API key"}
    assert found.json() == bad | claude
    await ada.browser.put(KEYS, json=check | {"key": "sk-ant-0123456789"})
    found = await ada.browser.post(VERIFY, json=check)
    assert found.json() == {"key_stored": True, "key_valid": True} | claude


@pytest.mark.parametrize(
    ("provider", "key", "service"),
    [
        ("openai", "sk-proj-0123456789", "Codex"),
        ("openrouter", "sk-or-v1-0123456789", "OpenRouter"),
        ("ai_gateway", "vck_0123456789", "Vercel AI Gateway"),
    ],
)
async def test_every_provider_has_its_service(people: People, provider: str, key: str, service: str) -> None:
    ada = await people.owner()
    await ada.browser.put(KEYS, json={"provider": provider, "key": key})
    found = (await ada.browser.post(VERIFY, json={"provider": provider})).json()
    assert (found["key_stored"], found["key_valid"], found["service"]) == (True, True, service)
    assert ("harness" in found) is (provider == "openai")
