"""Connections: services that agents may use, and what the newest test of each found (library.md §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Listing
from mogplex_tui.operate import answers
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, listed, road, with_names
from mogplex_tui.operate.kinds.verb import verb

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

    return p.hidden(listed(await client.connections.list(), dress=dress), *_ADDRESSES)


KIND = Kind(
    name="connections",
    title="Connections",
    noun="connection",
    aliases=("connection", "conn", "cn"),
    contract="library.md §8",
    roads=(road(Family.CONNECTIONS, _list, "connections", every=120, blind=45),),
    fields=(
        c.switch("is_enabled", key="on"),
        c.state("health", "HEALTH", 13, priority=0),
        c.text("name", "CONNECTION", 20, flex=1, min_width=12),
        c.text("type", "TYPE", 11, "dim", priority=2),
        c.text("place", "WHERE", 28, "dim", flex=1, min_width=20, cut="middle", priority=2),
        c.text("auth_type", "AUTH", 9, "dim", key="auth", priority=3),
        c.text("sign_in", "SIGN-IN", 8, "warn", key="signin", priority=1),
        c.text("repo_name|scope", "FOR", 14, "dim", key="for", priority=3, cut="middle"),
        c.age("last_tested_at", "TESTED", 6, key="tested", priority=1),
        c.trouble("last_test_error"),
    ),
    search=c.searching("scope"),
    default_sort=c.by("name"),
    descending=False,
    label=c.named("{name}"),
    facts=c.groups(
        "name; what: description; enabled: is_enabled; type; where: place",
        "health: health as state; last error: last_test_error as error; answer: last_test_http_status;"
        " tools: last_test_tool_count; tested: last_tested_at",
        "auth: auth_type; sign-in: sign_in; scopes: oauth_scopes",
        "authorised: oauth_authorized_at; runs out: oauth_token_expires_at",
        "counts for: scope; repo: repo_name|repo_id; preset: source_preset",
    ),
    links=p.links(p.to("projects", "repo", "repo_id", "repo_name|repo_id")),
    verbs=(
        *p.switches(
            lambda client, item, on: client.connections.set_enabled(item.key, on),
            "is_enabled",
            on="Let agents use it.",
            off="Keep agents from using it.",
        ),
        verb("test", "v", "Let the service try it now.")
        .sends(lambda client, item, _: client.connections.test(item.key))
        .tells("testing", answers.tested),
        p.deletes(
            lambda client, item: client.connections.delete(item.key),
            "Its credentials go with it; agents cannot use the service any more.",
        ),
    ),
    empty="No connections. They are made in the browser, under Connections.",
    needs=p.session_needed("Connections"),
)
