"""API keys: what each may do, when it was used last and when it ends; never the token itself (identity.md §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Listing
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.keys import ApiKeyDraft
    from mogplex_tui.live.collection import Item
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, session: Session) -> Listing:
    now, target = session.clock.now(), session.target
    ours = target.token.reveal() if target.token else ""

    def dress(key: Any) -> dict[str, Any]:
        mine = bool(key.prefix) and ours.startswith(key.prefix)
        status = "expired" if key.is_expired(now) else "active"
        return dressed(key, status=status, ours=mine, context=target.name if mine else None)

    return listed(await client.api_keys.list(), dress=dress)


def _draft(text: str) -> ApiKeyDraft:
    """What is typed: a name, then with commas between what it may do and in how many days it ends, or neither."""
    from mogplex_tui.api.models.keys import ApiKeyDraft, Scope

    name, *rest = (part.strip() for part in text.split(","))
    days = next((part for part in rest if part.isdecimal()), None)
    if days is not None:
        rest.remove(days)
    scopes = [part.lower() for part in rest if part] or [*Scope]
    return ApiKeyDraft(name=name, scopes=scopes, expires_in_days=None if days is None else int(days))


def _check(text: str) -> str | None:
    from mogplex_tui.api.errors import InvalidInput

    try:
        _draft(text)
    except InvalidInput as error:
        return str(error)
    return None


def _loses_access(item: Item) -> str | None:
    """Return the warning before the key that this console signs in with is revoked."""
    name = c.value(item, "context")
    return None if name is None else f"This console uses it: the context {name} loses its access with it."


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
        c.left("expires_at", "ENDS", 5, 7 * 86_400, key="ends", priority=0),
        c.age("created_at", key="age", priority=2),
    ),
    search=c.searching(),
    default_sort=c.by("created_at"),
    label=c.named("{name}"),
    facts=c.groups(
        "name; begins with: prefix; status: status as state; may: scopes; this console's: ours",
        "used last: last_used_at; ends: expires_at; made: created_at",
    ),
    verbs=(
        verb("create", "n", "Make a key; its token is shown once.")
        .sends(lambda client, _, text: client.api_keys.mint(_draft(text)))
        .makes_new()
        .wants("Its name, what it may do, for how many days: ci, read, 90", check=_check)
        .asks("With a name alone it may read and write, and never ends.", go="Create it")
        .says("creating", "{} is made.")
        .reveals(lambda made: made.token),
        verb("revoke", "x", "End the key for good; asks first.")
        .sends(lambda client, item, _: client.api_keys.revoke(item.key))
        .asks("Whatever uses this key is shut out at once; it cannot be taken back.", go="Revoke it")
        .warns(_loses_access)
        .says("revoking", "{} is revoked."),
    ),
    empty="No API keys. {api-keys.create} makes one; {kind.browse} opens their page in the browser.",
    url=lambda _: "/settings/api-keys",
    needs=p.session_needed("API keys"),
)
