"""From what a family declares to a command: its arguments, its list, one record, and its actions."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.common import Stop, say
from mogplex_tui.cli.exits import Exit
from mogplex_tui.cli.families.base import Family, Option, Verb, option
from mogplex_tui.cli.headless import run as run_headless
from mogplex_tui.cli.headless import service_arguments

if TYPE_CHECKING:
    from mogplex_tui.cli.headless import Setting

_YES = option("--yes", "-y", action="store_true", help="do not ask")
_REVEAL = option(
    "--reveal",
    action="append",
    default=[],
    metavar="NAME",
    help="show the secret of this name instead of a mask; may be repeated",
)
_FILTER = option(
    "filter",
    nargs="*",
    metavar="FILTER",
    help="words that must occur, as in the console: word, field:word, !word, age:<2h",
)

Run = Callable[[argparse.Namespace], int]


def count(text: str) -> int:
    """Return a number of rows from the command line; raises ArgumentTypeError."""
    if not re.fullmatch(r"[1-9]\d{0,4}", text):
        raise argparse.ArgumentTypeError("must be 1 to 99999")
    return int(text)


def command(family: Family) -> tuple[Callable[[argparse.ArgumentParser], None], Run]:
    """Return what the parser wants of a command: the function that adds its arguments and the one that runs it."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        _add(parser, family)

    def run(args: argparse.Namespace) -> int:
        verb = next((verb for verb in family.verbs if verb.name == args.verb), None)
        try:
            given = _prepared(args, verb)
        except Stop as stop:
            say(str(stop))
            return stop.code

        async def main(setting: Setting) -> int:
            from mogplex_tui.cli.families import work

            if verb is not None:
                return await work.act(setting, family, verb, given)
            job: Callable[[Setting, Family, argparse.Namespace], Awaitable[int]] = (
                work.list_all if args.verb == "list" else work.show_one
            )
            return await job(setting, family, given)

        return run_headless(args, main)

    return add_arguments, run


def _prepared(args: argparse.Namespace, verb: Verb | None) -> argparse.Namespace:
    """Return the arguments with texts from stdin read, before there is an event loop that would not let go of it."""
    if verb is not None and verb.check is not None:
        verb.check(args)
    if verb is not None and verb.secret and verb.secret not in args.reveal:
        raise Stop(
            Exit.USAGE,
            f"What {verb.name} makes can be read this once only. Nothing was sent: give --reveal {verb.secret}.",
        )
    for name in ("prompt", "note", "input"):
        if getattr(args, name, None) == "-":
            try:
                setattr(args, name, sys.stdin.read())
            except UnicodeDecodeError:
                raise Stop(Exit.USAGE, f"The {name} on stdin is not UTF-8 text.") from None
    return args


def _add(parser: argparse.ArgumentParser, family: Family) -> None:
    service_arguments(parser, forms=True)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    from mogplex_tui.operate import words

    many, noun = words.many(family.noun), family.noun
    if family.listed:
        listing = _verb(verbs, "list", f"the {many} that this credential can see")
        most = f"at most N {many} (default: {family.limit or 'all'})"
        limit = option("--limit", type=count, default=family.limit, metavar="N", help=most)
        _options(listing, (*family.options, limit, _FILTER))
    get = _verb(verbs, "get", f"one {noun} with all that is known of it" if family.named else f"the {noun}")
    if family.named:
        _record(get, family)
    _options(get, (*family.one_options, _REVEAL))
    for verb in family.verbs:
        sub = _verb(verbs, verb.name, verb.help)
        if verb.takes_one:
            _record(sub, family)
        _options(sub, verb.options)
        _options(sub, (_REVEAL, *((_YES,) if verb.question else ())))


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, line: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=line, description=line[:1].upper() + line[1:] + ".")
    service_arguments(parser, outermost=False, forms=True)
    return parser


def _record(parser: argparse.ArgumentParser, family: Family) -> None:
    also = "".join(f", its {path.replace('_', ' ')}" for path in family.names)
    parser.add_argument(
        "record",
        metavar=family.noun.upper().replace(" ", "_"),
        help=f"its id or the unique beginning of it{also}",
    )


def _options(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    for each in options:
        settings: dict[str, Any] = dict(each.settings)
        parser.add_argument(*each.flags, **settings)
