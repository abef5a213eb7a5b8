"""Folding and filtering of a tail's rows while the tail changes."""

from __future__ import annotations

from random import Random

import pytest

from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.tail_rows import TailRow
from mogplex_tui.widgets.visible_rows import VisibleRows


class _Source:
    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> TailRow:
        key, text = self.rows[index]
        return TailRow(key, "", ("", Tone.PLAIN), ((text, Tone.PLAIN),))

    def text(self, index: int) -> str:
        return self.rows[index][1]

    def index_of(self, key: str) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row[0] == key), None)

    def version(self, key: str) -> int:
        return len(key)

    def fold_key(self, index: int) -> str | None:
        return None if self.rows[index][1] == "open" else self.rows[index][1]


def _shown(rows: VisibleRows) -> list[TailRow]:
    return [rows.row(index) for index in range(len(rows))]


@pytest.mark.parametrize("term", ["", "a"], ids=["all", "matches"])
def test_changes_leave_the_same_rows_as_a_fresh_start(term: str) -> None:
    random, source = Random(7), _Source()
    rows = VisibleRows(source, source.fold_key)
    rows.set_filter(term)
    rows.set_context(1)
    for step in range(400):
        touched, before = set(), _shown(rows)
        for number in range(random.randrange(3)):
            source.rows.append((f"{step}-{number}", random.choice(("a", "b", "c", "open"))))
        for index, (key, text) in enumerate(source.rows):
            if text == "open" and random.random() < 0.3:
                source.rows[index] = (key, random.choice(("a", "b", "c")))
                touched.add(key)
        changes = rows.update(touched)
        fresh = VisibleRows(source, source.fold_key)
        fresh.update(reordered=True)
        fresh.set_filter(term)
        fresh.set_context(1)
        assert _shown(rows) == _shown(fresh)
        if not changes.reordered:
            # What is not reported as changed is as it was.
            assert len(rows) == len(before) + changes.appended
            for old, new in zip(before, _shown(rows), strict=False):
                assert old == new or new.key in changes.touched


def test_errors_are_found_in_both_directions_past_the_ends() -> None:
    source = _Source()
    source.rows = [(str(number), str(number)) for number in range(6)]
    rows = VisibleRows(source)
    rows.update()
    assert [rows.next_of(("1", "4"), key, 1) for key in (None, "1", "2", "4")] == ["1", "4", "4", "1"]
    assert [rows.next_of(("1", "4"), key, -1) for key in (None, "1", "2", "4")] == ["4", "4", "1", "1"]
    assert rows.next_of((), "1", 1) is None and rows.nearest("9") is None
