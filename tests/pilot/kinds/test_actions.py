"""Every action of every kind: carried out, refused, and with its response lost.

What is on the screen afterwards is what a reading says, and the ledger has the call with its end. Verbs are taken from
the registry; the table below says only what some of them need before a record can be found that they make sense for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mogplex_tui.api.errors import NotAllowed
from mogplex_tui.api.retry import MAX_ATTEMPTS
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.session import Session
from mogplex_tui.operate import action_registry, executor, kind_rows
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import AnyAction, AnyKind, Creation
from mogplex_tui.screens.command_palette import entries_of
from mogplex_tui.widgets.line_table import LineTable
from tests.case_share import share_of
from tests.pilot.kinds.action_bench import (
    EVERY_ACTION,
    GONE_IS_FINE,
    REFUSALS,
    RESULT_IN_ANSWER,
    SETTINGS,
    UNCHANGED_AFTER,
    action_bench,
    action_name,
    case_id,
    no_pause,
    request_of,
    sends_key,
)
from tests.pilot.kinds.kind_screens import (
    ServiceState,
    collection_in,
    column_titles,
    console_on,
    resize,
    running_plane,
    wait_for_list,
    wait_until,
)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "READ_BACK_DELAYS", (0.0,))
    monkeypatch.setattr(executor, "pause", no_pause)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("kind", "verb"), EVERY_ACTION, ids=case_id)
async def test_action_survives_every_refusal_and_then_succeeds(
    kind: AnyKind, verb: AnyAction, seeded_database: Path, tmp_path: Path
) -> None:
    async with action_bench(kind, verb, seeded_database, tmp_path) as bench:
        item = await bench.item(verb)
        values = await bench.values(verb, item)
        ledger, before, sent = bench.session.ledger, item.row, request_of(kind, verb)
        is_listed = item.key in bench.collection.set.rows
        for status in REFUSALS:
            bench.fault(f"{sent} {'429' if status == 429 else f'status:{status}'}")
            bench.corrupt_row(item.key)
            outcome = await executor.run_action(bench.session, bench.collection, kind, verb, item, values)
            calls = MAX_ATTEMPTS if status == 429 else 1
            assert bench.fired == calls, f"{calls} calls, not {bench.fired}"
            if status == 404 and action_name(kind, verb) in GONE_IS_FINE:
                continue
            assert not outcome.is_success, outcome
            assert kind_rows.name_of(kind, item).lower() in outcome.sentence.lower()
            entry = ledger.entries[-1]
            # A start that was answered by a 5xx may have been queued; its key is used again (errors.md §5).
            end = "unknown" if sends_key(verb) and status >= 500 else "refused"
            assert (entry.action, entry.state) == (action_name(kind, verb), end), (status, entry)
            await bench.shows_what_a_reading_says(item.key)
            assert not is_listed or bench.collection.set.rows[item.key].row is not None
        now = bench.collection.set.rows[item.key] if is_listed else item
        assert kind_rows.unavailable_reason(verb, now, bench.session) is None, "a refusal changed the record"
        there = await bench.all_keys()
        outcome = await executor.run_action(bench.session, bench.collection, kind, verb, item, values)
        assert ledger.entries[-1].state == "done", outcome
        if "{}" in verb.done and action_name(kind, verb) not in RESULT_IN_ANSWER:
            assert kind_rows.name_of(kind, item).lower() in outcome.sentence.lower()
        await bench.shows_what_a_reading_says(item.key)
        if (
            action_name(kind, verb) not in RESULT_IN_ANSWER
            and not sends_key(verb)
            and verb.id not in UNCHANGED_AFTER
        ):
            after = bench.collection.set.rows.get(item.key)
            assert after is None or after.row != before, "nothing is different after it"
        if isinstance(verb, Creation) and verb.makes_record:
            assert len(await bench.all_keys() - there) == 1, "one record more"
        if not isinstance(verb, Creation) and not is_listed:
            assert item.key in bench.collection.set.rows, "still left out"
        assert (outcome.secret is not None) == verb.reveals


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("kind", "verb"), EVERY_ACTION, ids=case_id)
async def test_lost_response_is_unknown_and_rows_are_read_again(
    kind: AnyKind, verb: AnyAction, seeded_database: Path, tmp_path: Path
) -> None:
    async with action_bench(kind, verb, seeded_database, tmp_path) as bench:
        item = await bench.item(verb)
        values = await bench.values(verb, item)
        bench.fault(f"{request_of(kind, verb)} drop")
        bench.corrupt_row(item.key)
        outcome = await executor.run_action(bench.session, bench.collection, kind, verb, item, values)
        assert bench.fired == 1
        assert not outcome.is_success, outcome
        entry = bench.session.ledger.entries[-1]
        assert (entry.action, entry.state) == (action_name(kind, verb), "unknown")
        await bench.shows_what_a_reading_says(item.key)


async def test_change_in_flight_is_shown_in_its_row(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with console_on(ServiceState("open", SETTINGS), seeded_database, tmp_path) as ui:
        await resize(ui, (80, 24))
        for kind in share_of((kind for kind in kinds().values() if kind.all_actions), every_case, step=2):
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            collection, table = collection_in(screen), screen.table
            for verb in (verb for verb in kind.all_actions if not isinstance(verb, Creation)):
                item = next(item for item in collection.set.rows.values() if item.row is not None)
                assert table.move_cursor_to(item.key)
                await wait_until(ui, lambda: item.key in table.visible_keys, "the row drawn")
                answer = asyncio.Event()

                async def held(*_: object, answer: asyncio.Event = answer) -> None:
                    await answer.wait()
                    raise NotAllowed("The service refused.")

                def drawn(key: str = item.key, table: LineTable = table) -> str:
                    return table.render_line(1 + table.visible_keys.index(key)).text

                # A switch shows what it turns to, beneath its own title; all else says its word.
                switch = next(
                    (each for each in kind.columns if verb.in_progress in each.format.in_progress), None
                )
                turned = verb.in_progress if switch is None else switch.format.in_progress[verb.in_progress]
                place = None if switch is None else column_titles(screen).index(switch.title)

                def says(
                    shown: Callable[[], str] = drawn, word: str = turned, at: int | None = place
                ) -> bool:
                    return f"◌ {word}" in shown()[at : None if at is None else at + len(word) + 2]

                before = drawn()
                assert "◌" not in before
                change = asyncio.create_task(
                    executor.run_action(ui.app.session, collection, kind, replace(verb, request=held), item)
                )
                await wait_until(ui, says, f"{verb.in_progress} in {before!r}")
                answer.set()
                await change
                await wait_until(ui, lambda: "◌" not in drawn(), f"{verb.in_progress} going")


@pytest.mark.parametrize("why", ["context", "token"])
async def test_read_only_access_is_offered_no_action(why: str, seeded_database: Path, tmp_path: Path) -> None:
    # A browser session beside the token would change what the token may not.
    service = ServiceState(why, may_write=why == "context", cookie=why == "context")
    async with console_on(service, seeded_database, tmp_path, read_only=why == "context") as ui:
        await wait_until(ui, lambda: not ui.app.session.may_write, "knowing what the token may")
        for kind in kinds().values():
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            for scope in (kind.name, action_registry.detail_scope(kind.name)):
                shown = {title for _, title in action_registry.footer(scope, ui.app.session)}
                assert not shown & {verb.label for verb in kind.all_actions if verb.key}
            for verb in kind.all_actions:
                action = action_registry.BY_ID[action_name(kind, verb)]
                assert screen.why_not(action), f"{kind.name} offers {verb.id}"
            commands = {entry.names[0] for entry in entries_of(screen)}
            assert not commands & {verb.label for verb in kind.all_actions}
        assert not ui.app.session.ledger.entries


async def test_read_only_token_is_detected(seeded_database: Path, tmp_path: Path) -> None:
    async with running_plane(SETTINGS, seeded_database, tmp_path) as server:
        session = Session(Target("t", server.base_url, Secret(server.read_only_token)))
        try:
            assert session.may_write
            await session.client.runs.has_write_scope()
            assert not session.may_write
        finally:
            await session.stop()


def test_irreversible_actions_are_confirmed_and_all_have_help() -> None:
    for kind, verb in EVERY_ACTION:
        assert not verb.help.endswith("."), (kind.name, verb.id)
        if verb.id in ("delete", "revoke", "remove", "stop", "cancel", "restart", "publish"):
            assert verb.confirmation is not None, f"{kind.name} {verb.id} does not ask first"
        action_registry.register_kind(kind)
        for scope in (kind.name, action_registry.detail_scope(kind.name)):
            assert action_name(kind, verb) in {action.id for action in action_registry.in_scope(scope)}
