"""Prepare a plane's database: open it, copy it from the cache, or seed a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import history_cache
from .core.plane import Plane, Settings, open_plane, with_scenario_defaults
from .db.clock import Clock
from .db.database import DatabaseMismatchError
from .identity.initial_account import create_credentials, create_profile
from .scenarios import load

Notice = Callable[[str], None]


def prepare(
    settings: Settings, path: Path, clock: Clock | None = None, notice: Notice | None = None
) -> Plane:
    """Open the plane on a database file, and create or seed the file if necessary.

    A database whose seeding was interrupted is deleted and seeded again. `notice` is called with
    a message if seeding will take seconds, or if an existing file was created with a different
    scenario than the one in `settings`. Raises DatabaseMismatchError for a file that is not the
    database of a plane, ScenarioError for an invalid scenario and OSError for a file that cannot
    be created.
    """
    clock, asked = clock or Clock(), load.find(settings.scenario)
    if path.exists() and path.stat().st_size:
        plane = open_plane(settings, path, clock)
        if plane.db.meta("complete") is not None:
            if notice is not None and settings.scenario is not None and plane.scenario.text != asked.text:
                notice(f"{path.name} goes on with its own scenario, {plane.scenario.name}")
            return plane
        plane.db.close()
        _delete(path)
    settings = with_scenario_defaults(settings, asked)
    try:
        plane = _from_cache(settings, path, clock) or _written(settings, path, clock, notice)
    except BaseException:
        _delete(path)
        raise
    plane.db.set_meta("complete", "yes")
    return plane


def _from_cache(settings: Settings, path: Path, clock: Clock) -> Plane | None:
    """Open the plane on a copy of a cached database, with all times shifted to now.

    Returns None if no usable database is cached.
    """
    if not settings.seeded:
        return None
    now = clock.now_us()
    built = history_cache.restore(settings, path, now)
    if built is None:
        return None
    from .db.time_shift import shift_times

    try:
        plane = open_plane(settings, path, clock)
        with _closed_on_error(plane):
            # Whole milliseconds, because some instants are stored as text with milliseconds.
            shift_times(plane.db, (now - built) // 1000 * 1000)
            create_credentials(plane)
    except (DatabaseMismatchError, sqlite3.Error):
        _delete(path)
        return None
    return plane


def _written(settings: Settings, path: Path, clock: Clock, notice: Notice | None) -> Plane:
    plane = open_plane(settings, path, clock)
    with _closed_on_error(plane):
        create_profile(plane)
        if settings.seeded:
            if notice is not None and settings.scale in history_cache.SCALES:
                notice(f"writing the history of the {settings.scale} scale; later starts are quicker")
            from . import seed

            now = clock.now_us()
            seed.build(plane)
            history_cache.store(settings, path, now)
        create_credentials(plane)
    return plane


@contextmanager
def _closed_on_error(plane: Plane) -> Iterator[None]:
    try:
        yield
    except BaseException:
        plane.db.close()
        raise


def _delete(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
