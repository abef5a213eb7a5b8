"""Texts of a megabyte in every field cost no more than the part that is shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from rich.cells import cell_len

from mogplex_tui.live.collection import RowPage
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.screens.event_json_pane import EventPane
from mogplex_tui.widgets import text as measuring
from mogplex_tui.widgets.long_text import MOST_CHARACTERS, MOST_LINES, LongText
from tests.pilot.kinds.kind_screens import (
    ServiceState,
    collection_in,
    console_on,
    front_screen,
    repeat_rows,
    wait_for_list,
    wait_until,
    wait_until_drawn,
)

SIZE = 1_000_000
# A cell is cut to a few thousand characters; a control among them may take several when it is made visible.
FEW = 10_000
TEXTS = {
    "newlines": "a\n" * (SIZE // 2),
    "escapes": "\x1b[31m" * (SIZE // 5),
    "combining": "a" + "\u0301" * (SIZE - 1),
    "joiners": "\U0001f468\u200d" * (SIZE // 2),
    "one-word": "é" * SIZE,
}
KINDS = ("agents", "jobs")

# The long form tries every text.
LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"


class Long(str):
    """A text that counts how much of it is processed; a slice of it is a plain string."""

    __slots__ = ()
    worked_on: int = 0

    def __str__(self) -> str:
        return self

    def _whole(self, name: str, *args: Any) -> Any:
        Long.worked_on = max(Long.worked_on, len(self))
        return getattr(str, name)(self, *args)

    def lower(self) -> Any:
        return self._whole("lower")

    def strip(self, *args: Any) -> Any:
        return self._whole("strip", *args)

    def split(self, *args: Any) -> Any:
        return self._whole("split", *args)

    def replace(self, *args: Any) -> Any:
        return self._whole("replace", *args)


def _filled(value: Any, text: str) -> Any:
    """Return a record with this text in every field except id, status and key."""
    kept = ("id", "status", "key")
    if isinstance(value, str):
        return text
    if isinstance(value, Mapping):
        return {key: item if key in kept else _filled(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_filled(item, text) for item in value[:2])
    if isinstance(value, BaseModel):
        names = [name for name in type(value).model_fields if name not in kept]
        return value.model_copy(update={name: _filled(getattr(value, name), text) for name in names})
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.init and field.name not in kept]
        return replace(value, **{name: _filled(getattr(value, name), text) for name in names})
    return value


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of texts whose cells were counted."""
    lengths, count = list[int](), cell_len

    def counted(text: str) -> int:
        lengths.append(len(text))
        return count(text)

    monkeypatch.setattr(measuring, "cell_len", counted)
    return lengths


@pytest.mark.parametrize("content", TEXTS if LONG else ("newlines", "combining"))
async def test_list_of_long_texts_processes_only_the_visible_part(
    seeded_database: Path, tmp_path: Path, measured: list[int], content: str
) -> None:
    text = TEXTS[content]
    long = Long(text)

    def change(page: RowPage[Any]) -> RowPage[Any]:
        rows = [entry for entry in page.entries if entry.row is not None]
        return repeat_rows(
            RowPage([replace(entry, row=_filled(entry.row, long), raw=long) for entry in rows]), 200
        )

    async with console_on(ServiceState("long", change=change), seeded_database, tmp_path) as ui:
        for name in KINDS:
            kind = kinds()[name]
            await ui.app.parts.navigation.go(name)
            screen = await wait_for_list(ui, kind)
            assert len(collection_in(screen).set.rows) == 200
            measured.clear()
            Long.worked_on = 0
            await ui.press("down", "slash", "a", "enter")
            await wait_until_drawn(ui)
            assert max(measured, default=0) <= FEW, name
            assert Long.worked_on == 0, name
            item = next(iter(collection_in(screen).set.rows.values()))
            ui.app.parts.navigation.open_record(kind, item)
            await wait_until(
                ui,
                lambda: ui.app.screen is not screen and front_screen(ui).is_complete,
                "the page",
            )
            await wait_until_drawn(ui)
            await ui.press("down", "pagedown")
            texts = ui.app.screen.query_one("#texts", LongText)
            assert texts.virtual_size.height <= 2 * MOST_LINES + 10
            # Of a record, the beginning of a long text is shown and the rest is counted.
            if name == "agents":
                assert f"of {len(text):,} characters)" in texts.text.split("\n")[0]
            await ui.press("j")
            await wait_until(ui, lambda: ui.app.screen.query_one("#json", EventPane).is_open, "the JSON")
            assert len(ui.app.screen.query_one("#json").query_one(LongText).text) <= MOST_CHARACTERS + 100


async def test_cut_long_text_states_what_is_left_out() -> None:
    for text, first_line in (
        ("x" * (MOST_CHARACTERS + 1), f"Log  (showing the first {MOST_CHARACTERS:,} of 200,001 characters)"),
        ("ab\n" * (MOST_LINES + 5), f"Log  (showing the first {3 * MOST_LINES - 1:,} of 30,015 characters)"),
        ("x" * MOST_CHARACTERS, "Log"),
        ("ab\n" * (MOST_LINES - 1), "Log"),
    ):
        shown = LongText()
        shown.set_texts([("Log", text)])
        assert shown.text.split("\n")[0] == first_line
        assert len(shown.lines(80, 0)) <= MOST_LINES + 1
