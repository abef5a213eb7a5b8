"""A change has the same result in the console and in its command.

The result is the message, the kind of error, the ledger entry and the exit code. Both run on planes of their own that
start as equal copies of one seed.
"""

from __future__ import annotations

import json
import os
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config.paths import state_dir
from mogplex_tui.live.change_ledger import ENDS
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.names import read_names
from mogplex_tui.live.runs import Runs
from mogplex_tui.operate import executor, run_changes
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import Action, AnyAction, AnyKind, Creation, Values
from mogplex_tui.operate.run_actions import Draft
from tests.cli.support import CommandRunner
from tests.pilot.kinds.action_bench import GONE_IS_FINE, PREPARATION, SETTINGS, ActionBench
from tests.pilot.kinds.action_bench import action_name as name_of
from tests.pilot.kinds.action_bench import request_of as sent_by
from tests.pilot.kinds.kind_screens import running_plane

WITH_ACTIONS = [kind for kind in kinds().values() if kind.all_actions]
# Each outcome of a change with the exit code that the README documents.
CODES = {
    "403": Exit.NOT_ALLOWED,
    "404": Exit.FAILED,
    "409": Exit.FAILED,
    "410": Exit.FAILED,
    "422": Exit.FAILED,
    "429": Exit.THROTTLED,
    "500": Exit.FAILED,
    "drop": Exit.UNREACHABLE,
    "success": Exit.OK,
}

IS_LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"
# What differs between two equal planes: ids, tokens, dates and times of day.
_OWN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mogplex-tui-\S+|"
    r"127\.0\.0\.1:\d+|\d+ bytes|expected \d+|\d{4}-\d\d-\d\d|\d\d:\d\d(:\d\d)?"
)
# How to repeat a change: the console names a key, the command itself.
_REPEAT = re.compile(
    r"(Repeating it|The same command with --idempotency-key \S+) is safe\.|Retry with (x|the same command) in"
)
# Messages of the command while it waits; the console shows them in the row and in a notification.
_QUEUED = re.compile(r".* is queued: too many requests\. .*\n")


@dataclass(frozen=True)
class ChangeResult:
    """The message of a change, and its ledger entry."""

    sentence: str
    ledger: tuple[str, str, str, str]


def _without_ids(text: str) -> str:
    return _OWN.sub("#", _REPEAT.sub("REPEAT", _QUEUED.sub("", text))).strip()


def _end_all(entries: list[dict[str, Any]]) -> tuple[str, str, str, str]:
    (entry,) = [entry for entry in entries if entry["state"] in ENDS]
    texts = (entry["action"], entry["subject"], entry["state"], entry["detail"] or "")
    action, subject, state, detail = map(_without_ids, texts)
    return action, subject, state, detail


class ConsoleAndCommand:
    """Two equal planes: the console changes one, the command the other."""

    def __init__(self, console: ActionBench, command: ActionBench, mogplex: CommandRunner) -> None:
        self.console, self.command, self._mogplex = console, command, mogplex

    def fault(self, *rules: str) -> None:
        self.console.fault(*rules)
        self.command.fault(*rules)

    async def record(self, action: AnyAction) -> Entry[Any] | None:
        """Return a record that both planes have and the action applies to."""
        bench, kind = self.console, self.console.kind
        self.fault()
        for each in (self.console, self.command):
            if (prepare := PREPARATION.get(name_of(kind, action))) is not None:
                prepare(each.server.plane)
        for name in () if kind.join is None else kind.join.related:
            if name != "runs":
                await new_collection(bench.session, kinds()[name]).fetch()
        await read_names(bench.session, Priority.TABLE)
        try:
            found = await bench.item(action)
        except AssertionError:
            return None
        bench.collection.update_joins()
        shown: Entry[Any] = bench.collection.set.rows.get(found.key, found)
        return shown

    async def in_console(
        self, action: AnyAction, item: Entry[Any], values: Values
    ) -> tuple[ChangeResult, bool]:
        """Return the result in the console, and whether the change succeeded."""
        bench = self.console
        outcome = await executor.run_action(bench.session, bench.collection, bench.kind, action, item, values)
        return ChangeResult(_without_ids(outcome.sentence), self.last_entry()), outcome.is_success

    def last_entry(self) -> tuple[str, str, str, str]:
        """Return the last entry of the console's ledger."""
        entries = [entry._asdict() for entry in self.console.session.ledger.entries]
        return _end_all([entry for entry in entries if entry["id"] == entries[-1]["id"]])

    async def in_command(self, *arguments: str) -> tuple[ChangeResult, int]:
        """Return the result of a command and its exit code."""
        before = {entry["id"] for entry in _ledger_entries()}
        result = await self._mogplex(*arguments)
        entries = [entry for entry in _ledger_entries() if entry["id"] not in before]
        assert entries, f"nothing was sent: {result.err}"
        return ChangeResult(_without_ids(result.err), _end_all(entries)), result.code


def _fault(end: str) -> str:
    return {"429": "429:7", "drop": "drop"}.get(end, f"status:{end}")


def _ledger_entries() -> list[dict[str, Any]]:
    """Return the lines of the commands' ledgers; each service has its own."""
    files = Path(state_dir("x")).parent.glob("*/ledger.jsonl")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def _arguments(kind: AnyKind, action: AnyAction, item: Entry[Any], values: Values) -> list[str]:
    """Return the arguments of the command that runs an action."""
    found = [kind.name, action.id, *([item.key] if isinstance(action, Action) else [])]
    for parameter in action.parameters:
        text = values.text(parameter)
        if parameter.only_in_command or (not text and not parameter.is_required):
            continue
        found.append(text if parameter.positional else f"--{parameter.name.replace('_', '-')}={text}")
    if isinstance(action, Creation) or action.confirmation is not None:
        found.append("--yes")
    return [*found, "--reveal"] if action.reveals else found


@asynccontextmanager
async def _console_and_command(
    kind: AnyKind, seeded_database: Path, place: Path, mogplex: CommandRunner
) -> AsyncIterator[ConsoleAndCommand]:
    from mogplex_tui.api.target import Target
    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.session import Session

    async with AsyncExitStack() as stack:
        benches = list[ActionBench]()
        for name in ("console", "command"):
            (place / name).mkdir()
            server = await stack.enter_async_context(running_plane(SETTINGS, seeded_database, place / name))
            target = Target("t", server.base_url, Secret(server.token), Secret(server.session_cookie))
            session = Session(target)
            stack.push_async_callback(session.stop)
            benches.append(ActionBench(server, session, kind))
            stack.push_async_callback(benches[-1].reader.stop)
        console, command = benches[0], benches[1].server
        mogplex.use(command.base_url, token=command.token, cookie=command.session_cookie)
        yield ConsoleAndCommand(console, benches[1], mogplex)


def _cases(kind: AnyKind) -> Iterator[tuple[AnyAction, str]]:
    """Yield each outcome with one action of the kind, and a success of each action.

    The long form of the test has every pair. A successful change comes last, because it may leave no record for another.
    """
    refusals = [end for end in CODES if end.isdigit()]
    if IS_LONG:
        yield from ((action, end) for action in kind.all_actions for end in refusals)
    else:
        yield from zip(cycle(kind.all_actions), refusals, strict=False)
    yield from ((action, "success") for action in kind.all_actions)
    yield from ((action, "drop") for action in reversed(kind.all_actions))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", WITH_ACTIONS, ids=lambda kind: kind.name)
async def test_console_and_command_have_the_same_result(
    kind: AnyKind,
    seeded_database: Path,
    tmp_path: Path,
    mogplex: CommandRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executor, "READ_BACK_DELAYS", (0.0,))
    cases, seen = deque(_cases(kind)), set[str]()
    for round_number in count():
        if not cases:
            break
        place = tmp_path / str(round_number)
        place.mkdir()
        async with _console_and_command(kind, seeded_database, place, mogplex) as pair:
            await _compare_cases(pair, cases, seen)
    assert seen == set(CODES)


async def _compare_cases(
    pair: ConsoleAndCommand, cases: deque[tuple[AnyAction, str]], seen: set[str]
) -> None:
    """Compare cases until one needs a record that earlier cases have used up.

    The outcomes are added to `seen`.
    """
    kind, is_fresh = pair.console.kind, True
    while cases:
        action, end = cases[0]
        name = f"{name_of(kind, action)} {end}"
        item = None if end == "drop" and "drop" in seen and not IS_LONG else await pair.record(action)
        if item is None and end != "drop":
            assert not is_fresh, f"no record for {name}"
            return
        cases.popleft()
        if item is None:
            # One lost response is enough, for an action that still has a record.
            continue
        is_fresh = False
        values = await pair.console.values(action, item)
        if end != "success":
            pair.fault(f"{sent_by(kind, action)} {_fault(end)}")
        console, is_good = await pair.in_console(action, item, values)
        command, code = await pair.in_command(*_arguments(kind, action, item, values))
        assert command == console, name
        if end == "success" and not is_good:
            # The service answered that it started nothing.
            assert code == Exit.FAILED, name
        elif end == "404" and name_of(kind, action) in GONE_IS_FINE:
            assert (code, is_good) == (Exit.OK, True), name
        else:
            assert (code, is_good) == (CODES[end], end == "success"), name
        seen.add(end)
        if IS_LONG and not end.isdigit():
            # The console keeps choices that the change has replaced; a command reads them again.
            return


@pytest.mark.sampled(2)
@pytest.mark.parametrize("end", CODES)
async def test_cancel_of_a_run_has_the_same_result(
    end: str, seeded_database: Path, tmp_path: Path, mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_changes, "READ_BACK_DELAYS", (0.0,))
    async with _console_and_command(WITH_ACTIONS[0], seeded_database, tmp_path, mogplex) as pair:
        session = pair.console.session
        runs = Runs(session)
        await runs.fetch()
        # A command looks up the run of a call that came over the token API, so it has the ids of both.
        row = next(row for row in runs.set.rows.values() if row.live and not row.external)
        if end != "success":
            pair.fault(f"POST */cancel {_fault(end)}")
        outcome = await run_changes.cancel(session, runs, row)
        command, code = await pair.in_command("runs", "cancel", row.key, "--yes")
        assert command == ChangeResult(_without_ids(outcome.sentence), pair.last_entry())
        # Reading the run after a lost response shows that it is cancelled.
        assert outcome.is_success == (end in ("success", "drop"))
        assert code == (Exit.OK if outcome.is_success else CODES[end])


@pytest.mark.sampled(2)
@pytest.mark.parametrize("end", CODES)
async def test_start_of_a_run_has_the_same_result(
    end: str, seeded_database: Path, tmp_path: Path, mogplex: CommandRunner
) -> None:
    async with _console_and_command(WITH_ACTIONS[0], seeded_database, tmp_path, mogplex) as pair:
        session = pair.console.session
        repo = (await session.client.repos.list())[0]
        if end != "success":
            pair.fault(f"POST /api/v1/mogplex/runs {_fault(end)}")
        draft, error = Draft(repo_id=repo.id, repo=repo.full_name, prompt="Fix it"), ""
        try:
            await run_changes.start(session, Runs(session), draft, executor.new_idempotency_key())
        except MogplexError as failed:
            error = _without_ids(str(failed))
        options = ("--repo", repo.full_name, "--prompt", "Fix it")
        command, code = await pair.in_command("runs", "start", *options)
        assert (command.ledger, code) == (pair.last_entry(), CODES[end])
        assert error in command.sentence
        assert bool(error) == (end != "success")
