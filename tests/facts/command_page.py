"""Every command, verb and option as a page, made from the parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from mogplex_tui.cli import parser
from mogplex_tui.cli.examples import examples_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"

# Options that most commands take; they are described once.
_SHARED = ("--json", "--output", "--context", "--base-url", "--read-only")
_HEAD = """\
# Commands

Made by `make docs` from the parser; a test fails when it is not current. `--help` after a command or a verb shows the
same text. A command is followed by examples, in which a word in capitals stands for the ID of a record.

"""


def _escaped(text: str) -> str:
    """Return text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _value(action: argparse.Action) -> str:
    """Return the placeholder of an argument's value; empty for a flag."""
    if action.nargs == 0:
        return ""
    metavar = action.metavar
    if metavar is None:
        metavar = "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    value = str(metavar)
    if not action.option_strings:
        return value
    return f"[{value}]" if action.nargs == "?" else value


def _synopsis(command: argparse.ArgumentParser) -> str:
    words = [command.prog]
    for action in _arguments(command):
        if action.option_strings:
            continue
        value = _value(action)
        words.append(
            {"?": f"[{value}]", "*": f"[{value} ...]", "+": f"{value} ..."}.get(str(action.nargs), value)
        )
    return " ".join([*words, "[OPTION ...]"])


def _arguments(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the visible arguments of a command, without its verbs and `--help`."""
    for action in command._actions:
        is_verb_or_help = isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
        if not is_verb_or_help and action.help is not argparse.SUPPRESS:
            yield action


def _row(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    value = _value(action)
    names = ", ".join(f"`{option}`" for option in action.option_strings)
    shown = " ".join(
        part for part in (names, f"`{value.replace('|', chr(92) + '|')}`" if value else "") if part
    )
    help_text = command._get_formatter()._expand_help(action) if action.help else ""
    return f"| {shown} | {_escaped(help_text)} |\n"


def _table(command: argparse.ArgumentParser, arguments: Iterable[argparse.Action]) -> str:
    ordered = sorted(arguments, key=lambda action: bool(action.option_strings))
    rows = "".join(_row(command, action) for action in ordered)
    return f"\n| argument | meaning |\n| --- | --- |\n{rows}" if rows else ""


def _verbs(command: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the verbs of a command, without older names."""
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {listed.dest: action.choices[listed.dest] for listed in action._choices_actions}
    return {}


def _section(command: argparse.ArgumentParser, level: int) -> str:
    own = [
        action
        for action in _arguments(command)
        if not set(action.option_strings) & set(_SHARED) or level == 1
    ]
    description = (command.description or "").strip()
    title = command.prog.removeprefix("mogplex-tui ")
    lines = [_synopsis(command), *(["", *examples] if (examples := examples_of(command.prog)) else [])]
    synopsis = "".join(f"    {line}".rstrip() + "\n" for line in lines)
    return f"{'#' * level} {title}\n\n{_escaped(description)}\n\n{synopsis}{_table(command, own)}"


def document() -> str:
    """Return the page as Markdown."""
    whole = parser.build(with_all_arguments=True)
    commands = _verbs(whole)
    runs = _verbs(commands["runs"])["list"]
    shared = [action for action in _arguments(runs) if set(action.option_strings) & set(_SHARED)]
    parts = [
        f"{_HEAD}## Options before the command\n{_table(whole, _arguments(whole))}",
        f"## Options of most commands\n\n`COMMAND --help` says which of them it takes.\n{_table(runs, shared)}",
    ]
    for command in commands.values():
        verbs = _verbs(command)
        if not verbs:
            parts.append(_section(command, 2))
            continue
        title = command.prog.removeprefix("mogplex-tui ")
        parts.append(f"## {title}\n\n{_escaped(command.description or '')}\n")
        parts += [_section(verb, 3) for verb in verbs.values()]
    return "\n".join(parts)
