"""The detail of a record that is deleted while it is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.pilot.kinds.kind_navigation import go_to_list, wait_for_notice
from tests.pilot.kinds.kind_screens import collection_in


async def test_deleted_record_keeps_its_last_facts(
    console: Any,
) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "skills")
        key, collection = screen.table.cursor_key, collection_in(screen)
        collection.begin(key, "deleting")
        await ui.press("enter")
        await ui.sees("deleting …")
        # What is learnt of it while it is open is not forgotten with it.
        item = collection.set.rows[key]
        assert item.row is not None
        fresh = replace(item, row=item.row.model_copy(update={"name": "Fresh name"}))
        collection.set.apply([(key, fresh)])
        await ui.sees("Fresh name")
        collection.set.drop([key])
        collection.end(key)
        text = await ui.sees("This skill is no longer in the list. Showing the last known data.")
        assert "Fresh name" in text
        assert "deleting" not in text
        # Nothing is asked about what cannot be done any more.
        await ui.press("ctrl+d")
        await wait_for_notice(ui, "This skill is no longer in the list.")
        assert ui.app.screen is not screen and not ui.app.screen.is_modal
