"""Hidden repositories are left out of the list, shown by a key, and restored."""

from __future__ import annotations

from typing import Any

from tests.pilot.kinds.kind_navigation import go_to_list, wait_for_notice
from tests.pilot.kinds.kind_screens import collection_in


async def test_hidden_repository_is_shown_by_a_key_and_put_back(console: Any) -> None:
    async with console() as ui:
        await go_to_list(ui, "projects")
        await ui.press("slash", *"acme/web", "enter")
        key = ui.app.screen.table.cursor_key
        name = ui.app.screen.rows.rows[key].row.name
        await ui.press("escape")
        with ui.server.plane.db.transaction() as tx:
            tx.execute("UPDATE repos SET is_hidden = 1 WHERE id = ?", (key,))
        await ui.press("r")
        await ui.until(lambda: key not in ui.app.screen.rows.rows, "the repository being left out")
        await ui.press("H")
        await ui.sees(f"{name} (hidden)")
        assert ui.app.screen.table.move_cursor_to(key)
        ui.app.screen.handlers["projects.show"]()
        await wait_for_notice(ui, f"Repository {name} is listed again.")
        await ui.press("H")
        await ui.until(
            lambda: collection_in(ui.app.screen).shows_hidden is False, "hidden ones being left out"
        )
        await ui.sees(name)
