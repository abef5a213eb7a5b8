"""Writes new files for exports; nothing is ever overwritten."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

# Bytes collected before they are written: a system call for each line would take longer than the lines.
_BUFFER = 1 << 20
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class ExportError(Exception):
    """Raised if a file cannot be written; the message says why and what to do."""


def file_stem(context: str, subject: str, now: datetime) -> str:
    """Return the name of a file without its suffix.

    An example is `mogplex-prod-runs-20260803T150212Z`.

    Characters that a shell or a file system treats specially are replaced.
    """
    parts = [_UNSAFE.sub("-", part).strip("-.") for part in ("mogplex", context, subject)]
    return f"{'-'.join(filter(None, parts))}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def unused_name(stem: str, suffix: str) -> str:
    """Return a file name that no file in the current directory has.

    The name is `stem` followed by `suffix`. If this name is taken, a number is put between them.
    """
    name, number = f"{stem}{suffix}", 1
    while Path(name).exists():
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def write_new_file(name: str, chunks: Iterable[str]) -> Path:
    """Write texts to a new file that only its owner can read; return its path.

    `~` stands for the home directory. Raises ExportError if the file exists or cannot be written; a file
    that was written in part is removed.
    """
    if not name.strip():
        raise ExportError("Give a file name.")
    try:
        path = Path(name.strip()).expanduser().absolute()
    except RuntimeError:
        raise ExportError(f"There is no user of this name: {name.strip()}.") from None
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except (OSError, ValueError) as error:
        raise ExportError(_unwritten(path, error)) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="", buffering=_BUFFER) as stream:
            stream.writelines(chunks)
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise ExportError(_unwritten(path, error)) from None
        raise
    return path


def _unwritten(path: Path, error: Exception) -> str:
    """Return a sentence that says why a file was not written."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EEXIST:
        return f"{path} exists. Choose another name; nothing is overwritten."
    if code == errno.ENOENT:
        return f"There is no directory {path.parent}."
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"{path} could not be written: {reason}."
