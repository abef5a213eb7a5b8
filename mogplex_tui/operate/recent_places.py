"""The records and filtered lists that the user opened last, stored on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Final

from mogplex_tui.config.file_locks import locked
from mogplex_tui.config.state_file import FileErrorReporter, StateFile
from mogplex_tui.live import redact

MAX_PLACES: Final = 50
"""The places that are kept for a context."""
_LONGEST = 200
"""The longest title and the longest text about a record, in characters."""
_LOCK_SECONDS = 0.5
"""How long to wait for another process that is writing the file."""


@dataclass(frozen=True, slots=True)
class RecentPlace:
    """A record, or a list with its filter and its sort order.

    `title` names the place in lists. `key` is the key of the record, or empty for a list. `about`
    says more about a record. `team` is the id of the team that the place belongs to.
    """

    kind: str
    title: str
    key: str = ""
    about: str = ""
    filter: str = ""
    sort: str | None = None
    descending: bool = True
    team: str | None = None

    def is_same(self, other: RecentPlace) -> bool:
        """Return whether another place is the same record or filtered list."""
        return self._identity == other._identity

    @property
    def _identity(self) -> tuple[str | None, ...]:
        return self.kind, self.key, self.filter, self.team


@dataclass(frozen=True, slots=True)
class _Change:
    """A place that was opened, or one that no longer exists."""

    place: RecentPlace
    is_gone: bool = False


class RecentPlaces:
    """The places that the user opened last, the newest first.

    They are stored in a file if the session has a directory. The file is read and written in
    `sync` only; changes made by other consoles of the same context are then merged.
    """

    def __init__(self, directory: Path | None, team: str | None, errors: FileErrorReporter) -> None:
        """Create an empty list for a team; None stands for the personal scope."""
        # Errors found in a thread are passed on in the event loop.
        found = FileErrorReporter()
        self._found_errors: list[str] = []
        found.subscribe(self._found_errors.append)
        path = None if directory is None else directory / "recent.json"
        self._file = StateFile(path, "the list of recent places", found)
        self._team, self._errors = team, errors
        self._places: list[RecentPlace] = []
        self._changes: list[_Change] = []
        self._syncing = asyncio.Lock()

    def all(self) -> list[RecentPlace]:
        """Return the places of the team, the newest first."""
        return [place for place in self._places if place.team == self._team]

    def add(self, place: RecentPlace) -> bool:
        """Add a place as the newest one; return whether the list has changed.

        A filter that looks like a credential was typed by mistake, and is not stored.
        """
        if redact.text(place.filter) != place.filter:
            return False
        title, about = (redact.text(text)[:_LONGEST] for text in (place.title, place.about))
        place = replace(place, title=title, about=about, team=self._team)
        if self._places[:1] == [place]:
            return False
        self._change(_Change(place))
        return True

    def remove(self, place: RecentPlace) -> None:
        """Remove a place that no longer exists."""
        self._change(_Change(place, is_gone=True))

    def _change(self, change: _Change) -> None:
        self._changes.append(change)
        self._places = _changed(self._places, [change])

    async def sync(self) -> None:
        """Write the changes to the file, and read what other consoles have added.

        A thread reads and writes the file.
        """
        from mogplex_tui.api.daemon_thread import run_in_daemon_thread

        async with self._syncing:
            changes, self._changes = self._changes, []
            stored = await run_in_daemon_thread(partial(self._merge, changes))
            if stored is None:
                self._changes = [*changes, *self._changes][-MAX_PLACES:]
            else:
                self._places = _changed(stored, self._changes)
            while self._found_errors:
                self._errors.report(self._found_errors.pop(0))

    def _merge(self, changes: list[_Change]) -> list[RecentPlace] | None:
        """Apply changes to the places in the file, and return the result.

        None is returned if the changes could not be written.
        """
        path = self._file.path
        if path is None:
            return None
        if not changes:
            return self._stored()
        try:
            with locked(path.with_suffix(".lock"), _LOCK_SECONDS):
                return self._write(changes)
        except OSError:
            # Without a lock, a place that another process adds at the same time may be lost.
            return self._write(changes)

    def _write(self, changes: list[_Change]) -> list[RecentPlace] | None:
        places = _changed(self._stored(), changes)
        return places if self._file.write([asdict(place) for place in places]) else None

    def _stored(self) -> list[RecentPlace]:
        return [RecentPlace(**each) for each in self._file.read(_is_valid) or ()]


def _changed(places: list[RecentPlace], changes: Iterable[_Change]) -> list[RecentPlace]:
    for change in changes:
        others = [each for each in places if not each.is_same(change.place)]
        places = others if change.is_gone else [change.place, *others][:MAX_PLACES]
    return places


_OPTIONAL = {"sort", "team"}
_FIELDS = {each.name: bool if each.name == "descending" else str for each in fields(RecentPlace)}


def _is_valid(content: object) -> bool:
    return isinstance(content, list) and all(map(_is_place, content))


def _is_place(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _FIELDS.keys()
        and all(
            isinstance(value[name], type_) or (name in _OPTIONAL and value[name] is None)
            for name, type_ in _FIELDS.items()
        )
    )
