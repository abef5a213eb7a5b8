"""JSON files in the state directory, which are written atomically.

A damaged file is renamed, so that its content is not overwritten.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mogplex_tui.config.paths import NotAFile, read_regular, write_private

# Larger than any file of this kind.
LIMIT = 64 * 1024 * 1024
_MOST_COPIES = 100
# Errors that concern the whole disk, with advice; reported once for all files of a directory.
_DISK_ERRORS = {
    errno.ENOSPC: "Free some space on its disk",
    errno.EDQUOT: "Free some space on its disk",
    errno.EROFS: "Make its disk writable",
    errno.EIO: "Check its disk",
}


class FileErrorReporter:
    """Passes messages about files that cannot be read or written to listeners.

    Each message is passed on only once.
    """

    def __init__(self) -> None:
        self._sentences: list[str] = []
        self._listeners: list[Callable[[str], None]] = []

    def report(self, sentence: str) -> None:
        """Pass a message to the listeners, unless the same message was reported before."""
        if sentence in self._sentences:
            return
        self._sentences.append(sentence)
        for listener in self._listeners:
            listener(sentence)

    def report_unwritten(self, path: Path, error: OSError, sentence: str) -> None:
        """Report that a file could not be written.

        The message is `sentence`. If the error concerns the whole disk, it is a general message about
        all files in the directory.
        """
        advice = _DISK_ERRORS.get(error.errno or 0)
        if advice is not None:
            sentence = (
                f"Files in {path.parent} cannot be written: {error.strerror or error}. Changes are sent, but may be "
                f"missing in the ledger and in the list of started runs. {advice}."
            )
        self.report(sentence)

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Add a listener, and pass it all messages that were reported before."""
        self._listeners.append(listener)
        for sentence in list(self._sentences):
            listener(sentence)


class StateFile:
    """One JSON file in the state directory.

    `title` is a name of the content for messages to the user. If the path is None, nothing is read
    or written.
    """

    def __init__(self, path: Path | None, title: str, errors: FileErrorReporter | None = None) -> None:
        self._path, self._title = path, title
        self._errors = errors or FileErrorReporter()

    @property
    def path(self) -> Path | None:
        """The path of the file, or None if nothing is read or written.

        It becomes None if the file cannot be read, or if a damaged file cannot be renamed, so that no
        later write replaces the file's content.
        """
        return self._path

    def read(self, is_valid: Callable[[Any], bool]) -> Any | None:
        """Return the content of the file, or None if it is missing, damaged or unreadable.

        A file is damaged if it is not JSON or if `is_valid` returns False for its content. A damaged
        file is renamed.
        """
        if self._path is None:
            return None
        try:
            content = json.loads(read_regular(self._path, LIMIT))
        except FileNotFoundError:
            return None
        except (NotAFile, ValueError, RecursionError):
            self.rename_damaged(f"{self._title} starts empty")
            return None
        except OSError as error:
            self._errors.report(
                f"{self._title} could not be read from {self._path}: {error.strerror or error}. "
                "The file is left as it is; nothing new is kept in it."
            )
            self._path = None
            return None
        if is_valid(content):
            return content
        self.rename_damaged(f"{self._title} starts empty")
        return None

    def write(self, content: Any) -> bool:
        """Replace the content of the file, and return whether that succeeded.

        An error is reported and not raised.
        """
        if self._path is None:
            return False
        try:
            write_private(self._path, json.dumps(content))
        except OSError as error:
            self._errors.report_unwritten(
                self._path,
                error,
                f"{self._title} could not be kept in {self._path}: {error.strerror or error}. "
                "It is kept until the console ends.",
            )
            return False
        return True

    def rename_damaged(self, outcome: str) -> None:
        """Rename a damaged file, so that it is not overwritten, and report this.

        `outcome` is the last part of the message, which says what happens now.
        """
        path = self._path
        if path is None:
            return
        for number in range(1, _MOST_COPIES):
            copy = path.with_name(f"{path.name}.damaged" + (f"-{number}" if number > 1 else ""))
            if not copy.exists() and not copy.is_symlink():
                break
        try:
            path.rename(copy)
        except OSError as error:
            self._errors.report(
                f"{path} is damaged and could not be renamed: {error.strerror or error}. "
                "It is left as it is; nothing new is kept in it."
            )
            self._path = None
            return
        self._errors.report(f"{path} is damaged. It was renamed to {copy.name}; {outcome}.")
