"""Actions that a token alone cannot carry out are not offered, with the reason."""

from __future__ import annotations

from typing import Any

from mogplex_tui.operate import action_registry
from mogplex_tui.operate.kinds.registry import kinds
from tests.pilot.kinds.kind_navigation import go_to_list, wait_for_notice
from tests.pilot.kinds.kind_screens import reads_service, wait_for_list

# Where a token is looked at off v1 (auth.md §4), and what v1 itself can do.
OPEN = {
    *(
        f"sandboxes.{each}"
        for each in ("launch", "stop", "pause", "resume", "restart", "extend", "reconcile", "delete")
    ),
    *(f"models.{each}" for each in ("enable", "disable", "default")),
    "settings.edit",
    "automations.trigger",
    "automations.publish",
}


async def test_token_alone_is_offered_only_actions_it_can_carry_out(console: Any) -> None:
    async with console(gate=True, cookie=False) as ui:
        for kind in kinds().values():
            if not reads_service(kind):
                continue
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            for verb in kind.all_actions:
                name = f"{kind.name}.{verb.id}"
                why = screen.why_not(action_registry.BY_ID[name])
                assert (why is None) == (name in OPEN), (name, why)
                assert why is None or "browser session: mogplex-tui login --session" in why, (name, why)


async def test_unavailable_server_actions_are_not_offered_or_sent(
    console: Any,
) -> None:
    async with console(gate=True, cookie=False) as ui:
        await go_to_list(ui, "mcp-servers")
        ui.edge.turned_away.clear()

        def offers_no_change() -> bool:
            keys = ui.text.split("\n")[-1]
            return "open" in keys and "able" not in keys and "mark" not in keys

        await ui.until(offers_no_change, "the keys of a server")
        await ui.press("d")
        await wait_for_notice(
            ui, "Changes of MCP servers need a browser session: mogplex-tui login --session"
        )
        # The console may still be finding out that other routes are closed.
        assert not [path for path in ui.edge.turned_away if "mcp" in path]
        assert not ui.app.session.ledger.entries
        await ui.press("question_mark", "end")
        text = " ".join((await ui.sees("Not available: enable, disable, delete.")).split())
        assert "Changes of MCP servers need" in text
        assert "Stop agents from using the server" not in "\n".join(ui.app.screen.lines())


async def test_servers_can_be_changed_with_session_and_token(console: Any) -> None:
    async with console(gate=True) as ui:
        await go_to_list(ui, "mcp-servers")
        await ui.until(
            lambda: all(key in ui.text.split("\n")[-1] for key in ("able", "mark")), "the keys of a server"
        )
        await ui.press("question_mark", "end")
        assert "Not here" not in ui.text
