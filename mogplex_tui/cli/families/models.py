"""`mogplex-tui models`: what can be used, what could be, and what is new (identity.md §6; v1.md §3)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option, v1
from mogplex_tui.cli.families.machine import command

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


async def _catalog(desk: Desk) -> Any:
    from mogplex_tui.api.errors import NotSignedIn

    catalog = await desk.client.models.list()
    if catalog.anonymous:
        # A bad token, or one over its limit, is answered like a visitor (auth.md §5.1); v1 tells which.
        raise NotSignedIn(
            "The service sees nobody behind this credential, and shows the visitors' catalogue alone"
        )
    return catalog


async def _list(desk: Desk) -> Any:
    catalog = await _catalog(desk)
    # A verb that names a model must find one that is not enabled, too.
    return catalog.models if desk.args.verb == "list" and not desk.args.all else catalog.catalog


def _switch(enabled: bool) -> Any:
    return (off(lambda desk: desk.client.models.set_enabled(desk.key, enabled)),)


async def _default(desk: Desk) -> Any:
    await desk.client.settings.update(default_model=desk.key)


async def _new(desk: Desk) -> Any:
    return (await desk.client.models.new()).models


def per_million(value: Any, _: Session) -> str:
    """Return a price per token in US dollars as one per million tokens."""
    return f"${Decimal(value) * 1_000_000:,.2f}" if isinstance(value, Decimal) else ""


FAMILY = Family(
    name="models",
    noun="model",
    columns=(
        Column("ID", "id"),
        Column("NAME", "name", priority=2),
        Column("PROVIDER", "provider", priority=3),
        Column("ENABLED", "is_enabled", priority=1),
        Column("CONTEXT", "context_length", right=True, priority=2),
        Column("IN/M", "pricing_input|pricing.input", right=True, priority=1, show=per_million),
        Column("OUT/M", "pricing_output|pricing.output", right=True, priority=1, show=per_million),
        Column("RECOMMENDED", "recommendation_bucket", wide=True),
        Column("CAPABILITIES", "capabilities", wide=True),
    ),
    roads=(
        off(_list),
        v1(lambda desk: desk.client.models.available(), "usable models; none that could be enabled."),
    ),
    options=(option("--all", action="store_true", help="the whole catalogue, not only what can be used"),),
    verbs=(
        Verb("enable", "let the account use a model", _switch(True), done="{} is enabled."),
        Verb("disable", "let the account use a model no more", _switch(False), done="{} is disabled."),
        Verb("default", "make a model the account's default", (off(_default),), done="{} is the default."),
        Verb(
            "new",
            "what came since the account last looked",
            (off(_new),),
            takes_one=False,
            changes=False,
            columns=(Column("ID", "id"), Column("NAME", "name"), Column("PROVIDER", "provider")),
        ),
        Verb(
            "dismiss-new",
            "say that the new models were seen",
            (off(lambda desk: desk.client.models.dismiss_new()),),
            takes_one=False,
            done="The new models are seen.",
        ),
    ),
)
add_arguments, run = command(FAMILY)
