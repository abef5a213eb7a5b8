"""What several families need of each other: repositories and agents by name, and lists that come in pages."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.families.base import Desk

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import Rows

PAGE = 100


async def repo_id(desk: Desk, text: str) -> str:
    """Return the id of the repository that a person means. Raises Stop and the error tree."""
    from mogplex_tui.api.rules import is_uuid
    from mogplex_tui.cli.kind_commands import find_record

    wanted = text.strip()
    return wanted.lower() if is_uuid(wanted) else await find_record(desk.setting, "projects", wanted)


async def agent_id(desk: Desk, text: str) -> str:
    """Return the id of the agent that a person means; a preset's begins with `preset:`."""
    from mogplex_tui.cli.families import agents, work

    found = await work.named(_apart(desk), agents.FAMILY, text)
    return str(found.id)


def _apart(desk: Desk) -> Desk:
    # The other record's id must not take the place of the one that the verb is about.
    return Desk(desk.setting, Namespace(), desk.client)


async def learn_names(desk: Desk, rows: Iterable[Any], *, agents: bool = False) -> None:
    """Read the names of the repositories and agents of rows; where that fails, rows show ids."""
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.live.names import read_hidden, read_names

    session = desk.setting.session
    await read_names(session, Priority.TABLE, agents=agents)
    if not all(session.names.repo(row.repo_id) for row in rows) and session.names.unsearched():
        await read_hidden(session, Priority.TABLE)


async def paged(desk: Desk, page: Callable[[int, int], Awaitable[tuple[Rows[Any], int]]]) -> Rows[Any]:
    """Return as many rows as are wanted from pages of at most 100 (observability.md §7.1); the total is noted."""
    from mogplex_tui.api.models.base import Rows

    wanted = desk.limit or PAGE
    size = min(wanted, PAGE)
    found: Rows[Any] = Rows()
    number, came = 0, size
    while came == size and found.total < wanted:
        number += 1
        rows, desk.total = await page(number, size)
        found.extend(rows)
        found.bad.extend(rows.bad)
        came = rows.total
    return found
