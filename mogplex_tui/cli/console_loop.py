"""Shows consoles one after the other in one process: one for each chosen context."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mogplex_tui.cli.command_context import CommandError, forget_credentials, say, state_name, target_of
from mogplex_tui.config import contexts
from mogplex_tui.config.console_settings import THIS_CONSOLE
from mogplex_tui.config.contexts import ContextError, UnstoredContext
from mogplex_tui.config.paths import state_dir
from mogplex_tui.config.settings import (
    Settings,
    SettingsError,
    Sourced,
    load,
    load_other,
    same_service,
)

if TYPE_CHECKING:
    from mogplex_tui.api.target import Target
    from mogplex_tui.app import ConsoleApp, PlaneLike
    from mogplex_tui.live.session import Session


@dataclass(frozen=True)
class Start:
    """The settings, target and directory that a console starts with.

    If `target` is None, `plane` or `find_target` finds the target after the first frame.
    """

    settings: Settings
    context: str
    directory: Path | None = None
    target: Target | None = None
    plane: PlaneLike | None = None
    find_target: Callable[[], Awaitable[Target | None]] | None = None
    team_name: str = ""
    # Whether the team was chosen in the console before, and is to be stored in the context.
    has_new_team: bool = False
    # A sentence to show after the first frame.
    notice: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether the address and the credentials are those of a stored context."""
        credentials = (self.settings.token, self.settings.session_cookie)
        own_origin = f"context {self.settings.context} "
        given = any(each.value and not each.origin.startswith(own_origin) for each in credentials)
        return self.settings.credential_store is not None and not given

    def app(self, opener: Opener) -> ConsoleApp:
        """Return a new console for this start."""
        from mogplex_tui.app import ConsoleApp

        if self.target is not None:
            forget_credentials()
        app = ConsoleApp(
            self.settings,
            target=self.target,
            plane=self.plane,
            find_target=self.find_target,
            directory=self.directory,
            context=self.context,
            opener=opener,
            team_name=self.team_name,
        )
        if self.notice:
            app.after_first_frame.append(partial(app.notify, self.notice, timeout=8, markup=False))
        app.session.service = self.settings.base_url.value or app.session.service
        return app


class Opener:
    """Finds the `Start` of a console for each context.

    Options and environment variables that name the service or the credentials apply only to the
    console that the program starts with. They are not used for any other context.
    """

    def __init__(self, home: Start, arguments: Mapping[str, object]) -> None:
        self._home, self._arguments = home, arguments

    @property
    def unstored(self) -> UnstoredContext | None:
        """The context that the program was started with, or None if it is a stored one."""
        home = self._home
        if home.is_stored:
            return None
        address = home.settings.base_url.value
        return UnstoredContext(home.context, address or "embedded control plane")

    def open(self, name: str) -> Start:
        """Return the `Start` of a console for a context.

        Raises ContextError if there is no such context, or no credential for it can be read.
        """
        if name == self._home.context and not self._home.is_stored:
            return self._home
        try:
            settings = load_other(name, self._arguments)
            target = target_of(settings)
        except (SettingsError, CommandError) as error:
            raise ContextError(str(error)) from None
        context = state_name(settings)
        return Start(settings, context, state_dir(context), target)

    def open_team(self, session: Session, team: str | None, name: str) -> Start:
        """Return the `Start` of a console for the session's context and another team.

        `name` is the name of the team. Raises ContextError as `open` does.
        """
        home = self._home
        if session.target.name == home.context and not home.is_stored:
            start = home
        else:
            start = self.open(session.target.name)
        settings = start.settings._replace(team=Sourced(team, THIS_CONSOLE))
        target = None if start.target is None else replace(start.target, team=team)
        return replace(
            start, settings=settings, target=target, team_name=name if team else "", has_new_team=True
        )

    def store_team(self, start: Start) -> Start:
        """Store the team of a start in its context if it was chosen in the console before.

        Returns the start with the team's new origin and a notice about it. Without a stored context,
        the team is kept until the program ends.
        """
        if not start.has_new_team:
            return start
        name, team, origin = start.context, start.settings.team.value, THIS_CONSOLE
        notice = f"Acting for {start.team_name or 'the personal account'}"
        try:
            if self._is_stored(start.settings):
                contexts.change(lambda known: known.put(replace(known.get(name), team=team)))
                origin = f"context {name}"
                notice = f"{notice}. Saved in the context {name}, which commands use, too."
                notice += self._precedence(name, team)
            else:
                notice += " until the console ends."
        except ContextError as error:
            notice += f" until the console ends. {error}"
        settings = start.settings._replace(team=Sourced(team, origin))
        start = replace(start, settings=settings, has_new_team=False)
        if name == self._home.context:
            self._home = start
        return replace(start, notice=notice)

    def _is_stored(self, settings: Settings) -> bool:
        context = contexts.read().by_name.get(settings.context)
        return context is not None and same_service(context.base_url, settings.base_url.value or "")

    def _precedence(self, name: str, team: str | None) -> str:
        """Return a sentence if another team applies at the next start, else ""."""
        try:
            following = load({**self._arguments, "context": name}, credentials=False).team
        except SettingsError:
            return ""
        return "" if following.value == team else f" {following.origin} has precedence at the next start."


def show(start: Start, arguments: Mapping[str, object], *, log: Callable[[], None] = lambda: None) -> int:
    """Show consoles until one is quit, and return its exit code.

    `log` starts logging; it is called after the first frame.
    """
    opener = Opener(start, arguments)
    unsent: list[str] = []
    while True:
        app = start.app(opener)
        app.after_first_frame.append(log)
        code = app.run() or app.return_code or 0
        unsent += app.unsent
        following = app.next_start
        if not isinstance(following, Start):
            report_unsent(unsent)
            return code
        # A theme that was chosen in one context is the operator's in all of them.
        settings = app.console_settings.with_appearance_of(following.settings)
        start = replace(following, settings=settings)
        # The garbage of the old console is not kept with the memory that the new one never frees.
        del app, following
        gc.unfreeze()
        gc.collect()


def report_unsent(changes: list[str]) -> None:
    """Report changes that were not sent because the console was closed.

    A rate limit was still delaying them.
    """
    for change in changes:
        say(f"The {change} was not sent: the console was closed while it waited for the rate limit.")
