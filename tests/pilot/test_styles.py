"""New screens do not parse all styles again; a new theme reaches every screen."""

from __future__ import annotations

import pytest
from textual.color import Color

from mogplex_tui.themes import DARK, LIGHT
from tests.pilot.console import ConsoleFactory


async def test_first_visit_of_a_screen_parses_no_styles_again(
    console: ConsoleFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console() as ui:
        read: list[str] = []
        monkeypatch.setattr(type(ui.app), "refresh_css", lambda self, animate=True: read.append("again"))
        for place in ("2", "6"):
            await ui.press(place)
            await ui.until(lambda: not ui.app.screen.id, "another place")
        assert ui.app.current_mode == "observability"
        assert read == []
        assert ui.app.screen.styles.background == Color.parse(str(DARK.background))


async def test_theme_change_reaches_hidden_screens(console: ConsoleFactory) -> None:
    async with console() as ui:
        for place in ("2", "1"):
            await ui.press(place)
        await ui.until(lambda: ui.app.current_mode == "runs", "the runs")
        ui.app.parts.actions["app.theme"]()
        await ui.pilot.pause()
        for place in ("1", "2", "3"):
            await ui.press(place)
            await ui.pilot.pause()
            assert ui.app.screen.styles.background == Color.parse(str(LIGHT.background)), place
