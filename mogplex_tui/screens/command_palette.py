"""The command palette, which lists every screen and the actions available on one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.await_complete import AwaitComplete
from textual.command import (
    Command,
    CommandList,
    CommandPalette,
    DiscoveryHit,
    Hit,
    Hits,
    Provider,
    SearchIcon,
)
from textual.fuzzy import Matcher
from textual.widgets import Input

from mogplex_tui.operate import action_registry
from mogplex_tui.operate.kinds.registry import GROUPS, kinds
from mogplex_tui.screens.console import Console
from mogplex_tui.screens.console_screen import AnyScreen, ConsoleScreen
from mogplex_tui.screens.navigation import BUILT_IN
from mogplex_tui.widgets.text import visible

# The sections besides the groups of kinds.
_RECENT, _FILTERS, _ACTIONS = "Recent", "Filters", "Actions"
# The recent places that are listed before anything is typed; a typed text finds all of them.
_SHOWN_RECENT = 8
_GROUP_WIDTH, _KEY_WIDTH, _NAME_WIDTH = 12, 7, 34


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One entry of the command palette: a screen to show or an action to run.

    `names` holds the title first and then, if the entry shows a list, the aliases of the list.
    `place` is True if the entry shows a screen. `group` is the section in which the palette lists
    the entry before the user has typed anything. `key` is the keyboard shortcut for the entry, or
    an empty text if no key is bound. `run_with_argument`, if not None, runs the entry with the text
    that the user typed after its name, as in `jobs state:failed`. `separator` is the word that may
    separate the name from that text: `/` between a list and its filter, `by` between `sort` and a
    column.
    """

    names: tuple[str, ...]
    help: str
    run: Callable[[], object]
    is_screen: bool = False
    key: str = ""
    run_with_argument: Callable[[str], object] | None = None
    separator: str = "/"
    group: str = ""

    @property
    def title(self) -> str:
        """The entry's name, followed by each alias with a `:` before it."""
        return " ".join([self.names[0], *(f":{name}" for name in self.names[1:])])

    def line(self, group: str = "") -> Text:
        """Return the entry as one line: its key, its name, its aliases and its help text.

        `group` is the name of the entry's section, which the line begins with if the palette shows
        sections.
        """
        aliases = " ".join(f":{name}" for name in self.names[1:])
        names = f"{visible(self.names[0])} {aliases}".strip()
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(group, "dim")
        line.append(f"{self.key:<{_KEY_WIDTH}}", "bold")
        line.append(names.removesuffix(aliases))
        line.append(aliases, "dim")
        if self.help:
            line.append(" " * max(2, _NAME_WIDTH - cell_len(names)))
            line.append(visible(self.help), "dim")
        return line


def entries_of(screen: AnyScreen) -> Iterator[PaletteEntry]:
    """Yield the palette entries offered on a screen: its actions, then every list.

    Only actions that can be used now are offered.
    """
    if not isinstance(screen, ConsoleScreen):
        return
    console = screen.console
    for action in action_registry.in_scope(screen.scope):
        name = action.id.removeprefix("go.")
        is_place = name != action.id and name != "back"
        # Lists are offered below, by their names and aliases.
        is_list = is_place and name not in BUILT_IN
        if action.id != "app.palette" and not is_list and screen.shows(action):
            key = action_registry.key_of(action.id, ascii_only=console.look.ascii)
            run = partial(screen.action_act, action.id)
            filtered = partial(console.navigation.go_filtered, name)
            run_with_argument = filtered if name == "runs" else screen.argument_runner(action)
            # The help is left out where it would only repeat the name.
            help = action_registry.help_text(action)
            help = "" if help.lower() == f"{action.title.lower()}." else help
            yield PaletteEntry(
                (action.title,),
                help,
                run,
                is_place,
                key,
                run_with_argument,
                "/" if is_place else "by",
                "Work" if is_place else "",
            )
    yield from _lists(console)
    yield from _saved_filters(console)
    for place in console.recent_places.offered(screen):
        reopen = partial(console.recent_places.open, place)
        yield PaletteEntry((place.title,), place.about, reopen, is_screen=True, group=_RECENT)


def _saved_filters(console: Console) -> Iterator[PaletteEntry]:
    """Yield the entries that open a saved filter and the entries that remove one."""
    for saved in console.filters.saved:
        if saved.kind != "runs" and saved.kind not in kinds():
            continue
        text = f"{saved.kind} / {saved.description}"
        go = partial(console.navigation.go_saved, saved)
        yield PaletteEntry((saved.name,), text, go, is_screen=True, group=_FILTERS)
        if console.filters.is_removable(saved.name):
            remove = partial(console.filters.remove, saved.name)
            yield PaletteEntry((f"forget {saved.name}",), f"Remove the filter {saved.name}.", remove)


def _lists(console: Console) -> Iterator[PaletteEntry]:
    """Yield one palette entry for the list of each kind of record."""
    navigation = console.navigation
    keys = {name: key for key, _, name in action_registry.tabs()}
    group_of = {name: group for group, names in GROUPS.items() for name in names}
    for kind in kinds().values():
        key = keys.get(kind.name, "")
        # The help is left out where it would only repeat the name.
        text = "" if kind.title.lower().replace(" ", "-") == kind.name else kind.title
        go, filtered = partial(navigation.go, kind.name), partial(navigation.go_filtered, kind.name)
        names, group = (kind.name, *kind.aliases), group_of.get(kind.name, "")
        if kind.name == "contexts":
            key, switch = action_registry.key_of("go.contexts"), console.context_switch.switch
            yield PaletteEntry(
                names,
                text,
                go,
                is_screen=True,
                key=key,
                run_with_argument=switch,
                separator="to",
                group=group,
            )
            continue
        yield PaletteEntry(names, text, go, is_screen=True, key=key, run_with_argument=filtered, group=group)


# Scores for a match of the whole name, its beginning, the beginning of a later word, or single letters.
_WHOLE, _PREFIX, _WORD, _FUZZY = 8.0, 6.0, 4.0, 2.0


def score(entry: PaletteEntry, typed: str) -> float:
    """Return how well an entry matches the typed text; 0 means no match.

    Between equally good matches, a list scores higher than a recent place, and that higher than an
    action.
    """
    query = typed.strip().lstrip(":").lower()
    bonus = 0.5 if entry.group == _RECENT else 1.0 if entry.is_screen else 0.0
    if not query:
        return 0.0
    if query in entry.names:
        return _WHOLE + bonus
    if any(name.startswith(query) for name in entry.names):
        return _PREFIX + bonus
    words = (word for name in entry.names for word in name.replace("-", " ").split())
    if any(word.startswith(query) for word in words):
        return _WORD + bonus
    if not any(_is_near(name.lower(), query) for name in entry.names):
        return 0.0
    # Textual's score has no upper limit. Scaled below 1, it decides among equally good matches.
    fuzzy = Matcher(query).match(entry.title)
    return _FUZZY + bonus + fuzzy / (1 + fuzzy) if fuzzy > 0 else 0.0


def _is_near(name: str, query: str) -> bool:
    """Return whether the letters of `query` follow each other closely in a name.

    Letters that are spread over the name are a chance match: `costs` is not `conversations`.
    """
    for start in (place for place, letter in enumerate(name) if letter == query[0]):
        end = start
        for letter in query:
            found = name.find(letter, end)
            if found < 0:
                return False
            end = found + 1
        if end - start <= 2 * len(query):
            return True
    return False


def ranked(entries: Iterable[PaletteEntry], typed: str) -> list[tuple[float, PaletteEntry]]:
    """Return the matching entries with their scores, the best match first.

    If the typed text is an entry's name followed by more text, such as `jobs state:failed` or
    `sort cost`, the result includes an entry that runs with the additional text.
    """
    matches = []
    for entry in entries:
        if (match_score := score(entry, typed)) > 0:
            matches.append((match_score, entry))
        elif (entry_with_text := _with_text(entry, typed)) is not None:
            matches.append((_WHOLE, entry_with_text))
    return sorted(matches, key=lambda pair: pair[0], reverse=True)


def _with_text(entry: PaletteEntry, typed: str) -> PaletteEntry | None:
    name, _, text = typed.strip().lstrip(":").partition(" ")
    text = text.strip()
    # The separator may be typed as well, as in `sort by cost` or `jobs /failed`. It must be a whole word with text after
    # it.
    typed_text = text[len(entry.separator) :]
    if text.lower().startswith(entry.separator) and (
        typed_text[:1].isspace() or not entry.separator.isalpha()
    ):
        text = typed_text.strip()
    if entry.run_with_argument is None or not text or name.lower() not in entry.names:
        return None
    return PaletteEntry(
        (f"{entry.names[0]} {entry.separator} {text}",),
        entry.help,
        partial(entry.run_with_argument, text),
        is_screen=True,
    )


class PaletteProvider(Provider):
    """Supplies Textual's command palette with the entries of the screen below it."""

    @property
    def entries(self) -> Sequence[PaletteEntry]:
        """Every entry: the recent places, the newest first, then the others by title."""
        return sorted(
            entries_of(self.screen),
            key=lambda entry: (entry.group != _RECENT, "" if entry.group == _RECENT else entry.title),
        )

    async def discover(self) -> Hits:
        """Yield every entry in its section; Textual calls this while nothing is typed."""
        before = ""
        for place, entry in enumerate(in_sections(self.entries)):
            group = entry.group or _ACTIONS
            line = entry.line(f"{'' if group == before else group:<{_GROUP_WIDTH}}")
            before = group
            # Textual sorts these by their texts.
            yield DiscoveryHit(line, entry.run, text=f"{place:04}")

    async def search(self, query: str) -> Hits:
        """Yield the entries that match the query, the best first."""
        for match_score, entry in ranked(self.entries, query):
            yield Hit(match_score, entry.line(), entry.run, text=entry.title)


def in_sections(entries: Sequence[PaletteEntry]) -> list[PaletteEntry]:
    """Return entries sorted by section: the newest recent places first, actions last."""
    recent = [entry for entry in entries if entry.group == _RECENT][:_SHOWN_RECENT]
    others = (entry for entry in entries if entry.group != _RECENT)
    sections = [*GROUPS, _FILTERS, ""]
    lists = [name for names in GROUPS.values() for name in names]
    order = {name: place for place, name in enumerate(lists)}
    return [
        *recent,
        *sorted(
            others, key=lambda entry: (sections.index(entry.group), order.get(entry.names[0], len(order)))
        ),
    ]


class Palette(CommandPalette):
    """Textual's command palette, changed so that enter always runs the best match.

    If enter is pressed before the matches for the typed text are listed, Textual runs nothing.
    """

    def __init__(self, below: AnyScreen) -> None:
        """Create the palette for `below`, the screen that the palette is shown over."""
        placeholder = "screen or command, for example jobs state:failed"
        super().__init__([PaletteProvider], placeholder=placeholder, id="--command-palette")
        self._below = below
        self._typed_text, self._listed_for = "", ""

    def on_mount(self) -> None:
        """Show a colon before the text, as the key that opens the palette."""
        self.query_one(SearchIcon).icon = ":"

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close the palette if it is the top screen, else do nothing.

        Two quick clicks outside the palette call this twice; without the check, the second call
        would close the screen below.
        """
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._typed_text = event.value.strip()

    def _refresh_command_list(
        self, command_list: CommandList, commands: list[Command], clear_current: bool
    ) -> None:
        super()._refresh_command_list(command_list, commands, clear_current)
        self._listed_for = self._typed_text

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._listed_for:
            return
        # The listed matches are those of an earlier text.
        event.stop()
        event.prevent_default()
        entries = PaletteProvider(self._below).entries
        best = ranked(entries, event.value)
        if best:
            self._cancel_gather_commands()
            self.dismiss()
            self.app.call_later(best[0][1].run)
