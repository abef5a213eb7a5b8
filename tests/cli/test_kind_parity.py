"""The console's list of a kind and its command show the same.

That is the same rows, values, actions and reasons.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from mogplex_tui.cli import parser
from mogplex_tui.live import redact
from mogplex_tui.operate.kind_rows import ListedRow
from mogplex_tui.operate.kinds.registry import load_kind
from mogplex_tui.operate.model import AnyKind, RenderTime
from mogplex_tui.screens.list_screen import ListScreen
from tests.cli.support import CommandRunner
from tests.pilot.console import Console
from tests.pilot.kinds.kind_screens import ServiceState, console_on, wait_for_list, wait_until

COMMANDS = sorted(name for name, (module, _) in parser.COMMANDS.items() if module.endswith("kind_commands"))


def _listed_ids(kind: AnyKind, items: Mapping[str, ListedRow[object]], keys: Iterable[str]) -> list[str]:
    """Return the ids of the records that the command lists."""
    id_of = kind.fields.get("id")
    return [key if id_of is None else str(id_of(items[key].row)) for key in keys]


async def _wait_until_joined(ui: Console, screen: ListScreen, kind: AnyKind) -> None:
    """Wait until the rows have the columns of the lists that they are joined with."""
    store = ui.app.session.store
    related = [] if kind.join is None else [store.set(name).freshness for name in kind.join.related]
    await wait_until(ui, lambda: all(each.as_of is not None for each in related), "the joined lists")
    screen.on_tick()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", [*COMMANDS, "runs"])
async def test_console_and_command_show_the_same(
    name: str, seeded_database: Path, tmp_path: Path, mogplex: CommandRunner
) -> None:
    kind = load_kind(name)
    async with console_on(ServiceState("seeded"), seeded_database, tmp_path) as ui:
        mogplex.use(ui.server.base_url, token=ui.server.token, cookie=ui.server.session_cookie)
        await ui.app.parts.navigation.go(name)
        screen = await wait_for_list(ui, kind)
        await _wait_until_joined(ui, screen, kind)
        if name == "runs":
            await ui.until(ui.app.runs.details.feed.idle, "the titles and causes")
        items = screen.model.rows.rows
        assert items
        table = (await mogplex(name, "list")).out
        rows = list(csv.DictReader((await mogplex(name, "list", "-o", "csv")).lines))
        # Settings of the console itself are no settings of the service; `info` prints them.
        items = {key: item for key, item in items.items() if not key.startswith("console.")}
        visible = [key for key in screen.table.visible_keys if key in items]
        # The console reads the runs of failed calls one by one, and so knows more ids and causes of them.
        key_of = {id: key for key in items for id in (key, *_listed_ids(kind, items, [key]))}
        listed = [key_of[row["id"]] for row in rows]
        assert listed[: len(visible)] == visible
        assert sorted(listed) == sorted(items)
        # Ages change between the two reads.
        columns = [column for column in kind.columns if not column.format.is_span]
        moment = RenderTime(ui.app.session.clock.now())
        refusal_counts: Counter[str] = Counter()
        for item in items.values():
            is_read_alone = name == "runs" and item.row.external and item.row.state == "failed"
            for column in columns:
                if is_read_alone and column.field == "error":
                    continue
                # Commands mask text that looks like a token, such as the prefix of one.
                assert redact.text(column.cell(item.row, moment).text) in table
            for action in kind.actions:
                reason = action.unavailable_reason(item.row)
                yes = ["--yes"] if action.confirmation is not None else []
                yes += ["--reveal"] if action.reveals else []
                option_names = [
                    each.name for each in action.parameters if each.is_required and not each.positional
                ]
                yes += [word for name in option_names for word in (f"--{name}", "something")]
                if reason is not None and refusal_counts[action.id] < 5:
                    refusal_counts[action.id] += 1
                    positional = [each for each in action.parameters if each.positional]
                    given = [(each.choices or ("ci",))[0] for each in positional]
                    (id,) = _listed_ids(kind, items, [item.key])
                    refused = await mogplex(name, action.id, id, *given, *yes)
                    # The cancel of a run prints the run's state.
                    state_line = f"{id}  {item.row.state}\n" if name == "runs" else ""
                    assert (refused.code, refused.out) == (1, state_line)
                    assert reason in refused.err


async def test_command_joins_rows_with_other_lists(
    seeded_database: Path, tmp_path: Path, mogplex: CommandRunner
) -> None:
    async with console_on(ServiceState("seeded"), seeded_database, tmp_path) as ui:
        mogplex.use(ui.server.base_url, token=ui.server.token, cookie=ui.server.session_cookie)
        database = ui.server.plane.db

        async def column(kind: str, field: str) -> set[str]:
            return {row[field] for row in csv.DictReader((await mogplex(kind, "list", "-o", "csv")).lines)}

        automations = {row["name"] for row in database.all("SELECT name FROM flows")}
        assert await column("dispatch", "owner") & automations
        repos = {row["full_name"] for row in database.all("SELECT full_name FROM repos")}
        assert await column("memories", "repo") - {""} <= repos
