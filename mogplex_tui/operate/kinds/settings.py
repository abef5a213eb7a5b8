"""Settings with the readiness of the account: what is set, what is missing, and what mends it (identity.md §2, §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.account import User
    from mogplex_tui.live.session import Session


def _row(
    key: str, group: str, name: str, told: str, ready: bool | None, fix: str = "", raw: Any = None
) -> Item:
    record = {
        "id": key,
        "group": group,
        "name": name,
        "told": told,
        "ready": ready,
        "fix": "" if ready else fix,
    }
    return Item(key, record, raw if raw is not None else record)


def _readiness(user: User, base: str) -> list[Item]:
    step = user.github_primary_action
    github = f"{step.label}: {base}{step.href}" if step else ""
    raw = user.model_dump(mode="json")
    keys = "Add a provider key: :provider-keys"
    access = user.platform_access
    return [
        _row(
            "github", "readiness", "GitHub", user.github_status_label, user.github_app_connected, github, raw
        ),
        _row(
            "coverage",
            "readiness",
            "repositories covered",
            f"{user.github_covered_repo_count} of {user.github_synced_repo_count}",
            user.github_covered_repo_count > 0,
            f"Install the GitHub App on them: {base}/projects/repositories",
            raw,
        ),
        _row(
            "platform-ai",
            "readiness",
            "platform models",
            _yes(access.allow_platform_ai),
            access.allow_platform_ai,
            keys,
        ),
        _row(
            "platform-sandbox",
            "readiness",
            "platform sandboxes",
            _yes(access.allow_platform_sandbox),
            access.allow_platform_sandbox,
            "Ask the service's operator to allow them for this account",
        ),
    ]


def _yes(allowed: bool) -> str:
    return "allowed" if allowed else "not allowed"


async def _read(client: ClientView, session: Session) -> Listing:
    settings = await client.settings.get()
    user = await client.account.user()
    items = [
        _row("default_model", "settings", "default model", settings.default_model, None),
        _row("theme", "settings", "theme of the web pages", settings.theme or "", None),
    ]
    if user is not None:
        items.insert(
            0, _row("account", "account", "signed in as", user.label, True, raw=user.model_dump(mode="json"))
        )
        items += _readiness(user, session.target.base_url)
    return Listing(items)


async def _edit(client: ClientView, item: Item, text: str) -> None:
    if item.key == "theme":
        await client.settings.update(theme=text)
    else:
        await client.settings.update(default_model=text)


def _choices(item: Item, session: Session) -> Sequence[tuple[str, str]]:
    if item.key == "theme":
        return [(word, word) for word in ("dark", "light", "system")]
    models = session.store.set("models").rows.values()
    return [
        (model.key, f"{c.value(model, 'name')}  {model.key}")
        for model in sorted(models, key=lambda each: each.key)
        if c.value(model, "is_enabled") and c.value(model, "is_available") is not False
    ]


def _facts(item: Item, _: Context) -> list[list[Fact]]:
    return [c.facts(item, ("name", "name"), ("value", "told"), ("ready", "ready"), ("to mend it", "fix"))]


KIND = Kind(
    name="settings",
    title="Settings",
    noun="setting",
    aliases=("setting", "set", "account"),
    contract="identity.md §2, §3",
    roads=(Road(Family.SETTINGS, _read, every=180.0, blind=120.0),),
    fields=(
        c.text("group", "GROUP", 10, "dim", priority=1),
        c.text("name", "NAME", 24, flex=1, min_width=16),
        c.text("told", "VALUE", 28, flex=2, min_width=14),
        c.flag("ready", "READY", "ready", "gap", priority=0),
        c.text("fix", "TO MEND IT", 30, "warn", priority=3, flex=3, min_width=16),
    ),
    search=c.searching("group", "name", "told", "ready", "fix"),
    default_sort=c.by("group", "name"),
    descending=False,
    label=lambda record: str(c.value(record, "name")),
    facts=_facts,
    links=lambda item: [Link("models", "every model", "models")] if item.key == "default_model" else [],
    verbs=(
        Verb(
            "edit",
            "edit",
            "e",
            "Change the setting.",
            _edit,
            why_not=lambda item: (
                None
                if item.key in ("theme", "default_model")
                else "This is told by the service and not set here."
            ),
            doing="saving",
            wish=Wish(
                "A value; the service checks it",
                value=lambda item: str(c.value(item, "told") or ""),
                choices=_choices,
                check=lambda text: None if text.strip() else "Give a value.",
            ),
            done="{} is saved.",
        ),
    ),
    empty="The service told no settings.",
    needs="Settings need a token or a browser session that this service accepts.",
)
