"""API keys, provider keys, new models and billing over HTTP.

identity.md §4-§6, §9, §10.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.billing import Billing, Subscription, TopUp
from mogplex_tui.api.models.keys import ApiKey, ApiKeyDraft, CreatedKey, KeyTest, Provider, Scope
from mogplex_tui.api.models.model_catalog import CliModel, NewModels
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import Seen, http, serving


async def test_api_key_is_created_used_and_revoked(minimal_plane: MinimalPlane) -> None:
    before = {key.id for key in await minimal_plane.client.api_keys.list()}
    made = await minimal_plane.client.api_keys.create(
        ApiKeyDraft(name=" console ", scopes=["read", "read"], expires_in_days=30)
    )
    assert made.scopes == ["read"]
    assert made.expires_at == datetime(2026, 8, 5, 10, 0, tzinfo=UTC) + timedelta(days=30)
    assert made.token.reveal().startswith(made.prefix)
    assert made.token.reveal() not in repr(made)
    listed = next(key for key in await minimal_plane.client.api_keys.list() if key.id not in before)
    assert (listed.id, listed.name, listed.prefix, listed.scopes) == (
        made.id,
        "console",
        made.prefix,
        ["read"],
    )
    assert not listed.is_expired(datetime(2026, 8, 6, tzinfo=UTC))
    assert listed.is_expired(datetime(2027, 1, 1, tzinfo=UTC))
    async with MogplexClient(Target("new", minimal_plane.server.base_url, made.token)) as fresh:
        await fresh.repos.list()
        await minimal_plane.client.api_keys.revoke(made.id)
        await minimal_plane.client.api_keys.revoke(made.id)
        await minimal_plane.client.api_keys.revoke(NOBODY)
        with pytest.raises(e.NotSignedIn):
            await fresh.repos.list()
    assert {key.id for key in await minimal_plane.client.api_keys.list()} == before


async def test_a_key_without_more_has_both_scopes_and_no_end(minimal_plane: MinimalPlane) -> None:
    made = await minimal_plane.client.api_keys.create(ApiKeyDraft(name="k"))
    assert (made.scopes, made.expires_at) == (list(Scope), None)


async def test_a_token_alone_may_not_touch_keys(minimal_plane: MinimalPlane) -> None:
    async with MogplexClient(
        Target("token", minimal_plane.server.base_url, Secret(minimal_plane.server.token))
    ) as client:
        with pytest.raises(e.NotAllowed):
            await client.api_keys.list()


@pytest.mark.parametrize(
    ("listed", "raises"), [([], False), ([{"id": NOBODY}], True), ([{"name": "no id"}], True)]
)
async def test_failed_revoke_is_checked_in_key_list(listed: list[Any], raises: bool) -> None:
    async def answer(seen: Seen, _: Any) -> bytes:
        return http(500, {"error": "no rows"}) if seen.method == "DELETE" else http(200, {"keys": listed})

    async with serving(answer) as service, service.client() as client:
        if raises:
            with pytest.raises(e.ServiceFailed):
                await client.api_keys.revoke(NOBODY)
        else:
            await client.api_keys.revoke(NOBODY)
        assert [seen.method for seen in service.seen] == ["DELETE", "GET"]


async def test_revoke_of_unknown_key_succeeds() -> None:
    async with serving(http(404, {"error": "Key not found"})) as service, service.client() as client:
        await client.api_keys.revoke(NOBODY)
        assert len(service.seen) == 1


async def test_provider_keys_go_in_are_checked_and_are_forgotten(minimal_plane: MinimalPlane) -> None:
    keys = minimal_plane.client.provider_keys
    await keys.put("openai", Secret(" sk-0123456789abcdef "))
    await keys.put(Provider.ANTHROPIC, "x")
    assert [(key.provider, key.created_at is not None) for key in await keys.list()] == [
        ("anthropic", True),
        ("openai", True),
    ]
    good = await keys.verify("openai")
    assert (good.key_stored, good.key_valid, good.service, good.binary) == (True, True, "Codex", "codex")
    bad = await keys.verify("anthropic")
    assert (bad.key_valid, bad.key_error, bad.package) == (
        False,
        "Invalid API key",
        "@anthropic-ai/claude-code",
    )
    none = await keys.verify("openrouter")
    assert (none.key_stored, none.key_valid, none.harness) == (False, None, None)
    await keys.delete("openai")
    await keys.delete("openai")
    assert [key.provider for key in await keys.list()] == ["anthropic"]


async def test_new_models_are_seen_dismissed_and_switched_off(minimal_plane: MinimalPlane) -> None:
    models = minimal_plane.client.models
    for number in (1, 2, 3):
        minimal_plane.clock.advance(60)
        minimal_plane.world.model(
            f"acme/nova-{number}", name=f"Nova {number}", created_at=minimal_plane.clock.us
        )
        found = await models.new()
        assert [(model.id, model.name, model.provider) for model in found.models] == [
            (f"acme/nova-{number}", f"Nova {number}", "acme")
        ]
        assert (found.auto_enable, found.degraded) == (True, False)
        await (models.dismiss_new() if number < 3 else models.disable_new())
    assert "acme/nova-3" not in {model.id for model in (await models.list()).models}
    off = await models.new()
    assert (list(off.models), off.auto_enable) == ([], False)
    await models.set_auto_enable(True)
    assert (await models.new()).auto_enable is True


async def test_models_in_cli_format(minimal_plane: MinimalPlane) -> None:
    minimal_plane.world.model(
        "acme/nova-1",
        name="Nova 1",
        context_length=200_000,
        pricing_input="0.000002",
        pricing_output="0.00001",
        capabilities='["tool-use","vision"]',
    )
    found = next(
        model for model in await minimal_plane.client.models.for_cli() if model.slug == "acme/nova-1"
    )
    assert (found.display_name, found.input_modalities) == ("Nova 1", ["text", "image"])
    assert (found.caps.streaming, found.caps.tool_use, found.caps.reasoning_effort) == (True, True, False)
    assert found.context_window == 200_000
    assert found.pricing is not None
    assert round(found.pricing.input_per_million or Decimal(0), 6) == 2
    assert await minimal_plane.client.models.provider_icons() == ()


async def test_icon_url_of_provider(minimal_plane: MinimalPlane) -> None:
    place = "/storage/v1/object/public/provider-icons/acme.png"
    assert minimal_plane.client.models.icon_url(" Acme ") == minimal_plane.server.base_url + place
    assert (
        minimal_plane.client.models.icon_url("acme", "https://store.example/")
        == "https://store.example" + place
    )
    for odd in ("", "../x", "a b", "-acme"):
        assert minimal_plane.client.models.icon_url(odd) is None


async def test_billing_turned_off_raises_feature_off(minimal_plane: MinimalPlane) -> None:
    billing = minimal_plane.client.billing
    assert await billing.get() == Billing(enabled=False)
    calls: tuple[Call, ...] = (
        lambda _: billing.subscribe(Subscription(plan="pro_monthly")),
        lambda _: billing.top_up(TopUp(amount_cents=1_000)),
        lambda _: billing.portal(),
    )
    for call in calls:
        with pytest.raises(e.FeatureOff, match="has no billing"):
            await call(minimal_plane.client)
    cleared = await billing.clear_vercel_project()
    assert (cleared.project_id, cleared.team_id) == (None, None)
    with pytest.raises(e.FeatureOff) as caught:
        await billing.set_vercel_project("prj_1")
    assert caught.value.code == "VERCEL_INTEGRATION_REQUIRED"


async def test_billing_when_service_supports_it() -> None:
    whole = {
        "enabled": True,
        "canManageBilling": True,
        "tier": "pro",
        "status": "past_due",
        "hasSubscription": True,
        "hasStripeCustomer": True,
        "balance": {"includedCents": 1240, "purchasedCents": -40, "totalCents": 1200},
    }

    async def answer(seen: Seen, _: Any) -> bytes:
        if seen.path == "/api/stripe/portal":
            return http(404, {"error": "No billing history yet"})
        return http(200, whole if seen.method == "GET" else {"url": "https://pay.example/1"})

    async with serving(answer) as service, service.client() as client:
        found = await client.billing.get()
        assert found.balance is not None
        assert (found.tier, found.status, found.can_manage_billing) == ("pro", "past_due", True)
        assert (found.balance.purchased_cents, found.balance.total_cents) == (-40, 1200)
        buy = TopUp(preset="topup_25", return_path="/settings")
        for _ in range(2):
            assert (await client.billing.top_up(buy)).url == "https://pay.example/1"
        assert service.seen[1].body == service.seen[2].body
        assert f'"attemptId":"{buy.attempt_id}"'.encode() in service.seen[1].body
        await client.billing.subscribe(Subscription(plan="pro_monthly"))
        assert service.seen[3].body == b'{"kind":"subscribe","plan":"pro_monthly"}'
        with pytest.raises(e.NotFound, match="No billing history"):
            await client.billing.portal()
    async with serving(http(503, {"error": "Upstream"})) as service, service.client() as client:
        with pytest.raises(e.Unavailable):
            await client.billing.portal()


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (lambda: ApiKeyDraft(name=" "), "Name is required"),
        (lambda: ApiKeyDraft(name="x" * 101), "Name is required"),
        (lambda: ApiKeyDraft(name="x", scopes=[]), "at least one"),
        (lambda: ApiKeyDraft(name="x", scopes=["admin"]), "Invalid scope"),
        (lambda: ApiKeyDraft(name="x", expires_in_days=0), "1 to 36500 days"),
        (lambda: ApiKeyDraft(name="x", expires_in_days=-3), "1 to 36500 days"),
        (lambda: Subscription(plan=" "), "plan"),
        (lambda: TopUp(), "either"),
        (lambda: TopUp(preset="topup_10", amount_cents=2_000), "either"),
        (lambda: TopUp(amount_cents=999), "1000 to 100000"),
        (lambda: TopUp(amount_cents=100_001), "1000 to 100000"),
        (lambda: TopUp(preset="x", attempt_id="junk"), "attempt"),
        (lambda: TopUp(preset="x", attempt_id="6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "attempt"),
    ],
)
def test_invalid_drafts_name_the_invalid_field(draft: Callable[[], Any], says: str) -> None:
    with pytest.raises(e.InvalidInput, match=says):
        draft()


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.api_keys.revoke("junk"),
        lambda c: c.provider_keys.put("acme", "k"),
        lambda c: c.provider_keys.put("openai", " "),
        lambda c: c.provider_keys.delete("acme"),
        lambda c: c.provider_keys.verify(""),
        lambda c: c.billing.set_vercel_project(" "),
    ],
)
async def test_invalid_input_is_not_sent(call: Call) -> None:
    await assert_not_sent(call)


def test_rows_with_unknown_shapes_parse_partially() -> None:
    keys = parse_rows(
        ApiKey, [{"id": "k", "scopes": None, "new": 1}, {"name": "no id"}, {"id": "k2", "scopes": ["future"]}]
    )
    assert [(key.id, key.scopes) for key in keys] == [("k", []), ("k2", ["future"])]
    assert len(keys.bad) == 1
    assert KeyTest.model_validate({"key_stored": None}).key_valid is None
    assert CliModel.model_validate({"slug": "s", "caps": {}, "pricing": {"inputPerMillion": "2"}}).pricing
    new = NewModels.model_validate({"models": [{"id": "a"}, 7], "autoEnable": None})
    assert ([model.id for model in new.models], len(new.models.bad)) == (["a"], 1)
    assert Billing.model_validate({"enabled": True, "tier": "max", "balance": None}).tier == "max"
    assert "mog_" not in repr(CreatedKey.model_validate({"id": "1", "token": "mog_secret"}))
