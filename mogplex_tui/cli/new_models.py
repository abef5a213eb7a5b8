"""`mogplex-tui models new`: print models that the account has not seen yet.

identity.md §6.8.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.command_session import with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.output import Column

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the verb `new`."""
    add("new", "list models added since the account last looked")


async def run_verb(_: argparse.Namespace, command: CommandSession) -> int:
    """Print the new models and return the exit code."""
    client, output = command.session.client.at(Priority.ACTION), command.output
    models = (await with_retries(client.models.new)).models
    if output.form == "json":
        for model, raw in zip(models, models.raws, strict=True):
            output.object("model", raw if isinstance(raw, dict) else {"id": model.id})
    elif output.form == "csv":
        output.csv(["id", "name", "provider"])
        for model in models:
            output.csv([model.id, model.name, model.provider])
    elif models:
        rows = [[model.id, model.name, model.provider] for model in models]
        output.table([Column("ID"), Column("NAME"), Column("PROVIDER")], rows, whole=output.form == "wide")
    if not models:
        say("There are no new models.")
    return Exit.OK
