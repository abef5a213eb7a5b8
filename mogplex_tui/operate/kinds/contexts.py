"""Contexts of the console: named services with their credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import InvalidTarget
from mogplex_tui.api.route_access import Family
from mogplex_tui.config import contexts as stored_contexts
from mogplex_tui.config.contexts import Context, UnstoredContext
from mogplex_tui.live.reasons import Hint
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.model import Entry, Fact, Kind, Layout, RowPage, Source, column

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

_DEFAULT = Hint("mogplex-tui contexts use NAME makes a context the default.")


@dataclass(frozen=True, slots=True)
class ContextRow:
    """A context, with the fields of `mogplex-tui contexts list --json`.

    `current` tells whether commands use this context by default, `in_use` whether this console
    was started with it.
    """

    name: str
    current: bool
    in_use: bool
    base_url: str
    team: str | None
    read_only: bool
    protected: bool
    colour: str | None
    credentials: tuple[str, ...]
    credential_store: str | None
    rules: tuple[str, ...]
    signed_in_with: tuple[str, ...]

    @property
    def scope(self) -> str:
        """The id of the context's team, or `personal` if the context has no team."""
        return self.team or "personal"


def _row(context: Context, session: Session, current: str | None) -> ContextRow:
    return ContextRow(
        name=context.name,
        current=context.name == current,
        in_use=context.name == session.target.name,
        base_url=context.base_url,
        team=context.team,
        read_only=context.read_only,
        protected=context.protected,
        colour=context.colour,
        credentials=context.credential_kinds,
        credential_store=context.credential_store,
        rules=context.rules,
        signed_in_with=context.signed_in_with,
    )


def _unstored_row(start: UnstoredContext, session: Session) -> ContextRow:
    """Return the row of the context that the program was started with."""
    return ContextRow(
        name=start.name,
        current=False,
        in_use=start.name == session.target.name,
        base_url=start.service,
        team=session.target.team if start.name == session.target.name else None,
        read_only=False,
        protected=False,
        colour=None,
        credentials=(),
        credential_store=None,
        rules=(),
        signed_in_with=(),
    )


async def _read(_: ClientView, session: Session) -> RowPage[ContextRow]:
    try:
        stored = stored_contexts.read()
    except stored_contexts.ContextError as error:
        # The rows of the last reading stay, as they do where a service fails.
        raise InvalidTarget(str(error), advice="") from None
    rows = [_row(context, session, stored.current) for context in stored.by_name.values()]
    start = session.unstored_context
    if start is not None and start.name not in stored.by_name:
        rows.append(_unstored_row(start, session))
    return RowPage([Entry(row.name, row) for row in rows], notices=(_DEFAULT,) if rows else ())


KIND = Kind[ContextRow](
    name="contexts",
    title="Contexts",
    noun="context",
    aliases=("context", "ctx"),
    contract="",
    # No request goes to the service, so that nothing it does closes the list.
    sources=(Source(Family.OTHER, _read, poll=30, poll_without_realtime=30),),
    columns=(
        column(
            "current",
            "CURRENT",
            lambda row: row.in_use,
            formats.flag("current", ""),
            Layout(9),
            field="in_use",
        ),
        column("name", "CONTEXT", lambda row: row.name, formats.text(), Layout(10, flex=1), is_text=True),
        column(
            "service",
            "SERVICE",
            lambda row: row.base_url,
            formats.text(),
            Layout(26, flex=3, min_width=26, cut="middle"),
            field="base_url",
            is_text=True,
        ),
        column("team", "TEAM", lambda row: row.scope, formats.text("dim"), Layout(8, 3), is_text=True),
        column(
            "default",
            "DEFAULT",
            lambda row: row.current,
            formats.flag("default", ""),
            Layout(9, 1),
            field="current",
        ),
        column(
            "rules",
            "RULES",
            lambda row: row.rules,
            formats.texts("warn"),
            Layout(10, 2, flex=1, min_width=9),
            is_text=True,
        ),
        column(
            "holds",
            "SIGNED IN WITH",
            lambda row: row.signed_in_with,
            formats.texts("dim"),
            Layout(22, 1, min_width=14),
            field="credentials",
            is_text=True,
        ),
        column(
            "stored",
            "STORED IN",
            lambda row: row.credential_store,
            formats.text("dim"),
            Layout(9, 3),
            field="kept_in",
            is_text=True,
        ),
    ),
    hidden_filters={
        "here": lambda row: "true" if row.in_use else "false",
        "kept": lambda row: row.credential_store,
    },
    default_sort="name",
    label=lambda row: row.name,
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("service", lambda row: row.base_url),
            Fact("team", lambda row: row.scope),
        ),
        (
            Fact("current", lambda row: row.in_use),
            Fact("default", lambda row: row.current),
            Fact("rules", lambda row: row.rules),
            Fact("colour", lambda row: row.colour),
        ),
        (
            Fact("signed in with", lambda row: row.signed_in_with),
            Fact("stored in", lambda row: row.credential_store),
        ),
        (
            Fact("switch", lambda row: f":ctx {row.name}"),
            Fact("start with it", lambda row: f"mogplex-tui --context {row.name}"),
            Fact("make default", lambda row: f"mogplex-tui contexts use {row.name}"),
        ),
    ),
    empty="No contexts. mogplex-tui login creates one; mogplex-tui contexts add adds another service.",
    needs=None,
)
