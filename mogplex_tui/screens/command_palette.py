"""The command palette: every place by its name and its aliases, and the verbs of the screen below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from textual import on
from textual.await_complete import AwaitComplete
from textual.command import Command, CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.fuzzy import Matcher
from textual.widgets import Input

from mogplex_tui.operate import action_registry
from mogplex_tui.operate.formatting import plural_noun
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.screens.console_screen import AnyScreen, ConsoleScreen
from mogplex_tui.screens.navigation import BUILT_IN, Navigation


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """What can be chosen: its names, the first of which is its title; a place has its aliases among them.

    `key` is the key that does the same, as it is shown; nothing where there is none. `more` does it with what was typed
    behind the name, and `joint` stands between these two: a list and its filter, `sort` and a column.
    """

    names: tuple[str, ...]
    help: str
    run: Callable[[], object]
    place: bool = False
    key: str = ""
    more: Callable[[str], object] | None = None
    joint: str = "/"

    @property
    def title(self) -> str:
        """The name, and the aliases as they are typed."""
        return " ".join([self.names[0], *(f":{name}" for name in self.names[1:])])

    @property
    def about(self) -> str:
        """The key, and what it does."""
        return f"{self.key} · {self.help}" if self.key else self.help


def entries_of(screen: AnyScreen) -> Iterator[PaletteEntry]:
    """Yield the entries that the palette offers over a screen: its actions that make sense now, and every list."""
    if not isinstance(screen, ConsoleScreen):
        return
    console = screen.console
    for action in action_registry.in_scope(screen.scope):
        name = action.id.removeprefix("go.")
        is_place = name != action.id and name != "back"
        # The lists are offered by their names and aliases below.
        is_list = is_place and name not in BUILT_IN
        if action.id != "app.palette" and not is_list and screen.shows(action):
            key = action_registry.key_of(action.id, ascii_only=console.look.ascii)
            run = partial(screen.action_act, action.id)
            filtered = partial(console.navigation.go_filtered, name)
            more = filtered if name == "runs" else screen.more_of(action)
            yield PaletteEntry(
                (action.title,), action.help_text, run, is_place, key, more, "/" if is_place else "by"
            )
    yield from _lists(console.navigation)


def _lists(navigation: Navigation) -> Iterator[PaletteEntry]:
    """Yield every kind's list, by its name and its aliases."""
    keys = {name: key for key, _, name in action_registry.tabs()}
    for kind in kinds().values():
        about, key = f"The list of {plural_noun(kind.noun)}.", keys.get(kind.name, "")
        go, filtered = partial(navigation.go, kind.name), partial(navigation.go_filtered, kind.name)
        yield PaletteEntry((kind.name, *kind.aliases), about, go, place=True, key=key, more=filtered)


# What was typed is the whole name, its beginning, the beginning of a later word, or letters on the way.
_WHOLE, _BEGINS, _WORD, _LETTERS = 8.0, 6.0, 4.0, 2.0


def score(entry: PaletteEntry, typed: str) -> float:
    """Return how well an entry answers what was typed, 0 when it does not; a place is before a verb that is as near."""
    wanted = typed.strip().lstrip(":").lower()
    first = 1.0 if entry.place else 0.0
    if not wanted:
        return 0.0
    if wanted in entry.names:
        return _WHOLE + first
    if any(name.startswith(wanted) for name in entry.names):
        return _BEGINS + first
    words = (word for name in entry.names for word in name.replace("-", " ").split())
    if any(word.startswith(wanted) for word in words):
        return _WORD + first
    # Textual counts from 0 to any number; here it decides among those that are equally near.
    loosely = Matcher(wanted).match(entry.title)
    return _LETTERS + first + loosely / (1 + loosely) if loosely > 0 else 0.0


def ranked(entries: Iterable[PaletteEntry], typed: str) -> list[tuple[float, PaletteEntry]]:
    """Return the entries that answer what was typed with their scores, the best first.

    A name with more behind it is both together: `jobs state:failed`, `sort cost`.
    """
    found = []
    for entry in entries:
        if (value := score(entry, typed)) > 0:
            found.append((value, entry))
        elif (both := _with_more(entry, typed)) is not None:
            found.append((_WHOLE, both))
    return sorted(found, key=lambda pair: pair[0], reverse=True)


def _with_more(entry: PaletteEntry, typed: str) -> PaletteEntry | None:
    name, _, more = typed.strip().lstrip(":").partition(" ")
    more = more.strip()
    # The joint may be typed as well: `sort by cost`, `jobs /failed`. A word that only begins so is none, nor is the last.
    behind = more[len(entry.joint) :]
    if more.lower().startswith(entry.joint) and (behind[:1].isspace() or not entry.joint.isalpha()):
        more = behind.strip()
    if entry.more is None or not more or name.lower() not in entry.names:
        return None
    return PaletteEntry(
        (f"{entry.names[0]} {entry.joint} {more}",), entry.help, partial(entry.more, more), place=True
    )


class PlacesAndVerbs(Provider):
    """The entries offered over the screen that the palette lies on."""

    @property
    def entries(self) -> Sequence[PaletteEntry]:
        """Everything that can be chosen, by name."""
        return sorted(entries_of(self.screen), key=lambda entry: entry.title)

    async def discover(self) -> Hits:
        """Offer everything while nothing is typed."""
        for entry in self.entries:
            yield DiscoveryHit(entry.title, entry.run, help=entry.about)

    async def search(self, query: str) -> Hits:
        """Offer what answers the query, the best first."""
        matcher = self.matcher(query.lstrip(":"))
        for value, entry in ranked(self.entries, query):
            yield Hit(value, matcher.highlight(entry.title), entry.run, text=entry.title, help=entry.about)


class Palette(CommandPalette):
    """Textual's palette; enter takes the best answer to what was typed, whether that is listed yet or not."""

    def __init__(self, below: AnyScreen) -> None:
        """`below` is the screen that the palette lies on."""
        told = "a list, such as jobs or jobs state:failed, or a command"
        super().__init__([PlacesAndVerbs], placeholder=told, id="--command-palette")
        self._below = below
        self._asked, self._listed = "", ""

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close. Only the top screen can: the second of two clicks beside it would take the screen below away."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._asked = event.value.strip()

    def _refresh_command_list(
        self, command_list: CommandList, commands: list[Command], clear_current: bool
    ) -> None:
        super()._refresh_command_list(command_list, commands, clear_current)
        self._listed = self._asked

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._listed:
            return
        # What is listed answers an earlier text.
        event.stop()
        event.prevent_default()
        entries = PlacesAndVerbs(self._below).entries
        best = ranked(entries, event.value)
        if best:
            self._cancel_gather_commands()
            self.dismiss()
            self.app.call_later(best[0][1].run)
