"""API keys: scopes, last use and expiry, never the key text (identity.md §4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.model import (
    Action,
    Confirmation,
    Creation,
    Fact,
    Kind,
    Layout,
    Parameter,
    Result,
    RowPage,
    Source,
    Values,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.keys import ApiKey
    from mogplex_tui.live.session import Session

_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """An API key of the account.

    `context` is the name of the console's context if that context uses the key, else None.
    """

    id: str
    name: str
    prefix: str | None
    scopes: tuple[str, ...]
    status: str
    context: str | None
    last_used_at: datetime | None
    expires_at: datetime | None
    created_at: datetime | None


async def _read(client: ClientView, session: Session) -> RowPage[ApiKeyRow]:
    now, target = session.clock.now(), session.target
    token = target.token.reveal() if target.token else ""

    def row(key: ApiKey) -> ApiKeyRow:
        is_ours = bool(key.prefix) and token.startswith(key.prefix)
        return ApiKeyRow(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=tuple(map(str, key.scopes)),
            status="expired" if key.is_expired(now) else "active",
            context=target.name if is_ours else None,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
            created_at=key.created_at,
        )

    return page_of(await client.api_keys.list(), row, lambda each: each.id)


def _name(text: str) -> str:
    if not 1 <= len(text.strip()) <= 100:
        raise ValueError("The name must have 1 to 100 characters.")
    return text.strip()


def _scopes(text: str) -> list[str]:
    if text not in _SCOPES:
        raise ValueError(f"Choose {' or '.join(_SCOPES)}.")
    return _SCOPES[text]


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not 1 <= int(text) <= 36_500:
        raise ValueError("Enter 1 to 36500 days, or leave it empty for a key that never expires.")
    return int(text)


_SCOPES = {"read-write": ["read", "write"], "read": ["read"]}
NAME = Parameter("name", "name, e.g. ci", _name, positional=True)
SCOPES = Parameter("scopes", "scopes", _scopes, default="read-write", choices=tuple(_SCOPES))
DAYS = Parameter("days", "days until the key expires; empty for never", _days)


async def _create(client: ClientView, values: Values) -> Result:
    from mogplex_tui.api.models.keys import ApiKeyDraft

    draft = ApiKeyDraft(name=values[NAME], scopes=values[SCOPES], expires_in_days=values[DAYS])
    api_key = await client.api_keys.create(draft)
    return Result(True, "{} is created.", api_key.token)


def _loses_access(row: ApiKeyRow) -> str | None:
    if row.context is None:
        return None
    return f"This console uses the key: the context {row.context} loses its access too."


KIND = Kind[ApiKeyRow](
    name="api-keys",
    title="API keys",
    noun="API key",
    aliases=("api-key", "keys", "tokens", "ak"),
    contract="identity.md §4",
    sources=(Source(Family.KEYS, _read, poll=120, poll_without_realtime=60),),
    columns=(
        column("status", "STATE", lambda row: row.status, formats.state(), Layout(10), is_text=True),
        column(
            "name",
            "NAME",
            lambda row: row.name,
            formats.text(),
            Layout(24, flex=2, min_width=14),
            is_text=True,
        ),
        column(
            "prefix",
            "PREFIX",
            lambda row: row.prefix,
            formats.text("dim"),
            Layout(14, priority=1),
            is_text=True,
        ),
        column(
            "scopes", "SCOPES", lambda row: row.scopes, formats.texts(), Layout(12, priority=1), is_text=True
        ),
        column(
            "in_use",
            "IN USE",
            lambda row: row.context is not None,
            formats.flag("in use", ""),
            Layout(8, priority=1),
            field="context",
        ),
        column("used", "USED", lambda row: row.last_used_at, formats.AGE, Layout(5), field="last_used_at"),
        column(
            "expires",
            "EXPIRES",
            lambda row: row.expires_at,
            formats.time_left(_WEEK),
            Layout(7),
            field="expires_at",
        ),
        column(
            "age", "AGE", lambda row: row.created_at, formats.AGE, Layout(4, priority=2), field="created_at"
        ),
    ),
    hidden_filters={"ours": lambda row: "true" if row.context else "false"},
    label=lambda row: row.name,
    default_sort="age",
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("prefix", lambda row: row.prefix),
            Fact(
                "status", lambda row: row.status, lambda row, moment: formats.state().show(row.status, moment)
            ),
            Fact("scopes", lambda row: row.scopes),
            Fact("in use here", lambda row: row.context is not None),
        ),
        (
            Fact("last used", lambda row: row.last_used_at),
            Fact("expires", lambda row: row.expires_at),
            Fact("created", lambda row: row.created_at),
        ),
    ),
    creations=(
        Creation(
            "create",
            "n",
            "Create an API key; its token is shown once",
            parameters=(NAME, SCOPES, DAYS),
            name=lambda values: values[NAME],
            request=_create,
            in_progress="creating",
            families=(Family.KEYS,),
            help_has_title=True,
            confirmation=Confirmation(["Without a number of days it never expires."], "Create key"),
            reveals=True,
        ),
    ),
    actions=(
        Action(
            "revoke",
            "x",
            "Revoke the key; asks first",
            lambda change: change.client.api_keys.revoke(change.key),
            in_progress="revoking",
            help_has_title=True,
            done="{} is revoked.",
            families=(Family.KEYS,),
            warning=_loses_access,
            confirmation=Confirmation(
                ["Every client of this key loses access immediately. This cannot be undone."], "Revoke key"
            ),
        ),
    ),
    page_in_browser=lambda _: "/settings/api-keys",
    created_at=lambda row: row.created_at,
    empty="No API keys. {api-keys.create} creates one; {kind.browse} opens their page in the browser.",
    needs=Requirement("API keys"),
)
