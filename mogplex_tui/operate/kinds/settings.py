"""Settings with the readiness of the account: what is set, what is missing, and what mends it (identity.md §2, §3)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item
from mogplex_tui.operate import choices, readiness, words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Lender, road
from mogplex_tui.operate.kinds.readings import Part, in_parts
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.kinds.base import Context, Fact


_OURS = ("theme", "default_model")
_ALL = c.groups("name; value: told; ready: ready as state; to mend it: fix")
# Where what is told is seen in full, and mended if it lacks: the row, the kind, and what its list is called.
_WAYS = (
    ("default_model", "models", "every model"),
    ("github", "installations", "what the GitHub App is installed on"),
    ("coverage", "installations", "what the GitHub App sees"),
    ("platform-ai", "provider-keys", "keys of your own"),
)


def _setting(key: str, name: str, told: str) -> Item:
    record = {"id": key, "group": "settings", "name": name, "told": told, "said": told}
    return Item(key, {**record, "model": told if key == "default_model" else None}, record)


def _point(point: readiness.Point, raw: Any) -> Item:
    # A gap is told with what mends it, in one column: at 80 columns there is no room for two.
    said = " · ".join(filter(None, (point.told, point.fix)))
    return Item(point.id, {**asdict(point), "ready": "ready" if point.ready else "gap", "said": said}, raw)


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    """A setting is not ready or not, and what is ready has nothing to mend."""
    return [[fact for fact in group if fact[1] != words.DASH] for group in _ALL(item, context)]


async def _set(client: ClientView, _: Session) -> list[Item]:
    found = await client.settings.get()
    model, theme = found.default_model, found.theme or ""
    return [
        _setting("default_model", "default model", model),
        _setting("theme", "theme of the web pages", theme),
    ]


async def _ready(client: ClientView, session: Session) -> list[Item]:
    user = await client.account.user()
    raw = None if user is None else user.model_dump(mode="json")
    return [] if user is None else [_point(each, raw) for each in readiness.of(user, session.target.base_url)]


_READ = in_parts("settings", Part("set", "What is set is", _set), Part("ready", "The readiness is", _ready))


async def _edit(client: ClientView, item: Item, text: str) -> None:
    await client.settings.update(**{item.key: text})


def _way(key: str, kind: str, text: str) -> p.Way:
    return p.among(kind, kind.replace("-", " "), text, lambda item: "" if item.key == key else None)


def _choices(item: Item, session: Session) -> Sequence[tuple[str, str]]:
    if item.key == "theme":
        return [(word, word) for word in ("dark", "light", "system")]
    return choices.models(session)


KIND = Kind(
    name="settings",
    title="Settings",
    noun="setting",
    aliases=("setting", "set", "account"),
    contract="identity.md §2, §3",
    roads=(road(Family.SETTINGS, _READ, every=180, blind=120),),
    beside={"models": Lender()},
    fields=(
        c.text("group", "GROUP", 10, "dim", priority=4),
        c.text("name", "NAME", 24, flex=1, min_width=22),
        c.state("ready", "READY", 8),
        c.text("said", "VALUE", 42, key="value", flex=3, min_width=42),
    ),
    search=c.searching(),
    default_sort=c.by("group", "name"),
    descending=False,
    label=c.named("{name}"),
    facts=_facts,
    links=p.links(p.to("models", "model", "model", "model"), *(_way(*way) for way in _WAYS)),
    verbs=(
        verb("edit", "e", "Change the setting.")
        .sends(_edit)
        .only(lambda item: None if item.key in _OURS else "This is told by the service and not set here.")
        .wants(
            "A value; the service checks it",
            _choices,
            value=c.named("{told}"),
            check=p.wanted("Give a value."),
        )
        .says("saving", "{} is saved."),
    ),
    empty="The service told no settings.",
    needs=p.login_needed("Settings"),
)
