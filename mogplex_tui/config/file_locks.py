"""Locks between processes, based on files.

The operating system releases the lock of a process when the process ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 10.0
_PAUSE = 0.02
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class FileLock:
    """An advisory lock on a file.

    The file is not deleted when the lock is released, because another process might be opening it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free; return whether it was taken.

        Returns False if this object already holds the lock. Raises OSError if the file cannot be
        created.
        """
        if self._handle is not None:
            return False
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError as error:
            # Some network file systems have no locks: waiting for one would never end.
            if error.errno not in _NO_LOCKS:
                os.close(handle)
                return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Release the lock; do nothing if this object does not hold it."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with contextlib.suppress(OSError):
                _unlock(handle)
            os.close(handle)


@contextlib.contextmanager
def locked(path: Path, seconds: float = PATIENCE) -> Iterator[None]:
    """Hold the lock on a file for the duration of a `with` block.

    Waits until the lock is free. Raises TimeoutError if it is not free after `seconds` seconds, and
    OSError if the file cannot be created.
    """
    lock = FileLock(path)
    until = time.monotonic() + seconds
    while not lock.try_acquire():
        if time.monotonic() > until:
            raise TimeoutError(f"{path} is held by another mogplex-tui")
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _unlock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
