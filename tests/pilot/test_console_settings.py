"""The console's own settings are shown and changed on the Settings screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mogplex_tui.config.paths import config_file

Run = Callable[..., Any]


async def test_settings_of_the_console_are_changed_at_once_and_saved(console: Run) -> None:
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text("# mine\ntheme = 'dark' # for the night\n")
    async with console(ascii=True) as ui:
        await ui.press("8")
        await ui.sees("console tab line", "console theme", "on . the command line", "[keys] in")
        await ui.press("slash", *"console", "enter")

        async def change(name: str, *keys: str) -> None:
            await ui.press("home")
            await ui.until(lambda: ui.app.screen.cursor_row() is not None, "a row")
            while ui.app.screen.cursor_row().row.name != name:
                await ui.press("down")
            await ui.press("enter")
            await ui.sees(f"Change {name}", "Saved in")
            await ui.press(*keys, "enter")
            await ui.until(lambda: len(ui.app.screen_stack) == 1, "the answer")

        await change("console theme", "down")
        await ui.until(lambda: ui.app.theme == "mogplex-light", "the light theme")
        await ui.sees("light", "config.toml")
        await change("console ascii mode", "down")
        await ui.sees("precedence")
        await ui.sees("⏎ open", "off · config.toml")
        await change("console tab line", "down")
        await ui.loses("2 Projects")
        await ui.press("1")
        await ui.sees("STATE")
        assert "2 Projects" not in ui.text
    expected = '# mine\ntheme = "light" # for the night\nascii = false\ntab_line = false\n'
    assert config_file().read_text() == expected
