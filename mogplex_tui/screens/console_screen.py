"""The base class of screens: header, tabs, title line, body and key bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from inspect import isawaitable
from typing import Any, ClassVar, ParamSpec

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widget import Widget

from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.scheduler import Feed, Subscription
from mogplex_tui.live.session import Session
from mogplex_tui.live.signals import Signal
from mogplex_tui.operate import action_registry
from mogplex_tui.operate.recent_places import RecentPlace
from mogplex_tui.screens.console import Console, console_of
from mogplex_tui.screens.header_line import FINDINGS, header_segments
from mogplex_tui.screens.queued_changes import BACK, GIVE_UP, is_on_row
from mogplex_tui.widgets.key_bar import KeyBar
from mogplex_tui.widgets.rule import RuleLine
from mogplex_tui.widgets.segment_line import HeaderLine, Segment, SegmentLine
from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.tab_line import Tab, TabLine

P = ParamSpec("P")

# Short tab titles for narrow terminals.
SHORT = {
    "Projects": "Proj",
    "Assignments": "Asgn",
    "Sandboxes": "Sbx",
    "Observability": "Obs",
    "Settings": "Set",
}
# The name of the tab that opens the palette.
_MORE = "more"
# Seconds between updates of ages and durations.
TICK = 1.0
# Seconds between flushes: changes that arrive in a burst are drawn together.
FLUSH = 0.05


def bindings(scope: str) -> Iterable[Binding]:
    """Return the key bindings of one screen, made from the action registry.

    The keys are the registry's defaults; Textual then applies the user's changes to them.
    """
    return [
        Binding(
            ",".join(action.defaults),
            f"act('{action.id}')",
            action.title,
            show=False,
            id=action.id,
            priority=action.priority,
        )
        for action in action_registry.in_scope(scope)
        if action.defaults
    ]


AnyScreen = Screen[Any]
"""A screen with a result of any type, as Textual's app stores its screens."""


class ConsoleScreen(Screen[None]):
    """Base class of the console's screens, with header, tabs, title line and key bar.

    A subclass yields its body from `compose_body`, draws changes in `flush`, and adds the
    functions of its actions to `handlers`. Every screen derives directly from this class; code
    that several screens share is put into objects that the screens own, not into subclasses.
    """

    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, scope: str, tab: str) -> None:
        """Create a screen.

        `scope` is the screen's name in the action registry; `tab` is the name of the tab to show as
        active.
        """
        super().__init__()
        self.scope, self.tab = scope, tab
        # An instance's bindings are a copy of its class's. The registry's bindings replace Textual's.
        self._bindings.key_to_bindings.update(BindingsMap(bindings(scope)).key_to_bindings)
        # The screen's own actions by id. `Console.actions` has those that all screens share.
        self.handlers: dict[str, Callable[[], object]] = {"view.refresh": self.refresh_data}
        # Functions that end the screen's subscriptions.
        self.unsubscribe: list[Callable[[], None]] = []
        self._ticker: Timer | None = None
        self._flush_timer: Timer | None = None
        # Header and key bar, once they exist.
        self._frame: list[Widget] = []
        self._subscriptions: list[Subscription] = []
        self._left = False
        # A new screen is styled when it is mounted; without this Textual would parse all styles before that as well.
        self._css_update_count = self.app._css_update_count

    @property
    def console(self) -> Console:
        """The session and the services that the screens share."""
        return console_of(self)

    @property
    def session(self) -> Session:
        """Return the session of the current context."""
        return self.console.session

    def compose(self) -> ComposeResult:
        """Yield the header, the tabs, the title, the body and the key bar."""
        yield HeaderLine(self._header(), id="header")
        if self.console.look.tab_line:
            yield TabLine(
                [*action_registry.tabs(), self._more_tab()], active=self.tab, shorts=SHORT, id="tabs"
            )
        yield SegmentLine([], id="title")
        yield RuleLine()
        yield from self.compose_body()
        yield KeyBar([], lasting=action_registry.permanent_keys(), id="keys")

    def _more_tab(self) -> Tab:
        """Return the tab that opens the palette, which lists all kinds."""
        key = action_registry.key_of("app.palette", ascii_only=self.console.look.ascii)
        return key, "more", _MORE

    def _header(self) -> list[Segment]:
        console = self.console
        return header_segments(
            self.session, console.look, console.collections.pending_approvals, console.health.findings()
        )

    def compose_body(self) -> Iterator[Widget]:
        """Yield the widgets between the line under the title and the key bar."""
        yield from ()

    async def prepare(self) -> None:
        """Create widgets that are not part of the first frame.

        Called once, after the first frame has been drawn.
        """

    def title_segments(self) -> list[Segment]:
        """Return the segments of the title line."""
        return []

    def step_name(self) -> str:
        """Return this screen's name as shown in the path of a screen opened on top of it."""
        return ""

    def is_at(self, _: RecentPlace) -> bool:
        """Return whether this screen shows a recent place."""
        return False

    def path(self) -> list[str]:
        """Return the names of the screens below this one, from the bottom up."""
        steps: list[str] = []
        for screen in self.app.screen_stack:
            if screen is self:
                break
            if isinstance(screen, ConsoleScreen):
                steps.append(screen.step_name())
        return [step for step in steps if step]

    def crumbs(self) -> list[Segment]:
        """Return the path to this screen as segments of the title line.

        In a narrow terminal the outermost screens are left out first.
        """
        path = self.path()
        return [
            Segment(f"{step} ▸", Tone.DIM, priority=3 + len(path) - number, close=bool(number))
            for number, step in enumerate(path)
        ]

    def unused_actions(self) -> frozenset[str]:
        """Return the ids of actions that never apply to this screen."""
        return frozenset()

    def shows(self, action: action_registry.KeyAction) -> bool:
        """Return whether the key bar and the palette offer an action now."""
        if action.id == GIVE_UP and not self.session.in_flight.queue:
            return False
        if action.id == FINDINGS and not self.console.health.findings():
            return False
        return action.id not in self.unused_actions() and self.why_not(action) is None

    def title_of(self, action: action_registry.KeyAction) -> str:
        """Return the title of an action in the key bar."""
        return action.title

    def argument_runner(self, action: action_registry.KeyAction) -> Callable[[str], object] | None:
        """Return a function that runs an action with text typed in the palette.

        The text is what the user typed after the action's name. None if the action takes no text.
        """
        return self.console.navigation.open_costs if action.id == "view.costs" else None

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys to show in the key bar, with their titles.

        While a change of the current record waits for a rate limit, the key of the action that made
        the change has the title "give up", because the key then discards the waiting change.
        """
        is_ascii, record = self.console.look.ascii, self.record_key()
        queue = [change for change in self.session.in_flight.queue if change.record == record]
        waiting = {
            action_registry.key_of(change.action, ascii_only=is_ascii)
            for change in queue
            if is_on_row(change)
        }
        items = action_registry.footer(
            self.scope, self.session, ascii_only=is_ascii, shows=self.shows, title_of=self.title_of
        )
        newest = self.console.changes.newest
        back = "" if newest is None else action_registry.key_of(BACK, ascii_only=is_ascii)
        return [
            (
                key,
                f"give up {newest.label}"
                if newest and key == back
                else "give up"
                if key in waiting
                else title,
            )
            for key, title in items
        ]

    def refresh_keys(self) -> None:
        """Update the key bar; it is repainted only if it has changed."""
        self.query_one("#keys", KeyBar).set_items(self.key_items())

    def record_key(self) -> str | None:
        """Return the key of the record that actions apply to, or None if there is none."""
        row = self.run_row()
        return None if row is None else row.key

    def run_row(self) -> RunRow | None:
        """Return the run that actions apply to, or None if there is none."""
        return None

    def why_not(self, action: action_registry.KeyAction) -> str | None:
        """Return why an action cannot be used now, or None if it can be used."""
        row = self.run_row()
        return action_registry.disabled_reason(action, self.session, None if row is None else [row])

    def on_mount(self) -> None:
        """Start reading the screen's feeds, and updating the ages every second.

        Textual calls this after a subclass's own `on_mount`.
        """
        self.refresh_chrome()
        self.hold_feeds()
        self._ticker = self.set_interval(TICK, self.tick)

    def on_screen_resume(self) -> None:
        """Start reading the feeds and draw the changes made while the screen was hidden."""
        self.hold_feeds()
        self.tick()

    def on_screen_suspend(self) -> None:
        """Stop reading the feeds, unless only a dialog covers the screen.

        A screen under a dialog is still visible.
        """
        if not isinstance(self.app.screen, ModalScreen):
            self.release_feeds()

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds to read while the screen is visible."""
        return ()

    def hold_feeds(self) -> None:
        """Start reading the screen's feeds, unless they are already being read."""
        if not self._subscriptions and not self._left:
            self._subscriptions = [self.session.scheduler.subscribe(feed) for feed in self.feeds()]

    @property
    def is_reading(self) -> bool:
        """Return whether the screen's feeds are being read."""
        return bool(self._subscriptions)

    def release_feeds(self) -> None:
        """Stop reading the screen's feeds."""
        for subscription in self._subscriptions:
            subscription.drop()
        self._subscriptions = []

    def refresh_data(self) -> None:
        """Read all of the screen's feeds now.

        This includes feeds that have stopped because their route refused the credential.
        """
        self.session.retry_lost_access()
        for subscription in self._subscriptions:
            subscription.refresh()

    def tick(self) -> None:
        """Update the header, the ages and the durations if the screen is visible.

        Called every second.
        """
        if self.is_current and self.is_complete:
            self.refresh_chrome()
            self.on_tick()

    def on_tick(self) -> None:
        """Update the ages and durations in the screen's body."""

    def refresh_chrome(self) -> None:
        """Update header, title and key bar; unchanged lines are not repainted."""
        self.query_one("#header", HeaderLine).set_segments(self._header())
        self.query_one("#title", SegmentLine).set_segments(self.title_segments())
        self.refresh_keys()

    def changed_soon(self) -> None:
        """Schedule a call of `flush`, which draws all changes made until then together."""
        if self._flush_timer is None and self.is_complete:
            self._flush_timer = self.set_timer(FLUSH, self._flush)

    def _flush(self) -> None:
        self._flush_timer = None
        if self.is_complete:
            self.flush()

    @property
    def is_complete(self) -> bool:
        """Return whether all widgets of the screen are mounted."""
        if not self.is_attached or self._left or self._pruning:
            return False
        if len(self._frame) < 2:
            # Every change asks for this, and a query looks at every widget.
            self._frame = [*self.query("#header"), *self.query("#keys")]
        return len(self._frame) == 2 and all(widget.is_attached for widget in self._frame)

    def listen(self, signal: Signal[P], listener: Callable[P, object]) -> None:
        """Subscribe to a signal for as long as the screen exists."""
        self.unsubscribe.append(signal.subscribe(listener))

    def leave(self) -> None:
        """Stop reading feeds, receiving signals and drawing, before the screen is removed."""
        self._left = True
        self.release_feeds()
        for unsubscribe in self.unsubscribe:
            unsubscribe()
        self.unsubscribe.clear()

    def on_unmount(self) -> None:
        """End all subscriptions."""
        self.leave()

    def flush(self) -> None:
        """Draw the changes since the last call; a subclass overrides this."""

    async def action_act(self, action_id: str) -> None:
        """Run an action of the registry, or notify the user why it cannot be used.

        An action that this context never allows is not offered, but its key still works and shows
        the reason.
        """
        if not self.is_mounted:
            # The key came before the screen was drawn, so the operator has not seen the rows that it would change.
            # The keys typed after it are dropped as well, such as the text after the filter key.
            self.console.keys.drop_waiting()
            return
        action = action_registry.BY_ID[action_id]
        why_not = self.why_not(action)
        if why_not is not None:
            self.notify(why_not, severity="warning", markup=False)
            return
        if action.id.startswith("go.") and action.id != "go.back":
            await self.console.navigation.go(action.id.removeprefix("go."))
            return
        handler = self.handlers.get(action.id) or self.console.actions[action.id]
        result = handler()
        if isawaitable(result):
            await result

    @on(TabLine.Picked)
    def _tab_picked(self, event: TabLine.Picked) -> None:
        # Not awaited: a screen that waits for its own removal would wait for ever.
        name = "app.palette" if event.name == _MORE else f"go.{event.name}"
        self.console.tasks.run(self.action_act(name))

    @on(SegmentLine.Clicked)
    def _segment_clicked(self, event: SegmentLine.Clicked) -> None:
        self.console.tasks.run(self.action_act(event.action))
