"""What every screen has: header, tabs, title, rule and key bar, and bindings that derive from the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import isawaitable
from typing import Any, ClassVar, ParamSpec

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widget import Widget

from mogplex_tui.live.rows import RunRow
from mogplex_tui.live.scheduler import Feed, Want
from mogplex_tui.live.session import Session
from mogplex_tui.live.signals import Signal
from mogplex_tui.operate import actions
from mogplex_tui.screens.chrome import header_segments
from mogplex_tui.screens.console import Console, console_of
from mogplex_tui.widgets.key_bar import KeyBar
from mogplex_tui.widgets.rule import Rule
from mogplex_tui.widgets.status_line import HeaderLine, Segment, SegmentLine
from mogplex_tui.widgets.tab_line import TabLine
from mogplex_tui.widgets.tones import Tone

P = ParamSpec("P")

# Short words for narrow terminals.
SHORT = {
    "Projects": "Proj",
    "Assignments": "Asgn",
    "Sandboxes": "Sbx",
    "Observability": "Obs",
    "Settings": "Set",
}
# Ages and durations on screen grow by themselves.
TICK = 1.0
# What arrives in a burst is drawn together, at most twenty times a second.
FLUSH = 0.05


def bindings(scope: str) -> list[BindingType]:
    """Return the bindings of one screen, from the registry; the app's keymap puts chosen keys in the place of these."""
    return [
        Binding(
            ",".join(action.defaults),
            f"act('{action.id}')",
            action.title,
            show=False,
            id=action.id,
            priority=action.priority,
        )
        for action in actions.in_scope(scope)
        if action.defaults
    ]


class ConsoleScreen(Screen[None]):
    """A screen of the console. Subclasses name their scope and yield their body from `compose_body`."""

    SCOPE: ClassVar[str]
    TAB: ClassVar[str]
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self) -> None:
        super().__init__()
        self._ticker: Timer | None = None
        self._flush_timer: Timer | None = None
        self._forget: list[Callable[[], None]] = []
        self._wants: list[Want] = []
        self._left = False
        # A new screen is styled as it is mounted; Textual would read all styles anew for it first.
        self._css_update_count = self.app._css_update_count

    @property
    def console(self) -> Console:
        """The parts of the app that screens use."""
        return console_of(self)

    @property
    def session(self) -> Session:
        """The context at work."""
        return self.console.session

    def compose(self) -> ComposeResult:
        """Lay the chrome round the body."""
        yield HeaderLine(self._header(), id="header")
        if self.console.look.tab_line:
            yield TabLine(actions.tabs(), active=self.TAB, shorts=SHORT, id="tabs")
        yield SegmentLine([], id="title")
        yield Rule()
        yield from self.compose_body()
        yield KeyBar([], lasting=actions.lasting(), id="keys")

    def _header(self) -> list[Segment]:
        return header_segments(self.session, self.console.look, self.console.collections.pending_approvals)

    def compose_body(self) -> Iterator[Widget]:
        """Yield what lies between the rule and the key bar."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Make what the first frame did not need; called once, after it. For subclasses."""

    def title_segments(self) -> list[Segment]:
        """Return the title line as it is now."""
        raise NotImplementedError

    def here(self) -> str:
        """Return what this step is called on the way that leads on from it; for subclasses."""
        return ""

    def way(self) -> list[str]:
        """Return the steps that led here, the first one first."""
        steps: list[str] = []
        for screen in self.app.screen_stack:
            if screen is self:
                break
            if isinstance(screen, ConsoleScreen):
                steps.append(screen.here())
        return [step for step in steps if step]

    def crumbs(self) -> list[Segment]:
        """Return the steps that led here as segments; where there is little room, the oldest go first."""
        way = self.way()
        return [
            Segment(f"{step} ▸", Tone.DIM, priority=3 + len(way) - number, close=bool(number))
            for number, step in enumerate(way)
        ]

    def never(self) -> frozenset[str]:
        """Return the ids of actions that have no use on this screen, whatever it shows; for subclasses."""
        return frozenset()

    def shows(self, action: actions.Action) -> bool:
        """Return whether the key bar and the palette tell of an action now; for subclasses."""
        return action.id not in self.never() and self.why_not(action) is None

    def more_of(self, _: actions.Action) -> Callable[[str], Any] | None:
        """Return what does an action with what is typed behind its name in the palette; for subclasses."""
        return None

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys that work here, and make sense now."""
        return list(
            actions.footer(self.SCOPE, self.session, ascii_only=self.console.look.ascii, shows=self.shows)
        )

    def refresh_keys(self) -> None:
        """Draw the key bar anew; it is not repainted when it looks as before."""
        self.query_one("#keys", KeyBar).set_items(self.key_items())

    def row(self) -> RunRow | None:
        """Return the run that an action here is about, if there is one."""
        return None

    def do_verb(self, verb_id: str) -> None:
        """Carry out a verb of the screen's kind; for subclasses."""
        raise NotImplementedError

    def on_row(self) -> Any:
        """Return the record that a verb here is about, None without one; for subclasses."""
        return None

    def why_not(self, action: actions.Action) -> str | None:
        """Return why an action is not offered now, None when it is."""
        return actions.offered(action, self.session, self.row())

    def on_mount(self) -> None:
        """Begin to tick. Textual calls this beside a subclass's own `on_mount`, so that never calls it."""
        self.refresh_chrome()
        self._hold()
        self._ticker = self.set_interval(TICK, self.tick)

    def on_screen_resume(self) -> None:
        """Show at once what changed while another screen was on top, and what is read from now on again."""
        self._hold()
        self.tick()

    def on_screen_suspend(self) -> None:
        """Read nothing that nobody looks at (design decision 3); beneath a question it is still looked at."""
        if not isinstance(self.app.screen, ModalScreen):
            self._let_go()

    def feeds(self) -> Sequence[Feed]:
        """Return what is kept fresh while the screen is looked at; for subclasses."""
        return ()

    def _hold(self) -> None:
        if not self._wants and not self._left:
            self._wants = [self.session.scheduler.want(feed) for feed in self.feeds()]

    def _let_go(self) -> None:
        for want in self._wants:
            want.drop()
        self._wants = []

    def do_view_refresh(self) -> None:
        """Read everything on the screen again now, also what was open before and refuses the credential."""
        self.session.doubt()
        for want in self._wants:
            want.refresh()

    def tick(self) -> None:
        """Bring what depends on the time up to date, if anybody can see it."""
        if self.is_current and self.whole:
            self.refresh_chrome()
            self.on_tick()

    def on_tick(self) -> None:
        """Update the body's ages; for subclasses."""

    def refresh_chrome(self) -> None:
        """Draw header, title and keys anew; lines that look as before are not repainted."""
        self.query_one("#header", HeaderLine).set_segments(self._header())
        self.query_one("#title", SegmentLine).set_segments(self.title_segments())
        self.refresh_keys()

    def changed_soon(self) -> None:
        """Ask for one flush of whatever has changed; a burst causes one."""
        if self._flush_timer is None and self.whole:
            self._flush_timer = self.set_timer(FLUSH, self._flush)

    def _flush(self) -> None:
        self._flush_timer = None
        if self.whole:
            self.flush()

    @property
    def whole(self) -> bool:
        """Whether the screen has all its parts: what arrives while it closes finds some of them gone."""
        return (
            self.is_attached
            and not (self._left or self._pruning)
            and bool(self.query("#keys"))
            and bool(self.query("#header"))
        )

    def listen(self, signal: Signal[P], listener: Callable[P, object]) -> None:
        """Hear a signal for as long as the screen exists."""
        self._forget.append(signal.subscribe(listener))

    def leave(self) -> None:
        """Stop reading, hearing and drawing: the screen is about to go."""
        self._left = True
        self._let_go()
        for forget in self._forget:
            forget()
        self._forget.clear()

    def on_unmount(self) -> None:
        """Stop hearing what would be drawn."""
        self.leave()

    def flush(self) -> None:
        """Draw what has changed; for subclasses."""

    async def action_act(self, action_id: str) -> None:
        """Run an action of the registry, by this screen if it has a method for it, else by the console.

        What this context never allows is not shown (design decision 10), and its key says so as well.
        """
        if not self.is_mounted:
            # The key came before the screen was drawn, so the operator has not seen the rows that it would act on.
            # The keys typed after it are dropped as well, such as the text typed after the filter key.
            self.console.keys.drop_waiting()
            return
        action = actions.BY_ID[action_id]
        why_not = self.why_not(action)
        if why_not is not None:
            self.notify(why_not, severity="warning", markup=False)
            return
        if action.verb is not None:
            self.do_verb(action.verb)
            return
        if action.id.startswith("go.") and action.id != "go.back":
            await self.console.navigation.go(action.id.removeprefix("go."))
            return
        own = getattr(self, action.method, None)
        done = self.console.actions[action.id]() if own is None else own()
        if isawaitable(done):
            await done

    @on(TabLine.Picked)
    def _tab_picked(self, event: TabLine.Picked) -> None:
        # Not awaited here: a screen that waits for its own end to be handled waits for ever.
        self.console.tasks.run(self.action_act(f"go.{event.name}"))
