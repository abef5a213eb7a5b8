"""Models: what each can do, costs and whether this account may use it (identity.md §6, v1.md §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, listed
from mogplex_tui.operate.kinds.parts import switches

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _catalogue(client: ClientView, session: Session) -> Listing:
    found = await client.models.list()
    usable = {model.id for model in found.models}
    spent = {use.model: use for window in session.costs.windows.values() for use in window.stats.by_model}

    def dress(model: Any) -> dict[str, Any]:
        use = spent.get(model.id)
        return {
            **model.__dict__,
            "is_default": model.id == found.default_model,
            "usable": model.id in usable,
            "recent_calls": use.count if use else None,
            "recent_tokens": use.tokens if use else None,
        }

    return listed(found.catalog if found.catalog else found.models, dress=dress)


async def _available(client: ClientView, _: Session) -> Listing:
    return listed(await client.models.available())


async def _set_enabled(client: ClientView, item: Item, enabled: bool) -> None:
    await client.models.set_enabled(item.key, enabled)


def _facts(item: Item, _: Context) -> list[list[Fact]]:
    def price(label: str, path: str) -> Fact:
        found = c.value(item, path)
        return (
            (label, words.DASH, "dim")
            if found is None
            else (label, f"${found * 1_000_000:,.2f} a million", "plain")
        )

    return [
        c.facts(item, ("name", "name"), ("provider", "provider"), ("context", "context_length")),
        [price("input", "pricing_input|pricing.input"), price("output", "pricing_output|pricing.output")],
        c.facts(item, ("default", "is_default"), ("enabled", "is_enabled"), ("usable now", "usable")),
        c.facts(
            item,
            ("recommended", "recommendation_bucket"),
            ("rank", "recommendation_rank"),
            ("can", "capabilities"),
        ),
        c.facts(item, ("calls lately", "recent_calls"), ("tokens lately", "recent_tokens")),
    ]


KIND = Kind(
    name="models",
    title="Models",
    noun="model",
    aliases=("model", "mo"),
    contract="identity.md §6, v1.md §3",
    roads=(
        Road(Family.MODELS, _catalogue, every=300.0, blind=120.0),
        Road(
            Family.V1,
            _available,
            every=300.0,
            blind=120.0,
            notice="Only the models that this token can use now.",
        ),
    ),
    fields=(
        c.flag("is_enabled", "ENABLED", key="enabled", priority=0),
        c.text("name", "MODEL", 22, flex=2, min_width=16),
        c.text("provider", "PROVIDER", 12, "dim", priority=2),
        c.flag("is_default", "DEFAULT", "default", "", priority=1),
        c.count("context_length", "CONTEXT", 8, key="context", priority=2),
        c.per_million("pricing_input|pricing.input", "$/M IN", key="input", priority=1),
        c.per_million("pricing_output|pricing.output", "$/M OUT", key="output", priority=1),
        c.count("recent_tokens", "LATELY", 7, key="lately", priority=3),
        c.text("recommendation_bucket", "PICK", 9, "dim", key="pick", priority=4),
        c.text("capabilities", "CAN", 24, "dim", key="can", priority=5, flex=2, min_width=12),
    ),
    search=c.searching("name", "provider", "is_enabled", "is_default", "capabilities"),
    default_sort=c.by("provider", "name"),
    descending=False,
    label=lambda record: str(c.value(record, "name") or c.value(record, "id")),
    facts=_facts,
    links=lambda item: [Link("runs", "its runs", "runs", filter=f"model:{item.key.rpartition('/')[2]}")],
    verbs=(
        *switches(
            _set_enabled,
            "is_enabled",
            on="Let agents use the model.",
            off="Keep agents from using the model.",
            means="Nodes that name this model fail until it is enabled again.",
        ),
        Verb(
            "default",
            "set default",
            "D",
            "Use the model where none is named.",
            lambda client, item, _: client.settings.update(default_model=item.key),
            why_not=lambda item: "It is the default already." if c.value(item, "is_default") else None,
            doing="making default",
            done="{} is the default now.",
        ),
    ),
    empty="The service offers no model.",
    needs="The models need a token or a browser session that this service accepts.",
)
