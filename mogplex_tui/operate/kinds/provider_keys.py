"""Provider keys: whose models are paid by keys of one's own, and whether those work; never a value (identity.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate import answers
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


def _provider(record: Any) -> str:
    return str(c.value(record, "provider"))


async def _list(client: ClientView, _: Session) -> Listing:
    from mogplex_tui.api.models.keys import Provider

    listing = listed(await client.provider_keys.list(), _provider, lambda row: dressed(row, stored=True))
    there = {item.key for item in listing.items}
    lacking = [Item(name, {"provider": str(name), "stored": False}) for name in Provider if name not in there]
    return Listing([*listing.items, *lacking])


_STORED = p.having("stored", "There is no key of this provider. It is stored in the browser: o.")

KIND = Kind(
    name="provider-keys",
    title="Provider keys",
    noun="provider key",
    aliases=("provider-key", "providers", "pk"),
    contract="identity.md §5",
    roads=(road(Family.KEYS, _list, every=180, blind=120),),
    fields=(
        c.flag("stored", "KEY", "stored", "none", priority=0),
        c.text("provider", "PROVIDER", 20, flex=1, min_width=12),
        c.age("updated_at|created_at", key="age", priority=0),
    ),
    search=c.searching(),
    default_sort=c.by("provider"),
    descending=False,
    key=_provider,
    label=_provider,
    facts=c.groups(
        "provider; stored",
        "stored at: created_at; replaced: updated_at",
    ),
    links=p.links(p.among("models", "models", "its models", "provider:={provider}")),
    url=lambda _: "/settings",
    verbs=(
        verb("verify", "v", "Let the service try the key at its provider.")
        .sends(lambda client, item, _: client.provider_keys.verify(item.key))
        .only(_STORED)
        .tells("trying", answers.verified),
        p.deletes(
            lambda client, item: client.provider_keys.delete(item.key),
            "Models of this provider are then paid by the platform, or do not run.",
            about="Forget the stored key.",
        ).only(_STORED),
    ),
    empty="No provider keys.",
    needs=p.session_needed("Provider keys"),
)
