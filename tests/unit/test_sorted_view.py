"""A sorted view always shows what sorting and filtering all rows would show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mogplex_tui.live.sorted_view import RESORT_ABOVE, SortedView


@dataclass(frozen=True)
class Row:
    size: int
    name: str


def by_size(row: Row) -> tuple[int]:
    return (row.size,)


def by_name(row: Row) -> tuple[str]:
    return (row.name,)


KEYS = st.text("abcdef", min_size=1, max_size=2)
ROWS = st.builds(Row, st.integers(0, 4), st.text("xyz", max_size=2))


def shown(view: SortedView[Row]) -> list[str]:
    return [view.key_at(index) for index in range(len(view))]


def expected(
    rows: dict[str, Row],
    sort: Callable[[Row], tuple[object]],
    accept: Callable[[Row], bool] | None,
    descending: bool,
) -> list[str]:
    kept = [key for key in rows if accept is None or accept(rows[key])]
    return sorted(kept, key=lambda key: (sort(rows[key]), key), reverse=descending)


class ViewMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.sort: Callable[[Row], tuple[object]] = by_size
        self.accept: Callable[[Row], bool] | None = None
        self.descending = True
        self.view: SortedView[Row] = SortedView(self.rows, by_size)

    @rule(changes=st.dictionaries(KEYS, ROWS, max_size=5), gone=st.sets(KEYS, max_size=3))
    def change(self, changes: dict[str, Row], gone: set[str]) -> None:
        gone -= changes.keys()
        before = shown(self.view)
        self.rows.update(changes)
        for key in gone:
            self.rows.pop(key, None)
        moved = self.view.apply(changes.keys(), gone)
        if shown(self.view) != before:
            assert moved

    @rule(limit=st.none() | st.integers(0, 4))
    def filter(self, limit: int | None) -> None:
        self.accept = None if limit is None else lambda row: row.size < limit
        self.update_order()

    @rule(name=st.booleans(), descending=st.booleans())
    def resort(self, name: bool, descending: bool) -> None:
        self.sort, self.descending = (by_name if name else by_size), descending
        self.update_order()

    def update_order(self) -> None:
        before = shown(self.view)
        moved = self.view.set_order(self.sort, self.accept, descending=self.descending)
        if shown(self.view) != before:
            assert moved

    @invariant()
    def is_what_sorting_gives(self) -> None:
        right = expected(self.rows, self.sort, self.accept, self.descending)
        assert shown(self.view) == right
        places = {key: place for place, key in enumerate(right)}
        for key in {*self.rows, "zz"}:
            assert self.view.index_of(key) == places.get(key)


TestView = ViewMachine.TestCase
TestView.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(st.dictionaries(KEYS, ROWS), st.dictionaries(KEYS, ROWS))
def test_change_without_effect_moves_nothing(rows: dict[str, Row], other: dict[str, Row]) -> None:
    view = SortedView(rows, by_size)
    assert view.apply(rows.keys()) is False
    assert view.apply((), other.keys() - rows.keys()) is False


def test_many_changes_at_once_give_the_same_order() -> None:
    rows = {f"k{number:05}": Row(number % 97, "") for number in range(RESORT_ABOVE * 2)}
    view = SortedView(rows, by_size, descending=False)
    changed = [key for key in rows if key.endswith(("1", "3", "5", "7", "9"))]
    removed = [key for key in rows if key.endswith("00")]
    for key in changed:
        rows[key] = Row(1000 - rows[key].size, "")
    for key in removed:
        del rows[key]
    changed.append("never-there")
    assert len(changed) + len(removed) > RESORT_ABOVE
    assert view.apply(changed, removed) is True
    assert shown(view) == expected(rows, by_size, None, False)
    assert view.apply(changed, removed) is False


def test_filter_that_depends_on_time_is_applied_again() -> None:
    rows = {"a": Row(1, ""), "b": Row(2, "")}
    view = SortedView(rows, by_size)
    now = [3]

    def accept(row: Row) -> bool:
        return row.size < now[0]

    assert view.set_order(by_size, accept, descending=True) is False
    now[0] = 2
    assert view.set_order(by_size, accept, descending=True) is True
    assert shown(view) == ["a"]
    assert view.set_order(by_size, accept, descending=True) is False


def test_index_out_of_range_raises() -> None:
    view = SortedView({"a": Row(1, "")}, by_size)
    for index in (-1, 1):
        with pytest.raises(IndexError):
            view.key_at(index)


def test_row_that_no_longer_matches_is_removed() -> None:
    rows = {"a": Row(1, ""), "b": Row(2, "")}
    view = SortedView(rows, by_size)
    view.set_order(by_size, lambda row: row.size < 3, descending=True)
    rows["a"] = Row(9, "")
    assert view.apply(["a"]) is True
    assert shown(view) == ["b"]
    assert view.index_of("a") is None
