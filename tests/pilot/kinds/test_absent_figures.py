"""Lists and details show no number that the service did not send.

A missing count is a dash, not 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.live.session import Session
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from tests.pilot.kinds.kind_screens import running_plane
from tests.pilot.kinds.records import fields_of
from tests.recording import recording, snake

# Figures that the console itself counts, by kind and name.
COUNTED = {
    # The `cycleCount` and the `runs24h` and so on of the answers.
    "agents": {"cycles", "runs", "tokens"},
    "installations": {"missing"},
    # The `active_wait_count` of the answer.
    "jobs": {"open_waits"},
    # From the lists of assignments and runs; None before they are read.
    "projects": {"assigned", "schedules", "runs"},
    "rules": {"size"},
    "skills": {"size"},
    "teams": {"people", "invited"},
    "conversations": {"message_count"},
}


def _zeros(value: Any, name: str = "") -> Iterator[str]:
    """Return the names of the number fields of a record that are 0."""
    if isinstance(value, BaseModel) or is_dataclass(value):
        value = fields_of(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _zeros(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _zeros(inner, name)
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value == 0:
        yield name


@pytest.mark.parametrize(
    ("profile", "cookie"), [("documented", True), ("hosted", False)], ids=["session", "token alone"]
)
async def test_no_number_is_shown_that_no_response_contained(
    seeded_database: Path, tmp_path: Path, profile: str, cookie: bool
) -> None:
    settings = Settings(speed=0, rate_limit=None, profile=profile)
    invented: set[str] = set()
    seen = 0
    async with (
        running_plane(settings, seeded_database, tmp_path) as plane,
        recording(plane.base_url) as recorded,
    ):
        session_cookie = Secret(plane.session_cookie) if cookie else None
        session = Session(Target("t", recorded.base_url, Secret(plane.token), session_cookie))
        try:
            for kind in kinds().values():
                if not kind.sources:
                    continue
                collection = new_collection(session, kind)
                recorded.forget()
                try:
                    await collection.fetch()
                except MogplexError:
                    # Closed to this credential.
                    continue
                items = [item for item in collection.set.rows.values() if item.row is not None]
                seen += len(items)
                for item in items:
                    own = COUNTED.get(kind.name, set())
                    names = {name for name in _zeros(item.row) if name not in own}
                    invented |= {f"{kind.name}: {name}" for name in names if snake(name) not in recorded.keys}
                for item in items[:3] if kind.single is not None else ():
                    own = COUNTED.get(kind.name, set())
                    listed = fields_of(item.row)
                    recorded.forget()
                    client = session.client.at(Priority.ACTION)
                    assert kind.single is not None
                    one = await kind_rows.read_single(kind.single, client, item)
                    new = {
                        key: value
                        for key, value in fields_of(one.row).items()
                        if key not in listed or value is not listed[key]
                    }
                    names = {name for name in _zeros(new) if name not in own}
                    invented |= {
                        f"{kind.name} by itself: {name}" for name in names if snake(name) not in recorded.keys
                    }
        finally:
            await session.stop()
    assert seen > 50
    assert sorted(invented) == []
