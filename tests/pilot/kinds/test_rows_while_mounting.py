"""A list shows rows that arrive between its table's creation and its first frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widget import Widget

from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.screens.list_screen import ListScreen
from tests.pilot.kinds.kind_screens import ServiceState, console_on, wait_for_list, wait_until


async def test_list_shows_rows_that_arrive_while_it_is_mounted(
    seeded_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, compose = kinds()["automations"], ListScreen.compose_body
    async with console_on(ServiceState("seeded"), seeded_database, tmp_path) as ui:
        collection = new_collection(ui.app.session, kind)
        await collection.fetch()
        rows = dict(collection.set.rows)
        assert rows
        collection.set.drop(rows)

        def compose_body(screen: ListScreen) -> Iterator[Widget]:
            yield from compose(screen)
            if screen.kind.name == kind.name:
                # The list is read for the names on another screen. Reading it again then changes nothing.
                screen.rows.apply(rows.items(), complete=True)

        monkeypatch.setattr(ListScreen, "compose_body", compose_body)
        await ui.app.parts.navigation.go(kind.name)
        screen = await wait_for_list(ui, kind)
        await wait_until(ui, lambda: len(screen.table.visible_keys) == len(rows), "the rows")
        await wait_until(ui, lambda: "⏎ open" in ui.text.splitlines()[-1], "the actions of the first row")
