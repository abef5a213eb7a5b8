"""Provider keys: whose models are paid by keys of one's own, and whether those work; never a value (identity.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, listed
from mogplex_tui.operate.kinds.parts import deletes, session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


def _provider(record: Any) -> str:
    return str(c.value(record, "provider"))


async def _list(client: ClientView, _: Session) -> Listing:
    from mogplex_tui.api.models.keys import Provider

    listing = listed(
        await client.provider_keys.list(), _provider, lambda row: {**row.__dict__, "stored": True}
    )
    there = {item.key for item in listing.items}
    lacking = [Item(name, {"provider": str(name), "stored": False}) for name in Provider if name not in there]
    return Listing([*listing.items, *lacking])


def _verified(verdict: Any) -> tuple[bool, str]:
    if verdict.key_valid:
        return True, "{} works."
    why = verdict.key_error or "the provider could not be asked"
    return False, f"{{}} {'does not work' if verdict.key_valid is False else 'could not be tried'}: {why}."


def _stored(item: Item) -> str | None:
    return (
        None
        if c.value(item, "stored")
        else "There is no key of this provider. It is stored in the browser: o."
    )


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "provider: provider; stored: stored"),
        [c.when(item, "stored at", "created_at", context), c.when(item, "replaced", "updated_at", context)],
    ]


KIND = Kind(
    name="provider-keys",
    title="Provider keys",
    noun="provider key",
    aliases=("provider-key", "providers", "pk"),
    contract="identity.md §5",
    roads=(Road(Family.KEYS, _list, every=180.0, blind=120.0),),
    fields=(
        c.text("provider", "PROVIDER", 20, flex=1, min_width=12),
        c.flag("stored", "KEY", "stored", "none", priority=0),
        c.age("updated_at|created_at", key="age", priority=0),
    ),
    search=c.searching("provider", "stored"),
    default_sort=c.by("provider"),
    descending=False,
    key=_provider,
    label=_provider,
    facts=_facts,
    links=lambda item: [Link("models", "its models", "models", filter=f"provider:{item.key}")],
    url=lambda _: "/settings",
    verbs=(
        Verb(
            "verify",
            "verify",
            "v",
            "Let the service try the key at its provider.",
            lambda client, item, _: client.provider_keys.verify(item.key),
            why_not=_stored,
            doing="trying",
            told=_verified,
        ),
        deletes(
            lambda client, item: client.provider_keys.delete(item.key),
            "Models of this provider are then paid by the platform, or do not run.",
            about="Forget the stored key.",
            why_not=_stored,
        ),
    ),
    empty="No provider keys.",
    needs=session_needed("Provider keys"),
)
