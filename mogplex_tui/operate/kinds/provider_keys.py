"""Provider keys: the account's own keys of model providers (identity.md §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import change_results, toggle_delete_actions
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.model import (
    Action,
    Change,
    Entry,
    Fact,
    Kind,
    Layout,
    Link,
    Result,
    RowPage,
    Source,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.keys import ProviderKey
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class ProviderKeyRow:
    """A model provider, and whether the account has stored a key for it."""

    provider: str
    is_stored: bool
    created_at: datetime | None = None
    updated_at: datetime | None = None


def _from_key(key: ProviderKey) -> ProviderKeyRow:
    return ProviderKeyRow(str(key.provider), True, key.created_at, key.updated_at)


async def _read(client: ClientView, _: Session) -> RowPage[ProviderKeyRow]:
    """Read the stored keys, and add a row for each provider that has no key."""
    from mogplex_tui.api.models.keys import Provider

    page = page_of(await client.provider_keys.list(), _from_key, lambda row: row.provider)
    stored = {entry.key for entry in page.entries}
    unused_providers = [str(provider) for provider in Provider if provider not in stored]
    return RowPage([*page.entries, *(Entry(name, ProviderKeyRow(name, False)) for name in unused_providers)])


async def _verify(change: Change[ProviderKeyRow]) -> Result:
    return Result(*change_results.verification_result(await change.client.provider_keys.verify(change.key)))


def _not_stored_reason(row: ProviderKeyRow) -> str | None:
    return None if row.is_stored else "No key is stored for this provider. Add one in the browser."


KIND = Kind[ProviderKeyRow](
    name="provider-keys",
    title="Provider keys",
    noun="provider key",
    aliases=("provider-key", "providers", "pk"),
    contract="identity.md §5",
    sources=(Source(Family.KEYS, _read, poll=180, poll_without_realtime=120),),
    columns=(
        column(
            "stored",
            "KEY",
            lambda row: row.is_stored,
            formats.flag("stored", "none"),
            Layout(8),
        ),
        column(
            "provider",
            "PROVIDER",
            lambda row: row.provider,
            formats.text(),
            Layout(20, flex=1, min_width=12),
            is_text=True,
        ),
        column(
            "age",
            "AGE",
            lambda row: row.updated_at or row.created_at,
            formats.AGE,
            Layout(4),
            field="updated_at",
        ),
    ),
    label=lambda row: row.provider,
    default_sort="provider",
    facts=(
        (Fact("provider", lambda row: row.provider), Fact("stored", lambda row: row.is_stored)),
        (Fact("stored at", lambda row: row.created_at), Fact("updated", lambda row: row.updated_at)),
    ),
    links=(
        Link(
            "models",
            "models",
            lambda _: "all models",
            filter=lambda row: f"provider:={quoted(row.provider)}",
        ),
    ),
    page_in_browser=lambda _: "/settings",
    actions=(
        Action(
            "verify",
            "v",
            "Check the key with its provider",
            _verify,
            in_progress="verifying",
            families=(Family.KEYS,),
            unavailable_reason=_not_stored_reason,
        ),
        toggle_delete_actions.delete(
            lambda change: change.client.provider_keys.delete(change.key),
            "Models of this provider are then billed by the platform, or cannot run.",
            Family.KEYS,
            help="Delete the stored key",
            unavailable_reason=_not_stored_reason,
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No provider keys.",
    needs=Requirement("provider keys"),
)
