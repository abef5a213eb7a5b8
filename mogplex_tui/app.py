"""The app: compose, modes and wiring. It fetches nothing; sessions, screens and operations do the work."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from mogplex_tui import themes
from mogplex_tui.api.clock import Clock
from mogplex_tui.api.target import Target
from mogplex_tui.config.settings import Settings
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate import actions
from mogplex_tui.screens.base import ConsoleScreen
from mogplex_tui.screens.chrome import Look
from mogplex_tui.screens.places import OWN, ConsolePlaces
from mogplex_tui.screens.runs import RunsScreen
from mogplex_tui.widgets.letters import Letters
from mogplex_tui.widgets.option_lists import page_only_what_is_drawn
from mogplex_tui.widgets.shared_caches import share_backgrounds
from mogplex_tui.widgets.terminal_input import tolerate_malformed_input

if TYPE_CHECKING:
    from textual.driver import Driver

    from mogplex_tui.screens.palette import Entry

log = logging.getLogger("mogplex.app")


def _observability() -> Screen[None]:
    # Nobody sees it in the first frame, so its import waits for the first visit.
    from mogplex_tui.screens.observability import ObservabilityScreen

    return ObservabilityScreen()


class PlaneLike(Protocol):
    """An embedded plane that says where it answers once it does."""

    async def wait_ready(self) -> Any:
        """Return `base_url`, `token` and `session_cookie`."""

    async def keep_alive(self) -> None:
        """Start the plane again whenever it ends."""


class ConsoleApp(ConsolePlaces):
    """The operator console of one context."""

    TITLE = "mogplex"
    # The palette is one of its own, opened by its keys in the registry.
    ENABLE_COMMAND_PALETTE = False
    # Not in MODES before the app is mounted: the screen would be drawn while nothing may be written, and then again.
    DEFAULT_MODE = "runs"
    MODES = {"observability": _observability}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave", "quit", show=False, priority=True)]
    CSS = """
    Toast { max-width: 76; }
    CommandPalette SearchIcon { display: none; }
    """

    def __init__(
        self,
        settings: Settings,
        *,
        target: Target | None = None,
        plane: PlaneLike | None = None,
        look: Callable[[], Awaitable[Target | None]]
        | None = None,  # after the first frame; None ends the console
        directory: Path | None = None,
        context: str = "default",
        clock: Clock | None = None,
    ) -> None:
        # Lines are filtered from the first moment on, so it is there before the app is.
        self._letters = Letters() if settings.ascii.value else None
        super().__init__()
        share_backgrounds()
        page_only_what_is_drawn()
        self.settings = settings
        self.look = Look(
            context,
            ascii=settings.ascii.value,
            reduced_motion=settings.reduced_motion.value,
            tab_line=settings.tab_line.value,
            colour=settings.colour.value,
            protected=settings.protected.value,
        )
        self._take_keys(settings)
        self.session = Session(target, directory=directory, clock=clock, read_only=settings.read_only.value)
        self.runs = Runs(self.session)
        self._plane, self.embedded, self._look_up = plane, plane is not None, look
        # What a command wants done once the first frame is out.
        self.after_first_frame: list[Callable[[], None]] = []
        self.animation_level = "none"
        self.scroll_sensitivity_y = 3.0
        themes.register(self)
        wanted = "mogplex-light" if settings.theme.value == "light" else "mogplex-dark"
        # Nothing is styled yet. Told aloud, it would style the first screen in Textual's own colours and then anew.
        self.set_reactive(ConsoleApp.theme, themes.allowed(wanted, os.environ))
        self.add_class(f"-theme-{self.theme}", update=False)
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver for this terminal, made to read whatever that sends."""
        tolerate_malformed_input()
        return super().get_driver_class()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line passes before it is written; in ASCII that leaves no glyph in it."""
        filters = super().get_line_filters()
        return [*filters, self._letters] if self._letters is not None else filters

    def get_default_screen(self) -> Screen[None]:
        """Return the screen of the first mode."""
        return RunsScreen()

    def _take_keys(self, settings: Settings) -> None:
        """Let actions have the keys of the operator's choice, before any screen is made; say later what cannot be."""
        self._refused: list[str] = []
        chosen: Mapping[str, tuple[str, ...]] = {}
        if settings.keys.value:
            from mogplex_tui.operate.keymap import settle

            chosen, refused = settle(settings.keys.value, settings.keys.origin)
            self._refused = list(refused.values())
        actions.remap(chosen)
        self.set_keymap({id: ",".join(keys) for id, keys in chosen.items()})

    def _say_refused(self) -> None:
        """Say which of the operator's keys was not taken and why; of several, what tells of the rest."""
        if not self._refused:
            return
        sentence, *more = self._refused
        if more:
            others = "One more was" if len(more) == 1 else f"{len(more)} more were"
            sentence += f" {others} not taken: mogplex-tui info tells why."
        self.notify(sentence, title="Keys", severity="warning", timeout=20, markup=False)

    def _say_file_trouble(self, sentence: str) -> None:
        self.notify(sentence, title="Files", severity="warning", timeout=20, markup=False)

    # Start and end ---------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Paint what was last known; reading begins after the first frame."""
        directory = self.session.directory
        if directory is not None:
            from mogplex_tui.live import picture

            picture.load(
                directory,
                self.runs.set,
                self.session.clock.now(),
                self.session.clock.monotonic(),
                self.session.file_troubles,
            )
            self.runs.join_kept()
        self._end_on_signals()
        self.add_mode(self.DEFAULT_MODE, RunsScreen)
        self.call_after_refresh(self._begin)

    def _end_on_signals(self) -> None:
        """A closed terminal or a polite kill ends the console as q does: the terminal restored, the plane stopped."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP):
            # Only the main thread of a process may do this; a test's app may run elsewhere.
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(name, self.exit, 0)

    def _begin(self) -> None:
        self.run_job(self._after_first_frame())

    async def _after_first_frame(self) -> None:
        gc.freeze()
        gc.enable()
        for ready in self.after_first_frame:
            ready()
        self._say_refused()
        self.session.file_troubles.subscribe(self._say_file_trouble)
        if isinstance(self.screen, ConsoleScreen):
            await self.screen.prepare()
        await self._connect()

    async def _connect(self) -> None:
        """Learn where the service is, if that is not known yet, and begin to read."""
        if self._plane is not None:
            try:
                ready = await self._plane.wait_ready()
            except Exception as error:
                from rich.text import Text

                # There is nothing that could be shown, and what is said stays where one can read it.
                self.exit(1, message=Text(str(error)))
                return
            limit = self.settings.max_answer_mb.value * 1024 * 1024
            self.session.attach(
                Target(self.look.context, ready.base_url, ready.token, ready.session_cookie, max_answer=limit)
            )
            self.run_job(self._plane.keep_alive())
        elif self._look_up is not None:
            target = await self._look_up()
            if target is None:
                self.exit(0)
                return
            self.session.attach(target)
        self.session.start()
        self.watch_questions()
        if not self.session.read_only and self.session.target.token is not None:
            self.run_job(self._learn_scope())

    async def _learn_scope(self) -> None:
        """Read the token's scope, so that refused actions are not offered (decision 10)."""
        await self.session.learn_scope()

    async def on_unmount(self) -> None:
        """Keep the last picture and close every connection."""
        from mogplex_tui.live import picture

        if self.session.directory is not None and self.runs.set.rows:
            # Rows without a time are of the first read, which this end breaks off.
            seen = self.runs.set.freshness.as_of_wall or self.session.clock.now()
            picture.save(self.session.directory, self.runs.to_keep, seen)
        for task in list(self._jobs):
            task.cancel()
        await self.session.stop()

    def _fatal_error(self) -> None:
        """End with one sentence.

        Textual would print the traceback with the values of local variables, which may be secrets.
        """
        from rich.text import Text

        from mogplex_tui.config.log import report_crash
        from mogplex_tui.live import redact

        error = self._exception
        if error is not None:
            self.panic(Text(report_crash(error, redact.text)))

    # Actions that work everywhere ------------------------------------------------------------------------------

    def do_app_palette(self) -> None:
        """Open the command palette."""
        from mogplex_tui.screens.palette import Palette

        if isinstance(self.screen, ConsoleScreen):
            self.push_screen(Palette(self.screen))

    def do_app_help(self) -> None:
        """Show every key that works on this screen."""
        from mogplex_tui.screens.modals.help import HelpModal

        if isinstance(self.screen, ConsoleScreen):
            read_only = actions.why_read_only(self.session)
            never = self.screen.never()
            self.push_screen(
                HelpModal(
                    self.screen.SCOPE,
                    read_only=read_only,
                    ascii_only=self.look.ascii,
                    never=never,
                    closed=actions.closed_in(self.screen.SCOPE, self.session),
                )
            )

    def do_app_theme(self) -> None:
        """Switch between the dark and the light theme."""
        wanted = "mogplex-dark" if self.theme == "mogplex-light" else "mogplex-light"
        self.theme = themes.allowed(wanted, os.environ)

    def do_app_suspend(self) -> None:
        """Give the terminal back to the shell until that goes on with this job."""
        from mogplex_tui.screens.suspending import suspend

        suspend(self)

    def do_app_quit(self) -> None:
        """Leave the console."""
        self.exit(0)

    def action_leave(self) -> None:
        """Leave the console, from a dialog or a text field too."""
        self.exit(0)

    def action_help_quit(self) -> None:
        """Say how one leaves, to who presses ctrl+c with nothing selected."""
        leave = actions.key_of("app.quit", ascii_only=self.look.ascii)
        self.notify(f"{leave} leaves the console, ctrl+q from anywhere.", timeout=5, markup=False)

    def palette_entries(self, screen: Screen[Any]) -> Iterable[Entry]:
        """Offer the actions of the screen below in the palette; those that make no sense now are left out."""
        from mogplex_tui.screens.palette import Entry

        if not isinstance(screen, ConsoleScreen):
            return
        for action in actions.in_scope(screen.SCOPE):
            name = action.id.removeprefix("go.")
            is_place = name != action.id and name != "back"
            # The lists are offered by their names and aliases below.
            is_list = is_place and name not in OWN
            if action.id != "app.palette" and not is_list and screen.shows(action):
                key = actions.key_of(action.id, ascii_only=self.look.ascii)
                run = partial(screen.action_act, action.id)
                more = partial(self.go_narrowed, name) if name == "runs" else screen.more_of(action)
                joint = "/" if is_place else "by"
                yield Entry((action.title,), action.says, run, is_place, key, more, joint)
        yield from self.places()
