"""The console's own contexts: services by name, what each is signed in with, and which one is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.api.errors import InvalidTarget
from mogplex_tui.config import contexts as kept
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Kind, road

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

_SWITCH = "To switch, leave and start with mogplex-tui --context NAME; contexts use NAME keeps it."


async def _read(_: ClientView, session: Session) -> Listing:
    try:
        stored = kept.read()
    except kept.ContextError as error:
        # What was read before stays, as where a service fails.
        raise InvalidTarget(str(error), advice="") from None
    items = [_item(context, session, stored.current) for context in stored.by_name.values()]
    return Listing(items, notice=_SWITCH if items else "")


def _item(context: kept.Context, session: Session, current: str | None) -> Item:
    record = {
        "id": context.name,
        "name": context.name,
        "base_url": context.base_url,
        "team": context.team or "personal",
        "here": context.name == session.target.name,
        "default": context.name == current,
        "rules": list(context.rules),
        "colour": context.colour,
        "holds": list(context.signed_in_with),
        "kept_in": context.kept_in,
        "switch": f"leave, and start with: mogplex-tui --context {context.name}",
        "keep": f"mogplex-tui contexts use {context.name}",
    }
    return Item(context.name, record, record)


KIND = Kind(
    name="contexts",
    title="Contexts",
    noun="context",
    aliases=("context", "ctx"),
    roads=(
        # Nothing is asked of the service; its state closes no file.
        road(Family.OTHER, _read, every=30, blind=30),
    ),
    fields=(
        c.flag("here", "HERE", "in use", "", priority=0),
        c.text("name", "CONTEXT", 10, flex=1),
        c.text("base_url", "SERVICE", 26, key="service", flex=3, min_width=26, cut="middle"),
        c.text("team", "TEAM", 8, "dim", priority=3),
        c.flag("default", "DEFAULT", "default", "", priority=1),
        c.text("rules", "RULES", 10, "warn", flex=1, min_width=9, priority=2),
        c.text("holds", "SIGNED IN WITH", 22, "dim", key="holds", min_width=14, priority=1),
        c.text("kept_in", "KEPT IN", 8, "dim", key="kept", priority=3),
    ),
    search=c.searching(),
    default_sort=c.by("name"),
    descending=False,
    label=c.named("{name}"),
    facts=c.groups(
        "name; service: base_url; team",
        "in use here: here; used when none is named: default; rules; colour",
        "signed in with: holds; kept in: kept_in",
        "to go there: switch; for always: keep",
    ),
    empty="No contexts. mogplex-tui login makes one; mogplex-tui contexts add names another service.",
    needs="The contexts are in a file of this console.",
)
