"""In ASCII mode every screen, list and record is drawn in ASCII."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.screens.navigation import BUILT_IN
from mogplex_tui.widgets.ascii_filter import _LETTERS
from mogplex_tui.widgets.text import width
from tests.case_share import share_of
from tests.pilot.console import Console
from tests.pilot.kinds.kind_screens import (
    ServiceState,
    collection_in,
    console_on,
    front_screen,
    open_detail,
    resize,
    wait_for_list,
    wait_for_screen,
    wait_until_drawn,
)

# Letters of names and titles that the seeded service sends; they are its own.
SENT = set("áßø")
NARROW, WIDE = (80, 24), (120, 40)


def _foreign(ui: Console) -> set[str]:
    return {sign for sign in ui.text if not sign.isascii()} - SENT


async def _plain(ui: Console, where: str) -> None:
    await wait_until_drawn(ui)
    foreign = _foreign(ui)
    named = {unicodedata.name(sign, hex(ord(sign))) for sign in foreign}
    lines = [line for line in ui.text.split("\n") if foreign & set(line)]
    assert not foreign, f"{where}: {named}\n" + "\n".join(lines)


async def _dialog(ui: Console, where: str, *keys: str) -> None:
    below = ui.app.screen
    await ui.press(*keys)
    await ui.until(lambda: ui.app.screen is not below, where)
    await _plain(ui, where)
    await ui.press("escape")
    await wait_for_screen(ui, below)


async def test_screens_and_dialogs_are_ascii(seeded_database: Path, tmp_path: Path) -> None:
    async with console_on(ServiceState("seeded"), seeded_database, tmp_path, ascii=True) as ui:
        await ui.sees("live", "STATE", "streaming")
        await ui.press("space", "s", "s", "S")
        for size in (WIDE, NARROW):
            await resize(ui, size)
            await _plain(ui, f"runs at {size}")
        assert " by " in ui.text.split("\n")[2] or "marked" in ui.text
        for where, keys in {"help": "?", "palette": ":", "new run": "n", "cancel": "x"}.items():
            await _dialog(ui, where, keys)
        await ui.press("6")
        await ui.sees("runs by cost", "Cost per hour")
        for size in (WIDE, NARROW):
            await resize(ui, size)
            await _plain(ui, f"observability at {size}")
        await ui.press("1")
        await ui.sees("STATE")
        await ui.press("slash", *"state:failed", "enter", "home", "enter")
        await ui.until(lambda: front_screen(ui).scope == "run", "the run")
        await ui.sees("following")
        for size in (WIDE, NARROW):
            await resize(ui, size)
            await _plain(ui, f"a run at {size}")
        await ui.press("i", "slash", "e", "enter", "enter")
        await _plain(ui, "an event")


async def test_lists_and_records_of_every_kind_are_ascii(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with console_on(ServiceState("seeded"), seeded_database, tmp_path, ascii=True) as ui:
        for name, kind in share_of(kinds().items(), every_case, step=2):
            if name in BUILT_IN:
                continue
            await ui.app.parts.navigation.go(name)
            screen = await wait_for_list(ui, kind)
            await _plain(ui, f"the list of {name}")
            if collection_in(screen).set.rows:
                await open_detail(ui, kind)
                await _plain(ui, f"a detail of {name}")


def test_ascii_letters_are_as_wide_as_the_glyphs_they_replace() -> None:
    signs: Any = [(letter, sign) for letter, signs in _LETTERS.items() for sign in signs]
    assert all(width(letter) == width(sign) == 1 and letter.isascii() for letter, sign in signs)
