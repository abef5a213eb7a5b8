"""The console's own settings that the user can change while the console runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mogplex_tui.config.paths import config_file
from mogplex_tui.config.settings import Settings, Sourced, variables_of

COMMAND_LINE = "the command line"
THIS_CONSOLE = "this console"
_ON, _OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class ConsoleSetting:
    """A setting, its value and its origin, as texts to show.

    `choices` are the possible values. It is empty for a setting that is changed elsewhere;
    `how_to_change` then says where, unless the origin does.
    """

    name: str
    title: str
    value: str
    origin: str
    choices: tuple[str, ...] = ()
    how_to_change: str = ""


# name -> title and the words of its values
_APPEARANCE: dict[str, tuple[str, tuple[str, ...]]] = {
    "theme": ("console theme", ("dark", "light")),
    "tab_line": ("console tab line", (_ON, _OFF)),
    "ascii": ("console ascii mode", (_ON, _OFF)),
    "reduced_motion": ("console reduced motion", (_ON, _OFF)),
}

CHANGEABLE: Final = frozenset(_APPEARANCE)
"""The names of the settings with a list of values to choose from."""


class ConsoleSettings:
    """The current settings of the console, and the path of the config file."""

    def __init__(self, settings: Settings, path: Path | None = None, *, team_name: str = "") -> None:
        """Create the settings; `team_name` is the name of the active team, if known."""
        self._settings, self._team_name = settings, team_name
        self.path = path or config_file()
        # Called with the new settings after each change.
        self.changed: Callable[[Settings], None] = lambda _: None

    def all(self) -> list[ConsoleSetting]:
        """Return all settings of the console in the order in which they are shown."""
        return [*(self.get(name) for name in _APPEARANCE), self._columns(), self._keys(), self._team()]

    def get(self, name: str) -> ConsoleSetting:
        """Return a setting by its name in the config file."""
        title, choices = _APPEARANCE[name]
        value, origin = getattr(self._settings, name)
        word = (_ON if value else _OFF) if _ON in choices else value or choices[0]
        return ConsoleSetting(name, title, word, self._origin(origin), choices)

    def _team(self) -> ConsoleSetting:
        team, origin = self._settings.team
        value = self._team_name or team or "personal"
        return ConsoleSetting(
            "team", "console team", value, self._origin(origin), how_to_change=":teams changes it"
        )

    def _keys(self) -> ConsoleSetting:
        value = _changed(len(self._settings.keys.value))
        return ConsoleSetting("keys", "console keys", value, f"[keys] in {self.path}")

    def _columns(self) -> ConsoleSetting:
        value = _changed(len(self._settings.columns.value))
        return ConsoleSetting("columns", "console columns", value, f"[columns] in {self.path}")

    def columns_of(self, kind: str) -> Sequence[str] | None:
        """Return the names of the columns that the user has chosen for a kind, if any."""
        return self._settings.columns.value.get(kind)

    def use_columns(self, kind: str, names: Sequence[str] | None) -> None:
        """Put the columns of a kind into force; None stands for the default ones."""
        columns = {name: each for name, each in self._settings.columns.value.items() if name != kind}
        if names is not None:
            columns[kind] = names
        self._settings = self._settings._replace(columns=Sourced(columns, THIS_CONSOLE))

    def save_columns(self, kind: str, names: Sequence[str] | None) -> None:
        """Write the columns of a kind into the config file.

        May block; raises ConfigFileError.
        """
        from mogplex_tui.config.config_file import set_list

        set_list(self.path, "columns", kind, names)

    def _origin(self, origin: str) -> str:
        return self.path.name if origin == str(self.path) else origin

    def save(self, name: str, word: str) -> None:
        """Write a value into the config file; `word` is one of the setting's choices.

        The call may block. Raises ConfigFileError if the file cannot be changed.
        """
        from mogplex_tui.config.config_file import set_value

        set_value(self.path, name, self._value(name, word))

    def use(self, name: str, word: str, *, is_saved: bool) -> str:
        """Make a value the current one; `word` is one of the setting's choices.

        If the old value came from the command line or from an environment variable, the old value will
        apply again at the next start. The method then returns the name of this origin, otherwise "".
        """
        replaced = getattr(self._settings, name).origin
        origin = str(self.path) if is_saved else THIS_CONSOLE
        changed = {name: Sourced(self._value(name, word), origin)}
        self._settings = self._settings._replace(**changed)  # type: ignore[arg-type]  # the table names them
        self.changed(self._settings)
        return replaced if replaced in (COMMAND_LINE, *variables_of(name)) else ""

    def _value(self, name: str, word: str) -> str | bool:
        return word == _ON if _ON in _APPEARANCE[name][1] else word

    def with_appearance_of(self, settings: Settings) -> Settings:
        """Return a copy of `settings` with this console's theme and other appearance.

        Used to switch to another context without a change of the console's appearance.
        """
        names = (*_APPEARANCE, "columns")
        return settings._replace(**{name: getattr(self._settings, name) for name in names})


def _changed(count: int) -> str:
    return "default" if not count else "1 changed" if count == 1 else f"{count} changed"
