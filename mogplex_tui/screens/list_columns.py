"""The columns that the user has chosen for a list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mogplex_tui.screens.list_screen import ListScreen
    from mogplex_tui.screens.modals.column_picker import ColumnChoice


class ListColumns:
    """Shows the chosen columns of one list screen, and asks for others.

    The choice is saved for the kind, so that all lists of the kind have the same columns.
    """

    def __init__(self, screen: ListScreen) -> None:
        self._screen = screen

    @property
    def chosen(self) -> tuple[str, ...] | None:
        """The names of the chosen columns that exist, from the left; None for the default."""
        settings, kind = self._screen.session.console_settings, self._screen.kind
        names = None if settings is None else settings.columns_of(kind.name)
        known = {column.name for column in kind.columns}
        return tuple(name for name in names or () if name in known) or None

    def apply(self) -> None:
        """Show the chosen columns."""
        self._screen.table.set_order(self.chosen)

    def pick(self) -> None:
        """Ask for the columns to show."""
        from mogplex_tui.screens.modals.column_picker import ColumnPicker

        screen = self._screen
        columns = screen.filter.pickable_columns(frozenset())
        contents = screen.columns.contents or ()
        empty = {name for name, width in zip(columns, contents, strict=False) if not width}
        picker = ColumnPicker(
            f"Columns of {screen.kind.title.lower()}",
            columns,
            self.chosen,
            empty | screen.model.empty_columns(),
        )
        screen.app.push_screen(picker, self._picked)

    def _picked(self, choice: ColumnChoice | None) -> None:
        if choice is not None:
            self._screen.console.tasks.run(self._save(choice))

    async def _save(self, choice: ColumnChoice) -> None:
        from mogplex_tui.api.daemon_thread import run_in_daemon_thread
        from mogplex_tui.config.config_file import ConfigFileError

        screen, settings = self._screen, self._screen.session.console_settings
        if settings is None:
            return
        name, columns = screen.kind.name, choice.columns
        settings.use_columns(name, columns)
        self.apply()
        try:
            await run_in_daemon_thread(partial(settings.save_columns, name, columns))
        except ConfigFileError as error:
            sentence = f"{error} The columns hold until the console ends."
            screen.app.notify(sentence, severity="warning", timeout=8, markup=False)
        else:
            what = "Columns saved" if columns else "Default columns restored"
            screen.app.notify(f"{what} in {settings.path}.", timeout=5, markup=False)
