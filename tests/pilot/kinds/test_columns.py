"""Every declared column and fact has a value in some seeded record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.collection import Collection, Entry
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate import formatting, kind_rows
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.kinds.runs import KIND as RUNS
from mogplex_tui.operate.model import AnyKind, RenderTime
from mogplex_tui.operate.record_page import facts_of
from mogplex_tui.screens.table_models import columns_of
from mogplex_tui.widgets.columns import arrange
from mogplex_tui.widgets.row_drawing import PREFIX
from mogplex_tui.widgets.text import fit
from tests.pilot.kinds.kind_screens import reads_service

# Of these the story holds none, or they come from what the console counts elsewhere.
NEVER = {
    "connections": {"scopes"},
    "jobs": {"cancel error", "retry of"},
    "skills": {"model"},
}
READ_BY_ITSELF = 15


async def _rows(session: Session, kind: AnyKind, collection: Collection[Any]) -> list[Entry[Any]]:
    """Return a kind's readable records, some with the fields of a single read."""
    collection.update_joins()
    rows = [item for item in collection.set.rows.values() if item.row is not None]
    if kind.single is not None:
        alone = [
            await kind_rows.read_single(kind.single, session.client.at(Priority.ACTION), item)
            for item in rows[:READ_BY_ITSELF]
        ]
        rows = [*alone, *rows[READ_BY_ITSELF:]]
    return rows


def _blank(kind: AnyKind, rows: list[Entry[Any]]) -> set[str]:
    """Return the columns and facts that have no value in any of the rows."""
    context, nothing = RenderTime(datetime.now(UTC)), ("", formatting.DASH)
    has_value = {field.name: False for field in kind.columns}
    for item in rows:
        for field in kind.columns:
            has_value[field.name] |= field.cell(item.row, context)[0] not in nothing
        for group in facts_of(kind.facts, item.row, context):
            for label, text, _ in group:
                has_value[label] = has_value.get(label, False) or text not in nothing
    return {name for name, filled in has_value.items() if not filled}


def _at_eighty(kind: AnyKind, row: Any, now: datetime) -> str:
    """Return a row as 80 columns draw it; the last column is the scroll bar's."""
    columns, cells = columns_of(kind), kind_rows.cells(kind, row, RenderTime(now))
    return " ".join(
        fit(cells[place][0], wide, columns[place].align, columns[place].cut)
        for place, wide in arrange(columns, 80 - PREFIX - 1)
    )


async def test_failed_rows_show_their_cause_in_eighty_columns(server: PlaneServer) -> None:
    """In 80 columns a failed row shows the start of its cause."""
    session = Session(Target("test", server.base_url, Secret(server.token), Secret(server.session_cookie)))
    now, explained = datetime.now(UTC), set()
    try:
        runs = Runs(session)
        await runs.fetch()
        for kind in (RUNS, *kinds().values()):
            causes = [field for field in kind.columns if field.name == "error"]
            if not causes:
                continue
            collection: Any = runs if kind is RUNS else new_collection(session, kind)
            await collection.fetch()
            rows: list[Entry[Any]] = [row for row in collection.set.rows.values() if row.row is not None]
            for row in rows:
                cause, tone = causes[0].cell(row.row, RenderTime(now))
                if cause and tone == "error":
                    explained.add(kind.name)
                    assert cause[:13] in _at_eighty(kind, row, now), kind.name
    finally:
        await session.stop()
    assert explained == {
        "runs",
        "jobs",
        "assignments",
        "automations",
        "connections",
        "sandboxes",
        "triggers",
    }


async def test_every_column_and_fact_has_a_value_in_some_record(server: PlaneServer) -> None:
    session = Session(Target("test", server.base_url, Secret(server.token), Secret(server.session_cookie)))
    try:
        repos, agents = await session.client.repos.list(), await session.client.agents.list()
        session.names.repos.update({repo.id: repo.full_name for repo in repos})
        session.names.agents.update({agent.id: agent.name for agent in agents if agent.name})
        await Runs(session).fetch()
        known = {kind.name: kind for kind in kinds().values() if reads_service(kind)}
        collections = {name: new_collection(session, kind) for name, kind in known.items()}
        for collection in collections.values():
            await collection.fetch()
        blank = {
            name: _blank(kind, await _rows(session, kind, collections[name])) for name, kind in known.items()
        }
        assert {name: found for name, found in blank.items() if found} == NEVER
    finally:
        await session.stop()
