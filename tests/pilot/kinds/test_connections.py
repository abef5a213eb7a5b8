from __future__ import annotations

from typing import Any

from tests.pilot.kinds.kind_navigation import go_to_row, wait_for_notice


async def test_url_that_may_contain_a_secret_is_never_shown(console: Any) -> None:
    async with console() as ui:
        key = ui.server.plane.db.only("SELECT id FROM connections WHERE mcp_url IS NOT NULL ORDER BY id")[
            "id"
        ]
        with ui.server.plane.db.transaction() as tx:
            tx.execute(
                "UPDATE connections SET mcp_url = ? WHERE id = ?",
                ("https://mcp.example.dev/s/hush-hush", key),
            )
        screen = await go_to_row(ui, "connections", key)
        await ui.sees("mcp.example.dev")
        assert "hush-hush" not in ui.text
        assert "hush-hush" not in repr(screen.rows.rows[key])
        await ui.press("enter")
        await ui.sees("mcp.example.dev")
        await ui.press("j")
        await ui.sees('"mcp_url"', "[hidden]")
        assert "hush-hush" not in ui.text


async def test_failed_connection_test_reports_the_fault(console: Any) -> None:
    async with console() as ui:
        key = ui.server.plane.db.only("SELECT id FROM connections WHERE type = 'rest_api' ORDER BY id")["id"]
        await go_to_row(ui, "connections", key)
        await ui.press("v")
        await wait_for_notice(ui, "does not work:")
