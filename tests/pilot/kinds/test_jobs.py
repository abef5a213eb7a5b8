from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, long_texts_of, wait_for_notice
from tests.pilot.kinds.kind_screens import collection_in


def _job(ui: Any, status: str) -> str:
    row = ui.server.plane.db.only(
        "SELECT id FROM job_runs WHERE status = ? AND flow_id IS NOT NULL ORDER BY created_at DESC LIMIT 1",
        (status,),
    )
    return str(row["id"])


async def test_running_job_is_cancelled_after_confirmation(console: Any) -> None:
    async with console() as ui:
        key = _job(ui, "running")
        screen = await go_to_row(ui, "jobs", key)
        await ui.press("x")
        await ui.sees("Cancel job?", "asked to stop")
        await ui.press("right", "enter")
        await wait_for_notice(ui, "is cancelled")
        assert (
            ui.server.plane.db.only("SELECT status FROM job_runs WHERE id = ?", (key,))["status"]
            == "cancelled"
        )
        assert screen.rows.rows[key].row.job.status == "cancelled"


async def test_cancel_clears_marks_only_if_confirmed(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "jobs", "status:running")
        await ui.press("space")
        await ui.sees("1 marked")
        await ui.press("x")
        await ui.sees("Cancel job?")
        await ui.press("enter")
        await ui.loses("Cancel job?")
        assert "1 marked" in ui.text
        assert not ui.app.session.ledger.entries
        await ui.press("x")
        await ui.sees("Cancel job?")
        await ui.press("right", "enter")
        await wait_for_notice(ui, "is cancelled")
        assert screen.marked_rows() == []
        await ui.loses("1 marked")


async def test_job_action_that_the_service_would_refuse_is_not_sent(console: Any) -> None:
    async with console() as ui:
        key = _job(ui, "success")
        await go_to_row(ui, "jobs", key)
        for verb, why in (("x", "can be cancelled"), ("R", "can be repaired"), ("Q", "can be requeued")):
            await ui.press(verb)
            await wait_for_notice(ui, why, "success")
        assert not ui.app.session.ledger.entries


async def test_requeue_runs_a_failed_job_as_a_new_job(console: Any) -> None:
    async with console() as ui:
        key = _job(ui, "failed")
        screen = await go_to_row(ui, "jobs", key)
        row = screen.rows.rows[key].row
        await ui.press("Q")
        # Jobs are called alike: state, agent, age and id say which one it is.
        described = f"{row.automation} {row.repo}   ✗ failed   {row.agent}"
        text = await ui.sees("Requeue job?", "A new job runs the published version", described)
        assert f"old   {key[:8]}" in text
        await ui.press("right", "enter")
        await wait_for_notice(ui, "runs again as job")
        again = ui.server.plane.db.all("SELECT id FROM job_runs WHERE retry_of_job_run_id = ?", (key,))
        assert len(again) == 1


async def test_job_links_to_its_dispatch_log_and_shows_it(console: Any) -> None:
    async with console() as ui:
        key = _job(ui, "failed")
        await go_to_row(ui, "jobs", key)
        await ui.press("enter")
        await ui.until(lambda: "control" in long_texts_of(ui), "the ledger")
        assert all(word in long_texts_of(ui) for word in ("Dispatch log", "enqueue", "start"))
        record = ui.app.screen.record
        record.links.at = [link.label for link in record.shown_links].index("dispatch log")
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.scope == "dispatch", "the list of the ledger")
        await ui.sees("control", key[:8])


async def test_job_outside_every_list_is_read_by_id(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "jobs")
        rows = ui.server.plane.db.all(
            "SELECT id FROM job_runs WHERE flow_id IS NOT NULL ORDER BY created_at LIMIT 1"
        )
        old = str(rows[0]["id"])
        assert old not in screen.rows.rows
        item = await ui.app.parts.collections.find(screen.kind, old)
        assert item.row.id == old


async def test_waiting_job_shows_when_it_can_be_repaired(console: Any) -> None:
    async with console() as ui:
        key = _job(ui, "success")
        plane = ui.server.plane
        tried = plane.clock.now_us() - 30_000_000
        with plane.db.transaction() as tx:
            tx.execute(
                "UPDATE job_runs SET status = 'pending', last_start_attempt_at = ? WHERE id = ?", (tried, key)
            )
        await go_to_row(ui, "jobs", key)
        await ui.press("R")
        due = datetime.fromtimestamp(tried / 1_000_000 + 120, UTC).astimezone()
        await wait_for_notice(ui, f"It can be repaired from {due:%H:%M:%S}")
        assert not ui.app.session.ledger.entries


async def test_tokens_of_a_job_are_input_plus_output(console: Any) -> None:
    async with console(size=(160, 40)) as ui:
        both, only_in = _job(ui, "success"), _job(ui, "failed")
        with ui.server.plane.db.transaction() as tx:
            counts = "UPDATE job_runs SET input_tokens = ?, output_tokens = ? WHERE id = ?"
            tx.execute(counts, (3_000, 500, both))
            tx.execute(counts, (2_700, None, only_in))
        screen = await go_to_list(ui, "jobs", "tokens:=3500")
        await ui.sees("1 of", "TOKENS", "3.5k")
        assert screen.table.cursor_key == both
        await go_to_list(ui, "jobs", "tokens:=2700")
        await ui.sees("1 of", "2.7k")
        assert screen.table.cursor_key == only_in


async def test_failed_job_links_to_the_cause(console: Any) -> None:
    async with console() as ui:
        await go_to_list(ui, "failures")
        failures = ui.app.screen.rows.rows.values()
        job_id, message = next(
            (str(item.row.failure.job_run_id), item.row.failure.diagnostics.failure_message)
            for item in failures
        )
        await go_to_row(ui, "jobs", job_id)
        await ui.press("enter")
        await ui.sees("failure details")
        links = ui.app.screen.record.links
        labels = [link.label for link in ui.app.screen.record.shown_links]
        links.at = labels.index("failure")
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.scope == "failures", "the failures")
        await ui.sees(f"1 of {len(failures)}", message[:20])


async def test_job_with_open_approval_is_shown_and_filtered(console: Any) -> None:
    async with console() as ui:
        approvals = await go_to_list(ui, "approvals", "kind:step")
        key = approvals.cursor_row().row.job_run_id
        jobs = await go_to_list(ui, "jobs", "state:approval")
        assert key in {jobs.view.key_at(at) for at in range(len(jobs.view))}
        assert "◆ approval" in ui.text
        assert jobs.rows.rows[key].row.job.status == "running"
        await go_to_row(ui, "jobs", key)
        await ui.press("enter")
        await ui.sees("status", "◆ approval", "pending approvals")


async def _led(ui: Any, job_id: str, label: str) -> Any:
    """Open a job and follow one of its links; return the list that it leads to."""
    screen = await go_to_list(ui, "jobs")
    ui.app.parts.navigation.open_record(screen.kind, await ui.app.parts.collections.find(screen.kind, job_id))
    await ui.until(lambda: ui.app.screen is not screen and ui.app.screen.is_complete, "the job")
    await ui.until(lambda: len(ui.app.screen.record.links) > 0, "its links")
    record = ui.app.screen.record
    record.links.at = [link.label for link in record.shown_links].index(label)
    await ui.press("enter")
    await ui.until(lambda: ui.app.screen.scope in ("dispatch", "failures"), "the list")
    return ui.app.screen


def _aged(plane: Any, table: str, where: str = "1") -> None:
    """Put a hundred copies of the newest row of a table before it, as a busy day does."""
    row = dict(plane.db.only(f"SELECT * FROM {table} WHERE {where} ORDER BY created_at DESC LIMIT 1", ()))
    names = ", ".join(row)
    with plane.db.transaction() as tx:
        for _ in range(100):
            row.update(id=str(uuid4()), job_run_id=None, created_at=plane.clock.now_us())
            tx.execute(
                f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", (*row.values(),)
            )


async def test_old_failed_job_links_to_its_dispatch_log_and_the_cause(console: Any) -> None:
    """Entries of a job beyond the newest hundred are read as well."""
    async with console() as ui:
        plane = ui.server.plane
        _aged(plane, "automation_dispatch_events", "event_kind = 'control' AND outcome = 'failed'")
        old = plane.db.only(
            "SELECT job_run_id id FROM automation_dispatch_events WHERE event_kind = 'control' AND outcome = 'failed'"
            " AND job_run_id IS NOT NULL ORDER BY created_at LIMIT 1",
            (),
        )["id"]
        for label, shown_text in (("dispatch log", "control"), ("failure", "1 found")):
            screen = await _led(ui, old, label)
            await ui.until(lambda: len(screen.view) > 0, f"what the {label} says of it")
            assert old in screen.cursor_row().raw.values()
            assert shown_text in ui.text
            # It stays when the list is read again, which does not give it.
            await collection_in(screen).fetch()
            assert len(screen.view) > 0


async def test_filter_without_matches_has_searched_all_entries(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "dispatch")
        screen.set_filter("nowhere-to-be-found")
        await ui.sees("No matches in older dispatch log entries either", f"{screen.rows.total} searched")
