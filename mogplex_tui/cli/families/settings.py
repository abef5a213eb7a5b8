"""`mogplex-tui settings`: the account's settings (identity.md §3)."""

from __future__ import annotations

import argparse
from typing import Any

from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option
from mogplex_tui.cli.families.machine import command


async def _list(desk: Desk) -> Any:
    found = await desk.client.settings.get()
    return [{"name": name, "value": getattr(found, name)} for name in type(found).model_fields]


async def _get(desk: Desk) -> Any:
    found = await desk.client.settings.get()
    return {desk.args.name: getattr(found, desk.args.name)} if desk.args.name else found


async def _set(desk: Desk) -> Any:
    await desk.client.settings.update(theme=desk.args.set_theme, default_model=desk.args.default_model)
    return await desk.client.settings.get()


def _check(args: argparse.Namespace) -> None:
    from mogplex_tui.cli.common import Stop
    from mogplex_tui.cli.exits import Exit

    if args.set_theme is None and args.default_model is None:
        raise Stop(Exit.USAGE, "Say what to set: --default-model MODEL or --theme THEME.")


FAMILY = Family(
    name="settings",
    noun="setting",
    columns=(Column("NAME", "name"), Column("VALUE", "value")),
    roads=(off(_list),),
    one=(off(_get),),
    one_options=(
        option("name", nargs="?", choices=("default_model", "theme"), help="this one alone (default: all)"),
    ),
    named=False,
    verbs=(
        Verb(
            "set",
            "change what is given, and leave the rest",
            (off(_set),),
            options=(
                option("--default-model", metavar="MODEL", help="a model that is enabled"),
                # The console's own theme is an argument of that name before the command.
                option(
                    "--theme", dest="set_theme", choices=("dark", "light", "system"), help="of the web pages"
                ),
            ),
            takes_one=False,
            done="The settings are changed.",
            check=_check,
        ),
    ),
)
add_arguments, run = command(FAMILY)
