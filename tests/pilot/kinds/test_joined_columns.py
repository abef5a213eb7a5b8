"""Columns joined from other kinds' lists, which are read only while shown."""

from __future__ import annotations

from typing import Any

from mogplex_tui.operate.kinds.registry import kinds
from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row


async def test_projects_join_sandboxes_and_assignments_not_opened_before(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "projects")
        query = "SELECT repo_id, count(*) AS n FROM assignments GROUP BY repo_id"
        counted = {row["repo_id"]: row["n"] for row in ui.server.plane.db.all(query)}
        assigned = {key: counted.get(key, 0) for key in screen.rows.rows}
        assert sum(assigned.values()) > 1

        def assigned_counts() -> dict[str, int]:
            rows = screen.rows.rows
            return {key: row.row.assigned for key, row in rows.items()}

        await ui.until(lambda: assigned_counts() == assigned, "assignments of the projects")
        await ui.until(lambda: any(row.row.sandbox for row in screen.rows.rows.values()), "sandboxes")
        # One that goes is told as well, without a reading of the projects.
        loses = next(key for key, count in assigned.items() if count)
        with ui.server.plane.db.transaction() as tx:
            tx.execute("DELETE FROM assignments WHERE repo_id = ?", (loses,))
        ui.app.session.scheduler.refresh(ui.app.parts.collections.of(kinds()["assignments"]).feed)
        await ui.until(lambda: assigned_counts() == {**assigned, loses: 0}, "the change")


async def test_joined_lists_are_read_only_while_shown(console: Any) -> None:
    async with console() as ui:

        def wanted(name: str) -> int:
            return int(ui.app.parts.collections.of(kinds()[name]).feed.subscriber_count)

        await go_to_list(ui, "sandboxes")
        assert wanted("sandboxes") == 1
        await ui.press("?")
        await ui.until(lambda: ui.app.screen.is_modal, "the help")
        assert wanted("sandboxes") == 1
        await ui.press("escape")
        await go_to_list(ui, "teams")
        await ui.until(
            lambda: wanted("sandboxes") == 0 and ui.app.runs.feed.subscriber_count == 0, "letting go"
        )
        assert wanted("teams") == 1
        await go_to_row(ui, "jobs", next(iter((await go_to_list(ui, "jobs")).rows.rows)))
        assert wanted("jobs") == 1
        await ui.press("escape", "1")
        await ui.until(lambda: ui.app.runs.feed.subscriber_count == 1 and wanted("jobs") == 0, "going back")
