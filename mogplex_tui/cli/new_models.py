"""`mogplex-tui models new`: models that are new since the account's last look.

identity.md §6.8.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.command_session import patiently
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.output import Column

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import Setting


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the verb `new`."""
    add("new", "the models that came since the account last looked")


async def run_verb(_: argparse.Namespace, setting: Setting) -> int:
    """Print the new models and return the exit code."""
    client, output = setting.session.client.at(Priority.ACTION), setting.output
    found = (await patiently(client.models.new)).models
    if output.form == "json":
        for model, raw in zip(found, found.raws, strict=True):
            output.object("model", raw if isinstance(raw, dict) else {"id": model.id})
    elif output.form == "csv":
        output.csv(["id", "name", "provider"])
        for model in found:
            output.csv([model.id, model.name, model.provider])
    elif found:
        rows = [[model.id, model.name, model.provider] for model in found]
        output.table([Column("ID"), Column("NAME"), Column("PROVIDER")], rows, whole=output.form == "wide")
    if not found:
        say("There are no new models.")
    return Exit.OK
