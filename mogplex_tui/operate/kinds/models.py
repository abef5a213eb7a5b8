"""Models: what each can do, costs and whether this account may use it (identity.md §6, v1.md §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.around import Day
from mogplex_tui.live.collection import Listing
from mogplex_tui.operate import words
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Lender, dressed, listed, reading, road
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _catalogue(client: ClientView, _: Session) -> Listing:
    found = await client.models.list()
    usable = {model.id for model in found.models}

    def dress(model: Any) -> dict[str, Any]:
        return dressed(model, is_default=model.id == found.default_model, usable=model.id in usable)

    return listed(found.catalog if found.catalog else found.models, dress=dress)


def _lent(session: Session) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    day = Day(session, lambda row: row.model)
    return lambda model: day.of(model["id"])


# This list holds what is enabled and can be paid, and nothing else (v1.md §3).
_available = reading(
    lambda client: client.models.available(), lambda _, row: dressed(row, is_enabled=True, usable=True)
)

KIND = Kind(
    name="models",
    title="Models",
    noun="model",
    aliases=("model", "mo"),
    contract="identity.md §6, v1.md §3",
    roads=(
        road(Family.MODELS, _catalogue, every=300, blind=120),
        road(Family.V1, _available, every=300, blind=120).hiding(
            p.token_shows("the models that can be used now", "all others, and changes,")
        ),
    ),
    beside={"runs": Lender("tokens cost")},
    lend=_lent,
    fields=(
        c.switch("is_enabled", "ENABLED", key="enabled"),
        c.text("name", "MODEL", 22, flex=2, min_width=16),
        c.text("provider", "PROVIDER", 12, "dim", priority=2),
        c.flag("is_default", "DEFAULT", "default", "", priority=1),
        c.count("context_length", "CONTEXT", 8, key="context", priority=2),
        c.per_million("pricing_input|pricing.input", "$/M IN", key="input", priority=1),
        c.per_million("pricing_output|pricing.output", "$/M OUT", key="output", priority=1),
        c.at_least(c.count("tokens_day", "TOKENS 24H", 10, key="tokens", priority=3), "tokens_are_cut"),
        c.at_least(c.money("cost_day", "COST 24H", key="cost", priority=1), "cost_is_cut"),
        c.text("recommendation_bucket", "PICK", 9, "dim", key="pick", priority=5),
        c.text("capabilities", "CAN", 24, "dim", key="can", priority=4, flex=2, min_width=20),
    ),
    search=c.searching(),
    default_sort=c.by("provider", "name"),
    descending=False,
    label=c.named("{name|id}"),
    facts=c.groups(
        "name; provider; context: context_length",
        "input: pricing_input|pricing.input as price; output: pricing_output|pricing.output as price",
        "default: is_default; enabled: is_enabled; usable now: usable",
        "recommended: recommendation_bucket; rank: recommendation_rank; can: capabilities",
        "runs 24 h: runs_day; tokens 24 h: tokens_day; runs without tokens?: runs_unmeasured;"
        " cost 24 h: cost_day|cost_missing; counted from?: counted_from",
    ),
    links=p.links(
        p.among("runs", "runs", "its runs", lambda item: f"model:={quoted(words.model(item.key))}")
    ),
    verbs=(
        *p.switches(
            lambda client, item, on: client.models.set_enabled(item.key, on),
            "is_enabled",
            on="Let agents use the model.",
            off="Keep agents from using the model.",
            means="Nodes that name this model fail until it is enabled again.",
        ),
        verb("default", "D", "Use the model where none is named.", "set default")
        .sends(lambda client, item, _: client.settings.update(default_model=item.key))
        .only(p.lacking("is_default", "It is the default already."))
        .asks("The whole account uses it from now on wherever no model is named.", go="Make it the default")
        .says("making default", "{} is the default now.")
        .by(Family.SETTINGS),
    ),
    empty="The service offers no model.",
    needs=p.login_needed("The models"),
)
