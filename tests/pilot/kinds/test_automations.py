from __future__ import annotations

import time
from typing import Any

from mogplex_tui.api.route_access import Family
from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, long_texts_of, wait_for_notice


def _flow(ui: Any, status: str = "active") -> str:
    row = ui.server.plane.db.only(
        "SELECT id FROM flows WHERE status = ? AND published_version_id IS NOT NULL AND user_id = ? ORDER BY name",
        (status, ui.server.plane.user_id),
    )
    return str(row["id"])


async def test_pause_is_confirmed_and_activation_is_not(console: Any) -> None:
    async with console() as ui:
        key = _flow(ui)
        await go_to_row(ui, "automations", key)
        await ui.press("d")
        text = await ui.sees("Pause automation?", "no new ones start until")
        # The list's age is that of its last run.
        made = ui.server.plane.db.value("SELECT created_at FROM flows WHERE id = ?", (key,)) / 1_000_000
        assert f" {int(time.time() - made) // 86_400}d old " in text
        await ui.press("right", "enter")
        await wait_for_notice(ui, "is paused.")
        assert (
            ui.server.plane.db.only("SELECT status FROM flows WHERE id = ?", (key,))["status"] == "inactive"
        )
        await go_to_row(ui, "automations", key)
        await ui.press("e")
        await wait_for_notice(ui, "is active.")
        assert ui.server.plane.db.only("SELECT status FROM flows WHERE id = ?", (key,))["status"] == "active"


async def test_trigger_is_sent_with_repository_and_ledger_key(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "automations", "docs follow")
        key = screen.table.cursor_key
        await ui.until(lambda: ui.app.session.names.repos, "the repositories")
        await ui.press("n")
        await ui.sees("Repository to run in", "acme/api", "Choose with up and down")
        await ui.press("down", "enter")
        await ui.until(lambda: ui.app.session.ledger.entries, "the call")
        entry = await ui.until(
            lambda: next((each for each in ui.app.session.ledger.entries if each.state == "done"), None),
            "its end",
        )
        assert entry.action == "automations.trigger"
        assert entry.key is not None
        assert entry.key.startswith("mogplex-tui-")
        jobs = ui.server.plane.db.all(
            "SELECT * FROM job_runs WHERE flow_id = ? AND idempotency_key = ?", (key, entry.key)
        )
        assert len(jobs) == 1


async def test_trigger_uses_the_session_when_v1_refuses_the_token(console: Any) -> None:
    async with console(gate=True, token="mog_nobodys") as ui:
        screen = await go_to_list(ui, "automations", "docs follow")
        key = screen.table.cursor_key
        await ui.until(lambda: not ui.app.session.may_request(Family.V1), "the refusal of the token")
        await ui.press("n")
        await ui.sees("Repository to run in", "the service chooses")
        await ui.press("down", "enter")
        await wait_for_notice(ui, "was started: job")
        assert ui.app.session.ledger.entries[-1].state == "done"
        job = ui.server.plane.db.only("SELECT flow_id FROM job_runs ORDER BY created_at DESC LIMIT 1", ())
        assert job["flow_id"] == key


async def test_automations_with_token_alone_are_read_from_v1(console: Any) -> None:
    async with console(gate=True, cookie=False) as ui:
        await go_to_row(ui, "automations", _flow(ui))
        await ui.sees("With a token alone this list has names and states")
        # Nothing is known of runs: their columns leave their room to the rest.
        assert "AUTOMATION" in ui.text and "FAIL" not in ui.text
        await ui.press("d")
        await wait_for_notice(ui, "Pausing and activating automations need a browser session")
        await ui.press("enter")
        await ui.until(lambda: "Latest runs" in long_texts_of(ui), "its runs")
        # What v1 does not tell has no line; the version is known from the record itself, the last run from its runs.
        text = await ui.sees("version", "last run")
        assert not any(label in text for label in ("failed 24 h", "suppressed", "source"))
