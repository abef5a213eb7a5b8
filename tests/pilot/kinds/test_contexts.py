"""The list of contexts, which are read from a local file."""

from __future__ import annotations

from typing import Any

from mogplex_tui.config.contexts import Context, change, contexts_file
from tests.pilot.kinds.kind_screens import collapse_spaces


async def _wait_for_texts(ui: Any, *texts: str) -> str:
    """Wait for texts, ignoring line breaks, which depend on the length of the path."""
    await ui.until(lambda: all(text in collapse_spaces(ui.text) for text in texts), f"{texts}")
    return collapse_spaces(ui.text)


async def test_damaged_file_is_reported_and_old_rows_stay(console: Any) -> None:
    change(lambda none: none.put(Context("laptop", "http://127.0.0.1:4700")))
    text = contexts_file().read_text()
    async with console(size=(80, 24)) as ui:
        contexts_file().write_text('{"contexts": {')
        await ui.app.parts.navigation.go("contexts")
        shown = await _wait_for_texts(
            ui, "is damaged (it is no JSON from line 1", "Mend it or move it away.", "r retries now."
        )
        assert "unreadable" not in shown and "console" not in shown
        contexts_file().write_text(text)
        await ui.press("r")
        await ui.sees("laptop", "http://127.0.0.1:4700")
        contexts_file().write_text("[]")
        await ui.press("r")
        await _wait_for_texts(ui, "is damaged (it is no JSON object)", "Showing the last data read", "laptop")
