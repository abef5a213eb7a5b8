"""Messages about changes that the service accepted and did not make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane.automation.automation_rows import trigger
from tests.controlplane.row_factory import RowFactory
from tests.pilot.kinds.kind_navigation import go_to_row, wait_for_notice

Run = Callable[..., Any]


def _nothing(world: RowFactory, flow: str, repo: str) -> None:
    return None


def _full_installation(world: RowFactory, flow: str, repo: str) -> None:
    for number in range(8):
        world.job(flow, world.repo(f"acme/other-{number}"), start=True)


def _full_repository(world: RowFactory, flow: str, repo: str) -> None:
    for _ in range(25):
        world.job(flow, repo)


@pytest.mark.parametrize(
    ("prepare", "begins", "also"),
    [
        (_nothing, "Automation Review was started: job ", ""),
        (
            _full_installation,
            "Not started yet: the installation is at its limit; starts when a slot is free.",
            "Automation Review is queued as job ",
        ),
        (
            _full_repository,
            "Not started: too many jobs are pending for this repository.",
            "No job was queued for automation Review. Retry when some of those jobs have finished.",
        ),
    ],
    ids=["started", "deferred", "suppressed"],
)
async def test_trigger_message_begins_with_the_reason_for_no_start(
    console: Run, world: RowFactory, prepare: Callable[[RowFactory, str, str], None], begins: str, also: str
) -> None:
    repo = world.repo("acme/api")
    flow = world.flow(world.agent())
    prepare(world, flow, repo)
    async with console() as ui:
        await go_to_row(ui, "automations", flow)
        await ui.until(lambda: ui.app.session.names.repos, "the repositories")
        await ui.press("n")
        await ui.sees("Repository to run in", "acme/api", "Choose with up and down")
        await ui.press("down", "enter")
        await wait_for_notice(ui, begins)
        (notice,) = (note for note in ui.app._notifications if begins in note.message)
        assert notice.message.startswith(begins) and also in notice.message
        assert (notice.severity == "information") is begins.startswith("Automation")


async def test_unconfirmed_stop_is_not_reported_as_success(console: Run, world: RowFactory) -> None:
    sandbox = world.sandbox(world.repo("acme/api"), provider_view="silent")
    async with console() as ui:
        await go_to_row(ui, "sandboxes", sandbox)
        await ui.press("x")
        await ui.sees("Stop sandbox?")
        await ui.press("right", "enter")
        await wait_for_notice(
            ui, "Not confirmed: Remote VM mogplex-vm-1 could not be confirmed stopped.", "stop it again."
        )
        (notice,) = (note for note in ui.app._notifications if "confirmed" in note.message)
        assert notice.severity != "information" and ".." not in notice.message
        assert world.row("sandboxes", sandbox)["status"] == "running"


async def test_setting_that_the_service_never_stores_suggests_no_retry(
    console: Run, world: RowFactory
) -> None:
    mine = trigger(world, world.agent())
    async with console(gate=True) as ui:
        await go_to_row(ui, "triggers", mine)
        await ui.press("d")
        await ui.sees("Disable trigger?")
        await ui.press("right", "enter")
        await wait_for_notice(ui, "The hosted service answers every such change like this and stores nothing")
        assert not any("Try again" in note.message for note in ui.app._notifications)
