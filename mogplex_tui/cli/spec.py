"""`mogplex-tui spec`: print kinds, commands and exit codes as a JSON document.

The document has the columns, filters, sort orders and actions of each kind.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.model import Action

if TYPE_CHECKING:
    from mogplex_tui.operate.model import AnyAction, AnyKind

_MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "failed",
    Exit.USAGE: "usage error",
    Exit.NOT_SIGNED_IN: "not signed in",
    Exit.NOT_ALLOWED: "not allowed",
    Exit.THROTTLED: "too many requests",
    Exit.UNREACHABLE: "the service cannot be reached",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Do nothing: the command has no arguments.

    The document does not depend on a service.
    """


def run(_: argparse.Namespace) -> int:
    """Print the document and return the exit code."""
    from mogplex_tui import __version__
    from mogplex_tui.cli.output import Output
    from mogplex_tui.operate.kinds import runs
    from mogplex_tui.operate.kinds.registry import kinds

    output = Output(as_json=True)
    output.json(
        {
            "version": __version__,
            "kinds": [_kind(kind) for kind in (runs.KIND, *kinds().values())],
            "commands": _commands(),
            "exitCodes": {str(int(code)): meaning for code, meaning in _MEANINGS.items()},
        }
    )
    output.flush()
    return Exit.OK


def _kind(kind: AnyKind) -> dict[str, object]:
    return {
        "name": kind.name,
        "title": kind.title,
        "noun": kind.noun,
        "aliases": list(kind.aliases),
        "contract": kind.contract,
        "columns": [
            {
                "name": column.name,
                "title": column.title,
                "filters": list(dict.fromkeys(kind_rows.filter_names(column))),
            }
            for column in kind.columns
        ],
        "filters": _filters(kind),
        "orders": _orders(kind),
        "actions": [_action(action) for action in kind.all_actions],
    }


def _filters(kind: AnyKind) -> list[dict[str, object]]:
    """Return the filter fields of a kind, each with its origin and query parameter.

    The origin is `column`, or `hidden` for a field that no column shows. `service` is the query
    parameter with which the service applies the filter, None if the service cannot apply it.
    """
    by_service = (
        {}
        if kind.older is None
        else {service_filter.name: service_filter for service_filter in kind.older.filters}
    )
    of_columns = {name for column in kind.columns for name in kind_rows.filter_names(column)}
    names = {
        name: "column" if name in of_columns else "hidden" for name in kind_rows.filter_field_names(kind)
    }
    spans = kind_rows.span_names(kind)
    return [
        {
            "name": name,
            "from": origin,
            "isSpan": name in spans,
            "service": None
            if (service_filter := by_service.get(name)) is None
            else {"parameter": service_filter.parameter, "values": list(service_filter.texts)},
        }
        for name, origin in sorted(names.items())
    ]


def _orders(kind: AnyKind) -> dict[str, object]:
    default = kind.default_sort
    return {
        "columns": [column.name for column in kind.columns],
        "default": default if isinstance(default, str) else None,
        "descending": kind.descending,
    }


def _action(action: AnyAction) -> dict[str, object]:
    return {
        "id": action.id,
        "key": action.key,
        "title": action.label,
        "help": action.help,
        "confirmation": [] if action.confirmation is None else list(action.confirmation.consequences),
        "many": isinstance(action, Action) and action.is_bulk,
        "makesRecord": not isinstance(action, Action) and action.makes_record,
        "idempotencyKey": action.sends_idempotency_key,
        "revealsSecret": action.reveals,
        "parameters": [
            {
                "name": parameter.name,
                "help": parameter.help,
                "type": "choice" if parameter.choices or parameter.live_choices is not None else "text",
                "required": parameter.is_required,
                "default": parameter.default,
                # Live choices depend on the records of a context.
                "choices": list(parameter.choices) if parameter.live_choices is None else None,
                "positional": parameter.positional,
                "stdin": parameter.accepts_stdin,
            }
            for parameter in action.parameters
        ],
    }


def _commands() -> dict[str, dict[str, object]]:
    """Return the commands with their verbs, options and arguments."""
    from mogplex_tui.cli.parser import build

    commands: dict[str, dict[str, object]] = {}
    for name, parser in _parsers(build(with_all_arguments=True)).items():
        verbs = _parsers(parser)
        commands[name] = {
            "help": parser.description,
            "parameters": _parameters(parser),
            "verbs": {
                verb: {"help": verb_parser.description, "parameters": _parameters(verb_parser)}
                for verb, verb_parser in verbs.items()
            },
        }
    return commands


def _parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            shown = {verb.dest for verb in action._choices_actions}
            return {name: verb_parser for name, verb_parser in action.choices.items() if name in shown}
    return {}


def _parameters(parser: argparse.ArgumentParser) -> list[dict[str, object]]:
    return [
        {
            "name": action.option_strings[0] if action.option_strings else action.dest,
            "help": action.help,
            # argparse calls an optional positional argument required if it has no default.
            "required": action.required and action.nargs not in ("*", "?"),
            "choices": None if action.choices is None else list(map(str, action.choices)),
        }
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    ]
