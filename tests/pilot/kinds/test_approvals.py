from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, wait_for_notice
from tests.pilot.kinds.kind_screens import resize


def _control(ui: Any, status: str = "pending") -> list[str]:
    rows = ui.server.plane.db.all("SELECT id FROM control_approvals WHERE status = ? ORDER BY id", (status,))
    return [row["id"] for row in rows]


async def test_approval_list_merges_both_kinds_and_puts_resolved_last(console: Any) -> None:
    async with console() as ui:
        await go_to_list(ui, "approvals")
        text = await ui.sees("tool", "control", "step", "expired")
        lines = [line for line in text.splitlines() if "approval" in line or "expired" in line]
        assert "expired" in lines[-1]
        assert sum("expired" in line for line in lines) == 1


async def test_approval_is_answered_with_a_note(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "approvals", "kind:control !expired")
        key = screen.table.cursor_key
        await ui.press("a")
        await ui.sees("Approve “", "Note (optional)")
        await ui.press(*"fine")
        await ui.press("enter")
        await wait_for_notice(ui, "is approved")
        row = ui.server.plane.db.only("SELECT * FROM control_approvals WHERE id = ?", (key,))
        assert (row["status"], row["resolution_note"]) == ("approved", "fine")
        await ui.until(lambda: key not in screen.rows.rows, "the question leaving the list")


async def test_alike_approvals_are_answered_together_after_each_input_is_shown(console: Any) -> None:
    async with console(size=(120, 50)) as ui:
        db, now = ui.server.plane.db, ui.server.plane.clock.now_us()
        pending = _control(ui)
        alike = []
        with db.transaction() as tx:
            for number in range(10):
                alike.append(tx.new_id())
                tx.insert(
                    "control_approvals",
                    id=alike[-1],
                    user_id=ui.server.plane.user_id,
                    run_id=tx.new_id(),
                    tool_call_id=tx.new_id(),
                    tool_name="open_pull_request",
                    tool_input=json.dumps({"branch": f"fix/{number}"}),
                    summary=f"Open a pull request for fix/{number}",
                    status="pending",
                    created_at=now,
                    expires_at=now + (10 - number) * 60_000_000,
                )
        await go_to_row(ui, "approvals", alike[3])
        await ui.press("A")
        await ui.sees("10 marked")
        await ui.press("a")
        text = await ui.sees("Approve 10 approvals", "1. Open a pull request for fix/9", "expires in")
        assert '"branch": "fix/9"' in text and "Approve  ⏎" in text
        await ui.press(*["pagedown"] * 4)
        await ui.sees("10. Open a pull request for fix/0", '"branch": "fix/0"')
        await ui.press("enter")
        await wait_for_notice(ui, "Approve: 10 of 10 done.")
        assert set(_control(ui, "approved")) >= set(alike)
        assert _control(ui) == pending


async def test_resolved_approval_cannot_be_answered(console: Any) -> None:
    async with console() as ui:
        before = _control(ui)
        screen = await go_to_list(ui, "approvals")
        over = next(key for key, item in screen.rows.rows.items() if item.row.status == "expired")
        await go_to_row(ui, "approvals", over)
        await ui.press("a")
        await wait_for_notice(ui, "It has expired.")
        assert _control(ui) == before


async def test_tool_input_of_an_approval_comes_first_on_a_small_screen(console: Any) -> None:
    async with console(size=(80, 24)) as ui:
        screen = await go_to_list(ui, "approvals", "kind:tool")
        record = screen.cursor_row().row
        assert record.question == record.tool_name
        await ui.press("enter")
        heading, given = "Tool input", record.tool_input[:40]
        lines = (await ui.sees(heading, given, "question", "if denied", "expires")).splitlines()
        starts = [line[2:].split("  ")[0].strip() for line in lines]
        assert starts.index(heading) < starts.index("question")
        # Its name is told once.
        assert "tool" not in starts
        assert ["question", record.question] in [line.split() for line in lines]
        await resize(ui, (120, 40))
        # Where there is room it stands beside the facts.
        await ui.until(lambda: any(line.find(heading) > 40 for line in ui.text.splitlines()), "it moving")
        assert ui.text.count(heading) == 1


async def test_hosted_approvals_with_token_alone_name_the_session(
    console: Any,
) -> None:
    async with console(gate=True, cookie=False) as ui:
        await ui.app.parts.navigation.go("approvals")
        await ui.sees("Approvals need a browser session", "login --session")


async def test_approval_that_expires_while_open_offers_no_answer(
    console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "approvals", "kind:control !expired")
        await ui.press("enter")
        await ui.sees("approve", "deny", "expires")
        # Nothing is read again: a clock that jumps would otherwise look like a sleep of the machine.
        await ui.app.session.wake.stop()
        await ui.app.session.scheduler.stop()
        clock = ui.app.session.clock
        later = clock.now() + timedelta(days=400)
        monkeypatch.setattr(clock, "now", lambda: later)
        await ui.until(lambda: "a approve" not in ui.text and "d deny" not in ui.text, "the answers going")
        await ui.press("a")
        await wait_for_notice(ui, "It has expired.")
        assert screen.rows.rows[ui.app.screen.entry().key].row.status == "expired"


async def test_approval_links_to_its_automation_by_name(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "approvals")
        item = next(each for each in screen.rows.rows.values() if each.row.flow_id)
        flow = ui.server.plane.db.only("SELECT name FROM flows WHERE id = ?", (item.row.flow_id,))
        await go_to_row(ui, "approvals", item.key)
        await ui.press("enter")
        line = f"automation +{re.escape(flow['name'])}"
        await ui.until(lambda: re.search(line, re.sub(r"[→>]", " ", ui.text)), "the name of the automation")
