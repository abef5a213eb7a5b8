"""The files of a sandbox's machine: the repository's files plus changes.

sandboxes.md §4.10.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from ...db.database import Database, Tx
from .repo_contents import Repository, files_of


class OutsideError(Exception):
    """A path is outside the repository."""


class MissingError(Exception):
    """Nothing exists at a path."""


class TakenError(Exception):
    """Something already exists at a path."""


class Entry(NamedTuple):
    """One entry of a directory; `size` is in bytes, and 0 for a directory."""

    name: str
    is_dir: bool
    size: int


def clean(path: str, base: str = "") -> str:
    """Return a path relative to the repository's root, without slashes at its ends.

    The root itself is "". Relative paths start at `base`. Raises OutsideError for a path outside
    the repository and for a path with a NUL character.
    """
    if "\0" in path:
        raise OutsideError
    joined = path.lstrip("/") if path.startswith("/") else posixpath.join(base, path)
    normal = posixpath.normpath(joined or ".")
    if normal == ".." or normal.startswith("../"):
        raise OutsideError
    return "" if normal == "." else normal


class Disk:
    """The files of one machine in memory; `save` writes the changes to the database.

    All paths must be normalised by `clean`.
    """

    def __init__(self, base: Mapping[str, str]) -> None:
        self._base = base
        self._files: dict[str, str] = dict(base)
        self._directories: set[str] = set()
        self._touched: set[str] = set()
        self._committed: set[str] = set()
        for path in base:
            self._add_parents(path)
        self._base_directories = frozenset(self._directories)

    @classmethod
    def read(cls, db: Database, record_id: str, repo: Repository) -> Disk:
        """Read the files of a sandbox's machine from the database."""
        disk = cls(files_of(repo))
        rows = db.all(
            "SELECT path, kind, content, committed FROM sandbox_files WHERE sandbox_id = ? ORDER BY path",
            (record_id,),
        )
        for row in rows:
            if row["kind"] == "gone":
                disk._drop(row["path"])
            elif row["kind"] == "directory":
                disk._directories.add(row["path"])
                disk._add_parents(row["path"])
            else:
                disk._files[row["path"]] = row["content"]
                disk._add_parents(row["path"])
            if row["committed"]:
                disk._committed.add(row["path"])
        return disk

    def _add_parents(self, path: str) -> None:
        while path := posixpath.dirname(path):
            self._directories.add(path)

    def _drop(self, path: str) -> None:
        self._files.pop(path, None)
        self._directories.discard(path)

    def is_file(self, path: str) -> bool:
        """Return whether there is a file at the path."""
        return path in self._files

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory at the path; the root always exists."""
        return path == "" or path in self._directories

    def text(self, path: str) -> str:
        """Return the text of a file. Raises MissingError."""
        try:
            return self._files[path]
        except KeyError:
            raise MissingError(path) from None

    def below(self, path: str) -> list[str]:
        """Return all paths below a directory, sorted.

        Paths of directories end with a slash.
        """
        prefix = f"{path}/" if path else ""
        found = [name for name in self._files if name.startswith(prefix)]
        found += [f"{name}/" for name in self._directories if name.startswith(prefix)]
        return sorted(found)

    def entries(self, path: str) -> list[Entry]:
        """Return a directory's entries, subdirectories first. Raises MissingError."""
        if not self.is_dir(path):
            raise MissingError(path)
        found: list[Entry] = []
        for name in self._directories:
            if posixpath.dirname(name) == path:
                found.append(Entry(posixpath.basename(name), True, 0))
        for name, text in self._files.items():
            if posixpath.dirname(name) == path:
                found.append(Entry(posixpath.basename(name), False, len(text.encode("utf-8", "replace"))))
        return sorted(found, key=lambda entry: (not entry.is_dir, entry.name))

    def write(self, path: str, text: str) -> None:
        """Write a file and create its parent directories.

        Raises TakenError if the path is a directory or a parent is a file.
        """
        if self.is_dir(path) or any(self.is_file(above) for above in _above(path)):
            raise TakenError(path)
        self._files[path] = text
        self._add_parents(path)
        self._touch(path)

    def make(self, path: str) -> None:
        """Create a directory and its parents.

        Raises TakenError if the path exists or a parent is a file.
        """
        if self.is_dir(path) or self.is_file(path) or any(self.is_file(above) for above in _above(path)):
            raise TakenError(path)
        self._directories.add(path)
        self._add_parents(path)
        self._touch(path)

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with its contents. Raises MissingError."""
        if not path or not (self.is_file(path) or self.is_dir(path)):
            raise MissingError(path)
        for name in [*self.below(path), path] if self.is_dir(path) else [path]:
            bare = name.rstrip("/")
            self._drop(bare)
            self._touch(bare)

    def move(self, source: str, target: str) -> None:
        """Move a file or directory. Raises MissingError and TakenError.

        The caller must ensure that a directory is not moved into itself.
        """
        if self.is_file(target) or self.is_dir(target):
            raise TakenError(target)
        if self.is_file(source):
            text = self.text(source)
            self.remove(source)
            self.write(target, text)
            return
        inside = self.below(source)
        kept = {name: self._files.get(name) for name in inside}
        self.remove(source)
        self.make(target)
        for name, held in kept.items():
            moved = target + name[len(source) :].rstrip("/")
            if held is not None:
                self.write(moved, held)
            elif not self.is_dir(moved):
                self.make(moved)

    def _touch(self, path: str) -> None:
        self._touched.add(path)
        self._committed.discard(path)

    def changes(self) -> list[tuple[str, str]]:
        """Return the files changed since the last commit as (mark, path), sorted by path.

        The marks are git's: `M` for modified, `D` for deleted and `??` for new files.
        """
        marks: list[tuple[str, str]] = []
        for path in self._base.keys() | self._files.keys():
            if path in self._committed or path.split("/")[0] == ".git" or "node_modules" in path.split("/"):
                continue
            now, then = self._files.get(path), self._base.get(path)
            if now != then:
                marks.append(("D" if now is None else "??" if then is None else "M", path))
        return sorted(marks, key=lambda item: item[1])

    def commit(self) -> int:
        """Mark all changed files as committed; return the number of these files."""
        changed = [path for _, path in self.changes()]
        self._committed.update(changed)
        self._touched.update(changed)
        return len(changed)

    def save(self, tx: Tx, record_id: str) -> None:
        """Write the changes since the last save to the database.

        If nothing was saved before, these are the changes since `read`.
        """
        for path in sorted(self._touched):
            there = self.is_file(path) or self.is_dir(path)
            was = path in self._base or path in self._base_directories
            if there or was:
                kind = "file" if self.is_file(path) else "directory" if there else "gone"
                tx.execute(
                    "INSERT OR REPLACE INTO sandbox_files (sandbox_id, path, kind, content, committed)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (record_id, path, kind, self._files.get(path, ""), int(path in self._committed)),
                )
            else:
                tx.execute("DELETE FROM sandbox_files WHERE sandbox_id = ? AND path = ?", (record_id, path))
        self._touched.clear()


def _above(path: str) -> list[str]:
    found = []
    while path := posixpath.dirname(path):
        found.append(path)
    return found
