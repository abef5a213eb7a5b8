from __future__ import annotations

from typing import Any

from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, wait_for_notice


async def test_default_model_changes_only_after_confirmation(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "models")
        rows = screen.rows.rows
        was = next(key for key, item in rows.items() if item.row.is_default)
        other = next(
            key for key, item in rows.items() if item.row.is_usable and item.row.is_enabled and key != was
        )
        await go_to_row(ui, "models", other)
        await ui.press("D")
        await ui.sees("Set default model?", "The whole account")
        await ui.press("enter")
        await ui.loses("Set default model?")
        assert not ui.app.session.ledger.entries
        await ui.press("D")
        await ui.sees("Set default model?")
        await ui.press("right", "enter")
        await wait_for_notice(ui, "is the default now.")
        assert rows[other].row.is_default
