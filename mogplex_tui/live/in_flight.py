"""The changes that are under way: each record of a kind with the word that is shown for its change."""

from __future__ import annotations


class InFlight:
    """The changes under way in one session, by kind and record."""

    def __init__(self) -> None:
        self._words: dict[str, dict[str, str]] = {}

    def begin(self, kind: str, key: str, word: str) -> None:
        """Add the change of a record, such as `cancelling`."""
        self._words.setdefault(kind, {})[key] = word

    def end(self, kind: str, key: str) -> None:
        """Remove the change of a record, if there is one."""
        self._words.get(kind, {}).pop(key, None)

    def word(self, kind: str, key: str) -> str | None:
        """Return the word of a record's change, None without one."""
        return self._words.get(kind, {}).get(key)

    def keys(self, kind: str) -> frozenset[str]:
        """Return the records of a kind that are being changed."""
        return frozenset(self._words.get(kind, ()))
