"""Paths of the console's files, and safe reading and writing of files."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

APP = "mogplex-tui"
# Bytes that no hand-written file and no state file reaches.
SMALL_FILE = 4 * 1024 * 1024


def config_file() -> Path:
    """Return the path of `config.toml`, even if the file does not exist."""
    from platformdirs import user_config_path

    return user_config_path(APP) / "config.toml"


def state_dir(context: str) -> Path:
    """Return the path of one context's state directory, even if it does not exist."""
    from platformdirs import user_state_path

    safe = "".join(char if char.isalnum() or char in "-_." else "-" for char in context)
    # A context's name must not lead out of the directory or make it hidden.
    return user_state_path(APP) / (safe.lstrip(".") or "default")


def log_file() -> Path:
    """Return the path of the log file, even if its directory does not exist."""
    from platformdirs import user_log_path

    return user_log_path(APP) / "mogplex-tui.log"


class NotAFile(OSError):
    """Raised for a path that is not a regular file, or for a file that is too large."""


def read_regular(path: Path, limit: int) -> str:
    """Return the text of a regular file of at most `limit` bytes.

    Pipes and devices are not opened, because reading them might block. Raises NotAFile for such a
    path or a larger file, another OSError if the file is missing or unreadable, and
    UnicodeDecodeError if it is not UTF-8.
    """
    try:
        found = path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAFile(error.errno, "it is a link to itself", str(path)) from None
        if error.errno == errno.ENOTDIR:
            # A file, or a device as in HOME=/dev/null, is in the place of its directory.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
        raise
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile(errno.EINVAL, "it is not a regular file", str(path))
    if found.st_size > limit:
        raise NotAFile(errno.EFBIG, f"it is larger than {limit // 1024 // 1024} MB", str(path))
    return path.read_text(encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """Write a file atomically that only its owner can read, replacing an old one.

    If the path is a symbolic link, the file to which it leads is replaced. Raises OSError if the
    file cannot be written.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
