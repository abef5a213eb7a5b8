"""The header shows the number of pending approvals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.controlplane.row_factory import RowFactory
from tests.pilot.approvals import insert_approval

Run = Callable[..., Any]


async def test_header_and_list_count_pending_approvals(console: Run, world: RowFactory) -> None:
    first = insert_approval(world, 3600)
    insert_approval(world, 3600)
    insert_approval(world, -5)
    async with console() as ui:
        await ui.sees("◆ 2")
        await ui.app.parts.navigation.go("approvals")
        screen = await ui.until(lambda: ui.app.screen.scope == "approvals" and ui.app.screen, "the approvals")
        # What has run out stays in the list and counts as little there as in the header.
        await ui.sees("2 of 3 open", "expired")
        await ui.until(lambda: screen.table.move_cursor_to(first), "the approval")
        await ui.press("d")
        await ui.sees("Deny “Launch a sandbox”")
        # No note: enter confirms what the form says.
        await ui.press("enter")
        await ui.sees("◆ 1", "is denied", "1 of 2 open")


async def test_header_has_no_count_without_pending_approvals(console: Run, world: RowFactory) -> None:
    insert_approval(world, -5)
    async with console() as ui:
        await ui.until(lambda: ui.app.parts.collections.of(_kind()).set.rows, "the approvals being read")
        await ui.pilot.pause()
        assert ui.app.parts.collections.pending_approvals == 0
        assert "◆" not in ui.text


async def test_closed_approvals_are_requested_once_and_not_counted(console: Run, world: RowFactory) -> None:
    insert_approval(world, 3600)
    async with console(cookie=False, gate=True) as ui:
        await ui.until(
            lambda: ui.app.parts.collections.of(_kind()).source is None, "the approvals being closed"
        )
        await ui.sees("connected")
        assert "◆" not in ui.text
        assert ui.edge.turned_away.count("/api/flows/approvals") == 1
        assert ui.edge.turned_away.count("/api/control/approvals") == 1


async def test_approval_sign_is_a_letter_in_ascii_mode(console: Run, world: RowFactory) -> None:
    insert_approval(world, 3600)
    async with console(ascii=True, size=(80, 24)) as ui:
        await ui.sees("? 1")
        assert ui.text.split("\n", 1)[0].isascii()


def _kind() -> Any:
    from mogplex_tui.operate.kinds.registry import kinds

    return kinds()["approvals"]
