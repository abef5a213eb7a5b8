"""The console's own settings are shown and changed on the Settings screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mogplex_tui.config.paths import config_file
from tests.controlplane.row_factory import RowFactory

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
        await ui.sees("⏎ change", "off · config.toml")
        await change("console tab line", "down")
        await ui.loses("2 Projects")
        await ui.press("1")
        await ui.sees("STATE")
        assert "2 Projects" not in ui.text
    expected = '# mine\ntheme = "light" # for the night\nascii = false\ntab_line = false\n'
    assert config_file().read_text() == expected


async def test_columns_are_chosen_ordered_kept_and_reset(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), model="acme/nova", type="agent")
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text("# mine\n")

    def header(ui: Any) -> list[str]:
        return next(str(line) for line in ui.text.splitlines() if "REPO" in line).split()

    async with console() as ui:
        await ui.sees("nova")
        default = header(ui)
        assert default[:2] == ["STATE", "REPO"] and "MODEL" in default
        await ui.press("c")
        await ui.sees("Columns of runs", "✓  STATE", "BRANCH  no value in any row")
        # The state is hidden, and the model moved before the repository.
        await ui.press("space", "down", "down", "down", "down", "J", "K", "K", "K", "enter")
        await ui.sees("Columns saved in")
        chosen = header(ui)
        assert "STATE" not in chosen and chosen.index("MODEL") < chosen.index("REPO")
    assert config_file().read_text().startswith('# mine\n\n[columns]\nruns = ["about", "model", "repo", ')
    async with console(config=config_file().read_text()) as ui:
        await ui.sees("nova")
        assert header(ui) == chosen
        await ui.press("8")
        await ui.sees("console columns", "1 changed", "[columns] in")
        await ui.press("1", "c", "d")
        await ui.sees("Default columns restored")
        assert header(ui) == default
    assert "runs" not in config_file().read_text()
