"""The keys of a list that change its filter or sort order without typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mogplex_tui.operate import filter_toggles, kind_rows
from mogplex_tui.operate.action_registry import key_of
from mogplex_tui.operate.saved_filters import SavedFilter

if TYPE_CHECKING:
    from mogplex_tui.operate.failure_groups import FailureGroup
    from mogplex_tui.screens.list_screen import ListScreen
    from mogplex_tui.screens.modals.sort_picker import SortChoice


class ListShortcuts:
    """Runs the keyboard shortcuts that filter and sort one list screen."""

    def __init__(self, screen: ListScreen) -> None:
        self._screen = screen

    def actions(self) -> Mapping[str, Callable[[], object]]:
        """Return the functions that run the actions, by action id."""
        failed, live = self._screen.kind.failed_filter, self._screen.kind.live_filter
        return {
            "list.failed": lambda: self._toggle(failed, live),
            "list.live": lambda: self._toggle(live, failed),
            "list.range": self._next_range,
            "list.sort": self._pick_order,
            "list.groups": self._show_groups,
        }

    async def _toggle(self, terms: str, alternative: str) -> None:
        typed = self._screen.filter.typed
        await self._screen.type_filter(filter_toggles.toggle(typed, terms, (alternative,)))

    async def _next_range(self) -> None:
        older = self._screen.kind.older
        if older is not None:
            await self._screen.type_filter(filter_toggles.next_age(self._screen.filter.typed, older.age))

    def filter_example(self) -> str:
        """Return an example filter, one that matches the row under the cursor if possible."""
        screen = self._screen
        row, now = screen.cursor_row(), screen.session.clock.now()
        term = None if row is None else kind_rows.example_filter(screen.kind, row, now)
        return screen.model.filter_example if term is None else f"a word, or {term} !other"

    def ask_name(self) -> None:
        """Ask for a name under which to save the typed filter and the sort order."""
        from mogplex_tui.screens.modals.parameter_prompt import AskModal

        dialog = AskModal("Save this filter", "name", check=self._name_problem, confirm_label="Save")
        self._screen.app.push_screen(dialog, self._save)

    def _name_problem(self, name: str) -> str | None:
        from mogplex_tui.operate.kinds.registry import find_kind

        word = name.strip().lower()
        if not word or not word.replace("-", "").isalnum():
            return "A name has letters, digits and hyphens only."
        return None if find_kind(word) is None and word != "runs" else f"{word} is the name of a list."

    def _save(self, name: str | None) -> None:
        if name is None:
            return
        screen, word = self._screen, name.strip().lower()
        order = screen.filter
        screen.console.filters.save(
            SavedFilter(word, screen.kind.name, order.typed, order.sort, order.descending)
        )
        screen.notify(f"Saved: {key_of('app.palette')}{word} opens it.", markup=False)

    def _show_groups(self) -> None:
        from mogplex_tui.screens.failure_groups import FailureGroupsScreen

        self._screen.app.push_screen(FailureGroupsScreen(self._screen))

    async def choose_group(self, group: FailureGroup) -> None:
        """Narrow the list's filter to the failed records of a group."""
        failed, typed = self._screen.kind.failed_filter, self._screen.filter.typed
        await self._screen.type_filter(filter_toggles.with_terms(typed, f"{failed} {group.filter}"))

    def _pick_order(self) -> None:
        from mogplex_tui.screens.modals.sort_picker import SortPicker

        screen = self._screen
        columns = screen.filter.pickable_columns(screen.model.empty_columns())
        picker = SortPicker(
            f"Sort {screen.kind.title.lower()} by", columns, screen.filter.sort, screen.filter.descending
        )
        screen.app.push_screen(picker, self._picked)

    def _picked(self, choice: SortChoice | None) -> None:
        if choice is not None:
            self._screen.sort_by_column(choice.column)
