"""Filters are remembered, and saved under a name that the palette knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mogplex_tui.operate.saved_filters import FilterStore, SavedFilter
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def test_stored_filters_are_read_again_and_damage_is_no_crash(tmp_path: Path) -> None:
    store = FilterStore(tmp_path)
    for text in ("a", "b", "a", "a", ""):
        store.remember("runs", text)
    store.save(SavedFilter("dear", "runs", "cost:>5", "cost"))
    again = FilterStore(tmp_path)
    assert again.history("runs") == ["b", "a"]
    assert SavedFilter("dear", "runs", "cost:>5", "cost", True) in again.saved
    again.remove("dear")
    assert not FilterStore(tmp_path).is_removable("dear")
    (tmp_path / "filters.json").write_text('{"history": 3}')
    assert FilterStore(tmp_path).history("runs") == []


async def test_up_brings_earlier_filters_and_a_saved_one_opens_by_name(
    console: Run, world: RowFactory
) -> None:
    for name in ("web", "api"):
        world.call(repo_id=world.repo(f"acme/{name}"), status="success")
    async with console() as ui:
        await ui.sees("acme/web", "acme/api")
        for text in ("repo:web", "repo:api"):
            await ui.press("slash", *text, "enter", "escape")
        await ui.press("slash", "up", "up")
        await ui.sees("/ repo:web", "1 of 2")
        await ui.press("down")
        await ui.sees("/ repo:api")
        await ui.press("ctrl+s", *"mine", "enter")
        await ui.sees("Saved: :mine opens it.")
        await ui.press("enter", "escape")
        await ui.loses("/ repo:api")
        await ui.press("colon", *"mine", "enter")
        await ui.sees("/ repo:api", "1 of 2")
        await ui.press("question_mark")
        box = await ui.until(lambda: ui.app.screen.query("#box"), "the help")
        box.first().scroll_end(animate=False)
        await ui.sees("Saved filters", ":mine", "repo:api", ":forget NAME")
        await ui.press("escape")
        await ui.press("slash", *"~(", "enter")
        await ui.sees("~(: missing ), unterminated subpattern")
