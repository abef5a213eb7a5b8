"""MCP servers: what agents get tools from, and where each is; never a secret (library.md §9, v1.md §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _own(client: ClientView, _: Session) -> Listing:
    from mogplex_tui.live import redact

    def dress(row: Any) -> dict[str, Any]:
        secrets = [*row.env_secret_names, *row.header_secret_names]
        place = " ".join([row.command, *row.args]) if row.command else row.place
        fields = dressed(row, place=redact.text(place), secrets=secrets, own=True)
        return {key: value for key, value in fields.items() if key != "url"}

    return p.hidden(listed(await client.mcp_servers.list(), dress=dress), "url")


async def _merged(client: ClientView, _: Session) -> Listing:
    """The list that tools are started from: its secrets stay in the model, and only what has no value is shown."""

    def dress(row: Any) -> dict[str, Any]:
        return {
            "id": row.name,
            "name": row.name,
            "enabled": row.enabled,
            "transport": "stdio" if row.config.command else "http",
            "place": row.config.place,
            "secrets": [*row.config.env, *row.config.http_headers],
            "own": False,
        }

    return listed(await client.mcp_servers.configured_by_token(), lambda row: str(row.name), dress)


async def _switch(client: ClientView, item: Item, enabled: bool) -> None:
    from mogplex_tui.api.models.mcp_servers import McpServerUpdate

    await client.mcp_servers.update(item.key, McpServerUpdate(enabled=enabled))


KIND = Kind(
    name="mcp-servers",
    title="MCP servers",
    noun="MCP server",
    aliases=("mcp-server", "mcp"),
    contract="library.md §9, v1.md §6",
    roads=(
        road(Family.MCP, _own, every=120, blind=60),
        road(Family.V1, _merged, every=120, blind=60).hiding(
            p.token_shows("servers and connections together", "their ids, times and changes"), "age"
        ),
    ),
    fields=(
        c.switch("enabled"),
        c.text("name", "SERVER", 22, min_width=12),
        c.text("transport", "VIA", 6, "dim", key="via", priority=1),
        c.text("place", "WHERE", 50, flex=3, min_width=28, cut="middle", priority=0),
        c.text("secrets", "SECRETS", 24, "dim", flex=1, min_width=14, priority=2),
        c.age("updated_at", key="age", priority=1),
    ),
    search=c.searching(),
    default_sort=c.by("name"),
    descending=False,
    label=c.named("{name}"),
    facts=c.groups(
        "name; enabled; transport; where: place",
        "names of its secrets: secrets",
        "made: created_at; changed: updated_at",
    ),
    # What tools are started from is put together of several sources; only the account's own list can be changed.
    verbs=tuple(
        each.only(p.having("own", p.session_needed("Changes of MCP servers")), each.why_not).by(
            Family.MCP_RECORDS
        )
        for each in (
            *p.switches(_switch, on="Let agents use its tools.", off="Keep agents from its tools."),
            p.deletes(
                lambda client, item: client.mcp_servers.delete(item.key),
                "Its secrets go with it; agents lose its tools.",
            ),
        )
    ),
    empty="No MCP servers. They are added in the browser, under Settings; :connections shows services.",
    needs=p.session_needed("MCP servers"),
)
