"""The Textual app of the console: its start and end, and what its screens share."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from mogplex_tui import themes
from mogplex_tui.api.clock import Clock
from mogplex_tui.api.target import Target
from mogplex_tui.config.console_settings import ConsoleSettings
from mogplex_tui.config.settings import Settings
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate import action_registry
from mogplex_tui.screens.console import Console
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.context_switch import ConsoleStart, ContextOpener
from mogplex_tui.screens.header_line import Look
from mogplex_tui.screens.key_queue import KeyHandled, KeyQueue
from mogplex_tui.widgets.ascii_filter import Letters
from mogplex_tui.widgets.background_cache_patch import share_backgrounds
from mogplex_tui.widgets.option_list_patch import page_only_what_is_drawn
from mogplex_tui.widgets.terminal_input_patch import tolerate_malformed_input
from mogplex_tui.widgets.text import visible_lines

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.events import Event
    from textual.notifications import SeverityLevel

log = logging.getLogger("mogplex.app")


def _observability() -> Screen[None]:
    # Imported when it is first shown, to keep it out of the first frame.
    from mogplex_tui.screens.observability import ObservabilityScreen

    return ObservabilityScreen()


def _theme_name(settings: Settings) -> str:
    return "mogplex-light" if settings.theme.value == "light" else "mogplex-dark"


class PlaneLike(Protocol):
    """Interface of an embedded control plane that runs in a process of its own."""

    async def wait_ready(self) -> Any:
        """Wait until the control plane answers requests, and return how to reach it.

        The result has the attributes `base_url`, `token` and `session_cookie`.
        """

    async def keep_alive(self) -> None:
        """Restart the control plane whenever it ends."""


class ConsoleApp(App[int]):
    """The operator console of one context.

    Its screens use the session and the other shared objects through the attribute `parts`.
    """

    TITLE = "mogplex"
    # The console has its own command palette, which the action registry's keys open.
    ENABLE_COMMAND_PALETTE = False
    # Added to MODES only when the app is mounted. If it were there earlier, the screen would be drawn twice: once
    # before anything can be written, and again later.
    DEFAULT_MODE = "runs"
    MODES = {"observability": _observability}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave", "quit", show=False, priority=True)]
    CSS = """
    Toast { max-width: 76; }
    CommandPalette #--input { border: none; padding: 1; }
    CommandPalette SearchIcon { color: $primary; margin: 0; }
    CommandPalette CommandInput, CommandPalette CommandInput:focus {
        border: none; height: 1; background: $block-cursor-background;
    }
    CommandPalette CommandList { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(
        self,
        settings: Settings,
        *,
        target: Target | None = None,
        plane: PlaneLike | None = None,
        find_target: Callable[[], Awaitable[Target | None]]
        | None = None,  # after the first frame; None ends the console
        directory: Path | None = None,
        context: str = "default",
        opener: ContextOpener | None = None,
        team_name: str = "",
        clock: Clock | None = None,
    ) -> None:
        # Line filters are used as soon as the app exists, so this one is created before the app.
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
            team=team_name or (settings.team.value or "")[:8],
        )
        self._apply_key_overrides(settings)
        self.session = Session(target, directory=directory, clock=clock, read_only=settings.read_only.value)
        self.runs = Runs(self.session)
        self._key_queue = KeyQueue(self, self._deliver)
        self.parts = Console(
            self,
            self.session,
            self.runs,
            self.look,
            self._key_queue,
            self._actions(),
            team=settings.team.value,
            embedded=plane is not None,
            opener=opener,
            leave_for=self._leave_for,
        )
        self.session.unstored_context = None if opener is None else opener.unstored
        self.console_settings = self.session.console_settings = ConsoleSettings(settings, team_name=team_name)
        self.console_settings.changed = self._settings_changed
        # The console to start after this one; None to end the program.
        self.next_start: ConsoleStart | None = None
        self._plane, self._find_target = plane, find_target
        # Callbacks that a command registers to run after the first frame.
        self.after_first_frame: list[Callable[[], None]] = []
        # Changes that were waiting for a rate limit when the console was left.
        self.unsent: list[str] = []
        self.animation_level = "none"
        self.scroll_sensitivity_y = 3.0
        themes.register(self)
        self._set_first_theme()

    def _set_first_theme(self) -> None:
        """Set the theme before anything is drawn."""
        theme_name = _theme_name(self.settings)
        # No widget is styled yet. Setting the theme with its watcher would style the first screen in Textual's default
        # colours, and then again.
        self.set_reactive(ConsoleApp.theme, themes.allowed(theme_name, os.environ))
        self.add_class(f"-theme-{self.theme}", update=False)
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver for this terminal, patched to tolerate malformed input."""
        tolerate_malformed_input()
        return super().get_driver_class()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters that every line passes through before it is written.

        In ASCII mode, one of them replaces glyphs with ASCII characters.
        """
        filters = super().get_line_filters()
        return [*filters, self._letters] if self._letters is not None else filters

    def get_default_screen(self) -> Screen[None]:
        """Return the app's first screen, the list of runs."""
        return self.parts.navigation.run_list()

    def _apply_key_overrides(self, settings: Settings) -> None:
        """Apply the keys from the config file before any screen is created.

        Keys that cannot be used are reported after the first frame.
        """
        self._rejected_keys: list[str] = []
        overrides: Mapping[str, tuple[str, ...]] = {}
        if settings.keys.value:
            from mogplex_tui.operate.key_overrides import validate_overrides

            overrides, rejected = validate_overrides(settings.keys.value, settings.keys.origin)
            self._rejected_keys = list(rejected.values())
        action_registry.set_key_overrides(overrides)
        self.set_keymap({id: ",".join(keys) for id, keys in overrides.items()})

    def _notify_rejected_keys(self) -> None:
        """Notify the user of the first key in the config file that cannot be used.

        The message also states the number of other such keys.
        """
        if not self._rejected_keys:
            return
        sentence, *other_keys = self._rejected_keys
        if other_keys:
            others = "1 other key was" if len(other_keys) == 1 else f"{len(other_keys)} other keys were"
            sentence += f" {others} not accepted; see mogplex-tui info."
        self.notify(sentence, title="Keys", severity="warning", timeout=20, markup=False)

    def _notify_file_problem(self, sentence: str) -> None:
        self.notify(sentence, title="Files", severity="warning", timeout=20, markup=False)

    # Keys, notifications and the clipboard ---------------------------------------------------------------------

    async def on_event(self, event: Event) -> None:
        """Queue keys and pastes; handle every other event at once."""
        if self._key_queue.accepts(event):
            await self._key_queue.put(event)
        else:
            await super().on_event(event)

    async def _deliver(self, event: Event) -> None:
        await super().on_event(event)

    @on(KeyHandled)
    async def _key_handled(self, marker: KeyHandled) -> None:
        await self._key_queue.marker_returned(marker)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notification, with control characters made visible.

        They are made visible because the text may come from the service.
        """
        super().notify(
            visible_lines(message),
            title=visible_lines(title),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text to the terminal's clipboard.

        Lone surrogates, which UTF-8 cannot encode, are replaced by `?`.
        """
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    # Start and end ---------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show the rows saved by the last session; start reading after the first frame."""
        self.screen_change_signal.subscribe(self, lambda _: self.parts.dialogs.show_next())
        directory = self.session.directory
        if directory is not None:
            from mogplex_tui.live import startup_cache

            startup_cache.load(
                directory,
                self.runs.set,
                self.session.clock.now(),
                self.session.clock.monotonic(),
                self.session.file_errors,
            )
            self.runs.join_cached()
        self._end_on_signals()
        self.add_mode(self.DEFAULT_MODE, self.parts.navigation.run_list)
        self.call_after_refresh(self._begin)

    def _end_on_signals(self) -> None:
        """Make SIGTERM and SIGHUP end the console as the quit key does.

        The terminal is then restored and the embedded control plane is stopped.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP):
            # Only the main thread of a process may do this; a test's app may run elsewhere.
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(name, self.exit, 0)

    def _begin(self) -> None:
        self.parts.tasks.run(self._after_first_frame())

    async def _after_first_frame(self) -> None:
        gc.freeze()
        gc.enable()
        for ready in self.after_first_frame:
            ready()
        self._notify_rejected_keys()
        self.session.file_errors.subscribe(self._notify_file_problem)
        self.parts.tasks.run(self.parts.recent.sync())
        if isinstance(self.screen, ConsoleScreen):
            await self.screen.prepare()
        await self._connect()

    async def _connect(self) -> None:
        """Determine the address of the service if it is not known yet, and start reading."""
        if self._plane is not None:
            try:
                ready = await self._plane.wait_ready()
            except Exception as error:
                from rich.text import Text

                # Without a plane there is nothing to show. The message is printed after the app has closed.
                self.exit(1, message=Text(str(error)))
                return
            limit = self.settings.max_answer_mb.value * 1024 * 1024
            self.session.attach(
                Target(
                    self.look.context,
                    ready.base_url,
                    ready.token,
                    ready.session_cookie,
                    team=self.settings.team.value,
                    max_answer=limit,
                )
            )
            self.parts.tasks.run(self._plane.keep_alive())
        elif self._find_target is not None:
            target = await self._find_target()
            if target is None:
                self.exit(0)
                return
            self.session.attach(target)
        self.session.start()
        self.parts.start_call_history()
        self.parts.collections.watch_approvals()
        self.parts.health.start(self.parts.collections.of_name("sandboxes"))
        if not self.session.read_only and self.session.target.token is not None:
            self.parts.tasks.run(self._learn_scope())

    async def _learn_scope(self) -> None:
        """Read the token's scope, so that actions it does not permit are not offered."""
        await self.session.learn_scope()

    async def on_unmount(self) -> None:
        """Save data for the next start and for shell completion; close all connections."""
        from mogplex_tui.live import startup_cache
        from mogplex_tui.operate.shell_completion_index import save_known_records

        if self.session.directory is not None and self.runs.set.rows:
            # Rows without a read time come from the first read, which is interrupted here.
            seen = self.runs.set.freshness.as_of_wall or self.session.clock.now()
            startup_cache.save(self.session.directory, self.runs.rows_to_cache, seen)
        save_known_records(self.session)
        self.unsent = [change.title for change in self.session.in_flight.queue]
        await self.parts.recent.sync()
        self.parts.tasks.cancel_all()
        await self.session.stop()

    def _fatal_error(self) -> None:
        """Log an internal error and exit with one sentence about it.

        Textual would print the traceback with the values of local variables, which may be secrets.
        """
        from rich.text import Text

        from mogplex_tui.config.log_file import report_crash
        from mogplex_tui.live import redact

        error = self._exception
        if error is not None:
            self.panic(Text(report_crash(error, redact.text)))

    # Actions that work everywhere ------------------------------------------------------------------------------

    def _actions(self) -> Mapping[str, Callable[[], object]]:
        return {
            "app.palette": self._open_palette,
            "app.help": self._show_help,
            "app.theme": self._switch_theme,
            "app.suspend": self._suspend,
            "app.quit": self.action_leave,
        }

    def _open_palette(self) -> None:
        from mogplex_tui.screens.command_palette import Palette

        if isinstance(self.screen, ConsoleScreen):
            self.push_screen(Palette(self.screen))

    def _show_help(self) -> None:
        """Show the help dialog with every key that works on the current screen."""
        from mogplex_tui.screens.modals.help import HelpModal

        if isinstance(self.screen, ConsoleScreen):
            read_only = action_registry.read_only_reason(self.session)
            never = self.screen.unused_actions()
            self.push_screen(
                HelpModal(
                    self.screen.scope,
                    read_only=read_only,
                    ascii_only=self.look.ascii,
                    never=never,
                    closed=action_registry.closed_reasons(self.screen.scope, self.session),
                    filters=self.parts.filters.of_kind(self.screen.scope),
                )
            )

    def _switch_theme(self) -> None:
        """Switch between the dark and the light theme."""
        word = "dark" if self.theme == "mogplex-light" else "light"
        self.console_settings.use("theme", word, is_saved=False)

    def _settings_changed(self, settings: Settings) -> None:
        """Apply changed settings of the console to every screen."""
        from mogplex_tui.screens import appearance

        self.theme = themes.allowed(_theme_name(settings), os.environ)
        look = self.look._replace(
            ascii=settings.ascii.value,
            reduced_motion=settings.reduced_motion.value,
            tab_line=settings.tab_line.value,
        )
        if look != self.look:
            self.look = self.parts.look = look
            self._letters = Letters() if look.ascii else None
            appearance.apply(self, look)

    def _suspend(self) -> None:
        """Suspend the console's process until the shell resumes it.

        An embedded control plane keeps running.
        """
        can_suspend = self._driver is not None and self._driver.can_suspend
        # The first process group of a session has no shell that could resume it.
        if not can_suspend or os.getpgrp() == os.getsid(0):
            self.notify("Cannot suspend: there is no shell to return to.", markup=False)
            return
        try:
            with self.suspend():
                # Stop the whole process group, as ctrl+z in a terminal does: a parent that waits for the console must
                # stop too.
                os.killpg(0, signal.SIGTSTP)
                if not os.isatty(0):
                    raise EOFError
        except EOFError:
            # The terminal was closed in the meantime. Textual would block for ever when writing to it.
            self.exit(0)

    def _leave_for(self, start: ConsoleStart) -> None:
        """End this console, after which the one of another context starts."""
        self.next_start = start
        self.exit(0)

    def action_leave(self) -> None:
        """End the console; this works in dialogs and text fields, too."""
        self.exit(0)

    def action_help_quit(self) -> None:
        """Notify the user which keys end the console.

        Textual calls this for ctrl+c when no text is selected.
        """
        leave = action_registry.key_of("app.quit", ascii_only=self.look.ascii)
        self.notify(f"{leave} quits the console; ctrl+q quits from anywhere.", timeout=5, markup=False)
