"""`mogplex-tui settings set`, and `settings get` without a setting's name.

Both are kept for compatibility with earlier versions (identity.md §3).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.cli.command_context import CommandError, say
from mogplex_tui.cli.command_session import with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.output import Column

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.errors import MogplexError
    from mogplex_tui.cli.command_session import CommandSession


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the verb `set`, a former name of `edit` that the help does not list."""
    parser = add("set", "")
    parser.description = "Change the given settings with one request and print all settings."
    parser.add_argument("--default-model", metavar="MODEL", help="a model that is enabled")
    # `--theme` before the command is the console's own theme.
    parser.add_argument(
        "--theme", dest="set_theme", choices=("dark", "light", "system"), help="theme of the web pages"
    )


async def run_verb(args: argparse.Namespace, command: CommandSession) -> int:
    """Print all settings and return the exit code.

    If the verb is `set`, the settings are changed first.
    """
    client, output = command.session.client.at(Priority.ACTION), command.output
    fields: dict[str, object] = {}
    if args.verb == "set":
        await _change(client, command, theme=args.set_theme, default_model=args.default_model)
        fields = {"id": None, "action": "set"}
    settings = (await with_retries(client.settings.get)).model_dump(mode="json")
    if output.form == "json":
        output.object("setting", {**fields, **settings})
    elif output.form == "csv":
        output.csv(settings)
        output.csv(settings.values())
    else:
        output.table([Column(""), Column("")], [*settings.items()], titles=False, whole=True)
    return Exit.OK


async def _change(
    client: ClientView, command: CommandSession, *, theme: str | None, default_model: str | None
) -> None:
    """Change the settings that are not None. Raises CommandError and MogplexError."""
    from mogplex_tui.operate.executor import ChangeRequest, run_change

    if theme is None and default_model is None:
        raise CommandError(Exit.USAGE, "Nothing to set: give --default-model MODEL or --theme THEME.")
    command.require_write_access("The set")
    await command.require_write_scope("The set")

    async def request() -> None:
        await client.settings.update(theme=theme, default_model=default_model)

    async def accepted(_: None) -> None:
        say("The settings are changed.")

    async def refused(error: MogplexError, _: str) -> None:
        raise error

    changes = {"theme": theme, "default_model": default_model}
    subject = ", ".join(name for name, value in changes.items() if value is not None)
    title = f"change of the settings {subject}"
    change = ChangeRequest("settings.edit", subject, "change", title, request, accepted, refused)
    await run_change(command.session, change)
