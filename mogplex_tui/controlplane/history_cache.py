"""Cache seeded databases on disk, so that a large one is built only once.

A cache file contains one SQLite database, followed by the time when it was built and
checksums. A problem with a file or with the directory is treated as an empty cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import time
import zlib
from io import FileIO
from pathlib import Path

from .core.plane import Settings
from .db.clock import DAY_US
from .scenarios import load

# Histories that take about a second to write, or longer.
SCALES = ("medium", "large")
# Office hours and weekends stay about where they were for so long.
GOOD_FOR_US = DAY_US
_FILES = 3
_FORGOTTEN_S = 3_600
_MAGIC = b"mogplex\x01"
# Instant of the build (µs), bytes of the database, CRC-32 of both and of the database.
_TAIL = struct.Struct("<8sqqI")
_CHUNK = 1 << 18


def _directory() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("mogplex-tui") / "planes"


def _version() -> str:
    """Return a digest of all code, schema and data files that a database depends on."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".sql", ".json"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _file(settings: Settings) -> Path:
    scenario_digest = load.find(settings.scenario).digest
    return _directory() / f"{settings.scale}-{settings.seed}-{scenario_digest}-{_version()}.history"


def restore(settings: Settings, path: Path, now_us: int) -> int | None:
    """Copy a cached database to `path` and return the time when it was built (µs).

    Returns None if there is no intact file less than a day old. Raises OSError if `path` cannot
    be written.
    """
    if settings.scale not in SCALES:
        return None
    try:
        source = _file(settings).open("rb", buffering=0)
    except OSError:
        return None
    with source:
        tail = _tail(source)
        if tail is None or not 0 <= now_us - tail[0] <= GOOD_FOR_US:
            return None
        try:
            if _copy_database(source, path, tail):
                return tail[0]
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    path.unlink(missing_ok=True)
    return None


def _tail(source: FileIO) -> tuple[int, int, int] | None:
    """Read the tail of a cache file: time of the build (µs), size and checksum.

    Returns None if the tail is invalid.
    """
    size = os.fstat(source.fileno()).st_size - _TAIL.size
    if size <= 0:
        return None
    source.seek(size)
    magic, built, length, checksum = _TAIL.unpack(source.read(_TAIL.size))
    source.seek(0)
    return (built, length, checksum) if magic == _MAGIC and length == size else None


def _copy_database(source: FileIO, path: Path, tail: tuple[int, int, int]) -> bool:
    """Copy the database in a cache file to `path`.

    Returns whether the checksum of the copied bytes is right.
    """
    built, length, checksum = tail
    path.touch(mode=0o600)
    with path.open("wb", buffering=0) as target:
        return _copy_with_checksum(source, target, length, _start(built, length)) == (length, checksum)


def _copy_with_checksum(source: FileIO, target: FileIO, length: int, summed: int) -> tuple[int, int]:
    """Copy up to `length` bytes, and add them to the CRC-32 checksum `summed`.

    Returns the number of copied bytes and the new checksum.
    """
    # One small buffer stays in the processor's cache; new ones would cost more than the copying.
    buffer, done = memoryview(bytearray(_CHUNK)), 0
    while done < length:
        count = source.readinto(buffer[: length - done])
        if not count:
            break
        part = buffer[:count]
        summed = zlib.crc32(part, summed)
        while part:
            part = part[target.write(part) :]
        done += count
    return done, summed


def _start(built: int, length: int) -> int:
    return zlib.crc32(struct.pack("<qq", built, length))


def store(settings: Settings, path: Path, built_us: int) -> None:
    """Put a copy of the database file at `path` into the cache; OSError is ignored."""
    if settings.scale not in SCALES:
        return
    with contextlib.suppress(OSError):
        file = _file(settings)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _store(file, path, built_us)
        _delete_outdated(file)


def _store(file: Path, path: Path, built_us: int) -> None:
    # Readable by its owner only, like everything that mkstemp makes; complete before it has its name.
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb", buffering=0) as target, path.open("rb", buffering=0) as source:
            length = os.fstat(source.fileno()).st_size
            _, summed = _copy_with_checksum(source, target, length, _start(built_us, length))
            target.write(_TAIL.pack(_MAGIC, built_us, length, summed))
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _delete_outdated(kept: Path) -> None:
    """Delete outdated and surplus files from the cache, but not the file `kept`."""
    now, version = time.time(), kept.stem.rpartition("-")[2]
    ages = {path: now - path.stat().st_mtime for path in kept.parent.iterdir() if path != kept}
    good: list[Path] = []
    for path, age in sorted(ages.items(), key=lambda item: item[1]):
        if path.suffix == ".history":
            if path.stem.endswith(version) and age * 1e6 <= GOOD_FOR_US and len(good) < _FILES - 1:
                good.append(path)
            else:
                path.unlink(missing_ok=True)
        elif path.suffix == ".part" and age > _FORGOTTEN_S:
            path.unlink(missing_ok=True)
