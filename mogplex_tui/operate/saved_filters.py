"""The history of typed filters and the saved filters, stored on disk."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from mogplex_tui.config.state_file import FileErrorReporter, StateFile

MAX_HISTORY: Final = 50
"""The filters that are kept for each kind."""


class SavedFilter(NamedTuple):
    """A named filter of one kind's list, and the column to sort the list by."""

    name: str
    kind: str
    text: str
    sort: str | None = None
    descending: bool = True

    @property
    def description(self) -> str:
        """The filter and the column to sort by, as one text."""
        return f"{self.text} by {self.sort}" if self.sort else self.text


BUILT_IN: Final = (
    SavedFilter("expensive", "runs", "age:<1d", "cost"),
    SavedFilter("errors", "runs", "state:failed"),
)
"""Filters that have a name without being saved."""


class FilterStore:
    """The history of typed filters by kind, and the saved filters by name.

    Both are read on first use, and stored in a file if the session has a directory.
    """

    def __init__(self, directory: Path | None, errors: FileErrorReporter | None = None) -> None:
        path = None if directory is None else directory / "filters.json"
        self._file = StateFile(path, "the list of filters", errors)

    @cached_property
    def _content(self) -> tuple[dict[str, list[str]], dict[str, SavedFilter]]:
        content = self._file.read(_is_valid) or {"history": {}, "saved": []}
        return content["history"], {each[0]: SavedFilter(*each) for each in content["saved"]}

    def history(self, kind: str) -> list[str]:
        """Return the filters typed in a kind's list, the newest last."""
        return list(self._content[0].get(kind, ()))

    def remember(self, kind: str, text: str) -> None:
        """Add a filter to the history as the newest one, unless it is empty."""
        before = self._content[0].get(kind, [])
        if text and text not in before[-1:]:
            others = [each for each in before if each != text]
            self._content[0][kind] = [*others, text][-MAX_HISTORY:]
            self._write()

    @property
    def saved(self) -> list[SavedFilter]:
        """Return the saved filters, and the built-in ones whose names are not in use."""
        saved = self._content[1]
        return [*saved.values(), *(each for each in BUILT_IN if each.name not in saved)]

    def of_kind(self, kind: str) -> list[SavedFilter]:
        """Return the saved and built-in filters of a kind's list."""
        return [each for each in self.saved if each.kind == kind]

    def is_removable(self, name: str) -> bool:
        """Return whether the user has saved a filter with this name."""
        return name in self._content[1]

    def save(self, filter: SavedFilter) -> None:
        """Save a filter; a saved filter with the same name is replaced."""
        self._content[1][filter.name] = filter
        self._write()

    def remove(self, name: str) -> None:
        """Remove a saved filter."""
        if self._content[1].pop(name, None) is not None:
            self._write()

    def _write(self) -> None:
        history, saved = self._content
        self._file.write({"history": history, "saved": [list(each) for each in saved.values()]})


def _is_valid(content: object) -> bool:
    if not isinstance(content, dict):
        return False
    history, saved = content.get("history"), content.get("saved")
    if not isinstance(history, dict) or not isinstance(saved, list):
        return False
    return all(_is_texts(texts) for texts in history.values()) and all(map(_is_saved, saved))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_saved(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(SavedFilter._fields)
        and _is_texts(value[:3])
        and (value[3] is None or isinstance(value[3], str))
        and isinstance(value[4], bool)
    )
