"""API keys: what each may do, when it was used last and when it ends; never the token itself (identity.md §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Listing
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road, verb

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, session: Session) -> Listing:
    now, target = session.clock.now(), session.target
    ours = target.token.reveal() if target.token else ""

    def dress(key: Any) -> dict[str, Any]:
        mine = bool(key.prefix) and ours.startswith(key.prefix)
        return dressed(key, status="expired" if key.is_expired(now) else "active", ours=mine)

    return listed(await client.api_keys.list(), dress=dress)


KIND = Kind(
    name="api-keys",
    title="API keys",
    noun="API key",
    aliases=("api-key", "keys", "tokens", "ak"),
    contract="identity.md §4",
    roads=(road(Family.KEYS, _list, every=120, blind=60),),
    fields=(
        c.state("status", width=10, priority=0),
        c.text("name", "NAME", 24, flex=2, min_width=14),
        c.text("prefix", "BEGINS", 14, "dim", priority=1),
        c.text("scopes", "MAY", 12, priority=1),
        c.flag("ours", "OURS", "this one", "", priority=1),
        c.age("last_used_at", "USED", 5, key="used", priority=0),
        c.left("expires_at", "ENDS", 5, key="ends", priority=0),
        c.age("created_at", key="age", priority=2),
    ),
    search=c.searching("name prefix scopes status ours"),
    default_sort=c.by("created_at"),
    label=c.named("{name}"),
    facts=c.groups(
        "name; begins with: prefix; status; may: scopes; this console's: ours",
        "used last: last_used_at; ends: expires_at; made: created_at",
    ),
    verbs=(
        verb("revoke", "x", "End the key for good; asks first.")
        .sends(lambda client, item, _: client.api_keys.revoke(item.key))
        .asks(
            "Whatever uses this key is shut out at once; it cannot be taken back.",
            "OURS marks the key that this console itself uses.",
            go="Revoke it",
        )
        .says("revoking", "{} is revoked."),
    ),
    empty="No API keys. They are made in the browser: o opens the page.",
    url=lambda _: "/settings/api-keys",
    needs=p.session_needed("API keys"),
)
