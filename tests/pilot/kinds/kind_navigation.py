"""Go to lists and rows of kinds in a running console, and wait for notices."""

from __future__ import annotations

from typing import Any


async def go_to_list(ui: Any, kind: str, narrowed: str = "") -> Any:
    """Go to a kind's list and wait for its rows; return the screen."""
    await ui.app.parts.navigation.go(kind)
    await ui.until(lambda: kind == ui.app.screen.scope, f"the list of {kind}")
    screen = ui.app.screen
    # Keys mean a row from when there is one under the cursor.
    await ui.until(lambda: screen.rows.rows and screen.table.cursor_key, f"rows of {kind}")
    if narrowed:
        screen.set_filter(narrowed)
        await ui.until(lambda: screen.table.cursor_key, "a row under the cursor")
    return screen


async def go_to_row(ui: Any, kind: str, key: str) -> Any:
    """Go to a kind's list and put the cursor on one row; return the screen."""
    screen = await go_to_list(ui, kind)
    await ui.until(lambda: key in screen.rows.rows, f"{key} among {kind}")
    await ui.until(lambda: screen.table.move_cursor_to(key), f"the cursor on {key}")
    await ui.pilot.pause()
    return screen


async def wait_for_notice(ui: Any, *texts: str) -> None:
    """Wait for a notification that contains all of these texts."""
    await ui.until(
        lambda: any(all(text in notice.message for text in texts) for notice in ui.app._notifications),
        f"a notice with {texts}",
    )


def long_texts_of(ui: Any) -> str:
    """Return the long texts of the record that is shown, also what is below the fold."""
    return str(ui.app.screen.query_one("#texts").text)
