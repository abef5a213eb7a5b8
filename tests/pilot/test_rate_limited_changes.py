"""Rate-limited changes are queued, shown, sent again and given up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate.run_actions import Draft
from mogplex_tui.operate.run_changes import start
from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import Console

Run = Callable[..., Any]
DELETE = "DELETE /api/*"
CANCEL = "POST */cancel"


def _refuse(server: PlaneServer, rule: str) -> None:
    assert server.plane.faults is not None
    server.plane.faults.add(parse(rule))


def _sent(server: PlaneServer) -> int:
    """Return how many requests the rate limit has refused."""
    assert server.plane.faults is not None
    return sum(active.fired for active in server.plane.faults.active)


def _ledger(place: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in (place / "state" / "ledger.jsonl").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == 1, "one entry"
    return [(line["action"], line["state"]) for line in lines]


async def _delete_project(ui: Console, name: str = "acme/web") -> None:
    await ui.app.parts.navigation.go("projects")
    await ui.sees(name)
    await ui.press("ctrl+d")
    await ui.sees("Delete repository?")
    await ui.press("right", "enter")


async def test_refused_change_waits_in_its_row_and_is_sent_again(
    console: Run, world: RowFactory, server: PlaneServer, tmp_path: Path
) -> None:
    world.repo("acme/web")
    _refuse(server, f"{DELETE} 429:2 x1")
    async with console(size=(80, 24)) as ui:
        await _delete_project(ui)
        await ui.sees("◌ delete in 2 s")
        assert _ledger(tmp_path) == [("projects.delete", "sent"), ("projects.delete", "queued")]
        (notification,) = [each.message for each in ui.app._notifications]
        assert re.fullmatch(
            r"Delete of repository acme/web is queued: too many requests\. Retrying in 2s, "
            r"at \d\d:\d\d:\d\d\. esc or ctrl\+d on its row gives it up\.",
            notification,
        )
        await ui.sees("◌ delete in 1 s")
        await ui.loses("acme/web")
        await ui.until(lambda: not ui.app.session.in_flight.queue)
        await ui.until(lambda: _ledger(tmp_path)[-1][1] == "done")
    assert [state for _, state in _ledger(tmp_path)] == ["sent", "queued", "sent", "done"]


async def test_same_key_gives_up_the_waiting_change_of_a_row(
    console: Run, world: RowFactory, server: PlaneServer, tmp_path: Path
) -> None:
    world.repo("acme/web")
    _refuse(server, f"{DELETE} 429:60")
    async with console(size=(80, 24)) as ui:
        await _delete_project(ui)
        await ui.sees("◌ delete in")
        ui.app.clear_notifications()
        await ui.press("ctrl+d")
        await ui.sees("was given up and not sent.", "acme/web")
        await ui.loses("◌")
        assert _sent(server) == 1
    assert [state for _, state in _ledger(tmp_path)] == ["sent", "queued", "refused"]


async def test_change_without_a_row_is_given_up_by_its_own_key(
    console: Run, world: RowFactory, server: PlaneServer, tmp_path: Path
) -> None:
    repo = world.repo("acme/web")
    async with console(size=(120, 40)) as ui:
        await ui.sees("No runs yet.")
        _refuse(server, "POST /api/v1/mogplex/runs 429:60")
        draft = Draft(repo_id=repo, repo="acme/web", prompt="Fix it")
        ended: list[str] = []

        async def begin() -> None:
            try:
                await start(ui.app.session, ui.app.runs, draft, "key-1")
            except Exception as error:
                ended.append(str(error))

        ui.app.parts.tasks.run(begin())
        await ui.sees(
            "Start of a run in acme/web is queued",
            "esc or ctrl+g gives it up.",
            "◌ start in",
            "ctrl+g give up",
        )
        await ui.press("ctrl+g")
        await ui.until(lambda: ended)
        await ui.loses("◌ start in")
        assert "was given up" in ended[0]
    assert [state for _, state in _ledger(tmp_path)] == ["sent", "queued", "refused"]


async def test_cancel_is_not_delayed_by_queued_changes(
    console: Run, world: RowFactory, server: PlaneServer
) -> None:
    repo = world.repo("acme/api")
    calls = [world.call(repo_id=repo, metadata={"repo": "acme/api"}) for _ in range(6)]
    # As many as are sent at once.
    _refuse(server, f"{CANCEL} 429:60 x4")

    def cancelled() -> int:
        return sum(world.row("ai_calls", call)["status"] == "cancelled" for call in calls)

    async with console(size=(80, 24)) as ui:
        await ui.until(lambda: ui.text.count("pending") >= 6)
        for _ in calls:
            await ui.press("space")
        await ui.press("x")
        await ui.sees("Cancel 6 runs?")
        await ui.press("right", "enter")
        await ui.until(lambda: cancelled() == 2, "two cancels")
        assert len(ui.app.session.in_flight.queue) == 4
        assert len(ui.app._notifications) == 1
        await ui.until(lambda: len(re.findall(r"◌ cancel \d\ds ", ui.text)) == 4, "four rows that count down")
        ui.app.clear_notifications()
        await ui.sees("4 changes queued")
        await ui.press("ctrl+g")
        await ui.sees("Cancelled 2 of 6 runs.", "was given up and not sent.")
        assert cancelled() == 2


async def test_cancel_takes_the_place_of_a_queued_change_and_escape_gives_that_up(
    console: Run, world: RowFactory, server: PlaneServer
) -> None:
    call = world.call(repo_id=world.repo("acme/api"), metadata={"repo": "acme/api"})
    world.repo("acme/web")
    _refuse(server, f"{DELETE} 429:60")
    _refuse(server, f"{CANCEL} 429:60 x1")
    async with console(size=(80, 24)) as ui:
        await _delete_project(ui)
        await ui.sees("◌ delete in", "esc give up delete")
        await ui.press("1", "x")
        await ui.sees("Cancel this run?")
        await ui.press("right", "enter")
        await ui.sees("2 changes queued", "esc give up cancel")
        delete, cancel = ui.app.session.in_flight.queue
        assert cancel.is_urgent and not delete.is_urgent
        delete.seconds_left = 0.0
        await ui.until(lambda: world.row("ai_calls", call)["status"] == "cancelled", "the cancel")
        assert delete in ui.app.session.in_flight.queue and delete.seconds_left > 30
        await ui.sees("esc give up delete")
        ui.app.clear_notifications()
        await ui.press("escape")
        await ui.sees("was given up and not sent.")
        await ui.loses("give up")
        assert ui.app.current_mode == "runs" and _sent(server) == 2


async def test_queued_change_is_reported_as_not_sent_on_exit(
    console: Run, world: RowFactory, server: PlaneServer, tmp_path: Path
) -> None:
    world.repo("acme/web")
    _refuse(server, f"{DELETE} 429:60")
    async with console(size=(80, 24)) as ui:
        await _delete_project(ui)
        await ui.sees("◌ delete in")
        await ui.press("q")
        app = ui.app
    assert app.unsent == ["delete of repository acme/web"]
    assert [state for _, state in _ledger(tmp_path)] == ["sent", "queued", "refused"]
