"""Connections: services that agents may use, and what the newest test of each found (library.md §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Verb, listed, with_names
from mogplex_tui.operate.kinds.parts import deletes, hidden, repo_link, session_needed, switches

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

# Addresses may be keys in themselves: scheme and host are all that is shown.
_ADDRESSES = ("mcp_url", "base_url", "oauth_authorize_url", "oauth_token_url")


async def _list(client: ClientView, session: Session) -> Listing:
    def dress(row: Any) -> dict[str, Any]:
        fields = with_names(
            session, row, place=row.place.partition("://")[2], sign_in="missing" if row.needs_sign_in else ""
        )
        health = "untested" if row.health_status == "unknown" else row.health_status
        return {key: value for key, value in fields.items() if key not in _ADDRESSES} | {"health": health}

    return hidden(listed(await client.connections.list(), dress=dress), *_ADDRESSES)


def _tested(found: Any) -> tuple[bool, str]:
    if found.healthy:
        tools = f", {found.tool_count} tools" if found.tool_count is not None else ""
        return True, f"{{}} works{tools}."
    return False, f"{{}} does not work: {found.error or found.summary or found.status}"


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "name: name; what: description; enabled: is_enabled; type: type; where: place"),
        [
            *c.group(item, "health: health; last error: last_test_error; answer: last_test_http_status"),
            *c.group(item, "tools: last_test_tool_count"),
            c.when(item, "tested", "last_tested_at", context),
        ],
        c.group(item, "signs in by: auth_type; sign-in: sign_in; scopes: oauth_scopes"),
        [
            c.when(item, "authorised", "oauth_authorized_at", context),
            c.when(item, "runs out", "oauth_token_expires_at", context),
        ],
        c.group(item, "counts for: scope; repo: repo_name|repo_id; preset: source_preset"),
    ]


KIND = Kind(
    name="connections",
    title="Connections",
    noun="connection",
    aliases=("connection", "conn", "cn"),
    contract="library.md §8",
    roads=(Road(Family.CONNECTIONS, _list, frozenset({"connections"}), every=120.0, blind=45.0),),
    fields=(
        c.flag("is_enabled", "ON", key="on", priority=0),
        c.state("health", "HEALTH", 13, priority=0),
        c.text("name", "CONNECTION", 20, flex=1, min_width=12),
        c.text("type", "TYPE", 11, "dim", priority=2),
        c.text("place", "WHERE", 28, "dim", flex=1, min_width=20, cut="middle", priority=2),
        c.text("auth_type", "SIGNS IN", 9, "dim", key="auth", priority=3),
        c.text("sign_in", "SIGN-IN", 8, "warn", key="signin", priority=1),
        c.text("repo_name|scope", "FOR", 14, "dim", key="for", priority=3, cut="middle"),
        c.age("last_tested_at", "TESTED", 6, key="tested", priority=1),
        c.trouble("last_test_error"),
    ),
    search=c.searching(
        "name", "type", "place", "health", "is_enabled", "scope", "repo_name", "last_test_error"
    ),
    default_sort=c.by("name"),
    descending=False,
    label=lambda record: str(c.value(record, "name")),
    facts=_facts,
    links=lambda item: repo_link(item, "repo_id", "repo_name"),
    verbs=(
        *switches(
            lambda client, item, on: client.connections.set_enabled(item.key, on),
            "is_enabled",
            on="Let agents use it.",
            off="Keep agents from using it.",
        ),
        Verb(
            "test",
            "test",
            "v",
            "Let the service try it now.",
            lambda client, item, _: client.connections.test(item.key),
            doing="testing",
            told=_tested,
        ),
        deletes(
            lambda client, item: client.connections.delete(item.key),
            "Its credentials go with it; agents cannot use the service any more.",
        ),
    ),
    empty="No connections. They are made in the browser, under Connections.",
    needs=session_needed("Connections"),
)
