"""Arguments of a kind's commands, generated from the kind's declaration."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.cli.command_context import CommandError, say
from mogplex_tui.cli.command_session import service_arguments
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.operate.common_parameters import NO_YES
from mogplex_tui.operate.model import Action, Choice, Parameter, Row

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.live.session import Session

# Modules with verbs that are not actions, or former names of verbs; `cli/new_models.py` is the shortest.
_EXTRA_VERBS = {
    "automations": "mogplex_tui.cli.list_automation_runs",
    "jobs": "mogplex_tui.cli.job_verbs",
    "models": "mogplex_tui.cli.new_models",
    "sandboxes": "mogplex_tui.cli.sandbox_commands",
    "settings": "mogplex_tui.cli.settings_verbs",
}
# Kinds whose `get` without a record is carried out by such a module.
_GET_WITHOUT_RECORD = frozenset({"settings"})
# Former flags of `list`, which now always hold.
_FORMER_FLAGS = {"models": "--all"}
# Former options of `list`, each with the filter field it stands for; "" filters all fields.
_FORMER_OPTIONS = {
    "projects": {"--query": ""},
    "runs": {"--status": "state"},
    "sandboxes": {"--status": "state"},
}
# The number of choices that an error message names.
_MAX_LISTED_CHOICES = 20


def row_count(text: str) -> int:
    """Parse a number of rows. Raises ArgumentTypeError."""
    if not re.fullmatch(r"[1-9]\d{0,4}", text):
        raise argparse.ArgumentTypeError("must be 1 to 99999")
    return int(text)


def add_record(parser: argparse.ArgumentParser, noun: str, name: str, nargs: str | int | None = None) -> None:
    """Add a positional argument that names one or several records.

    `name` is the argument's name, and `nargs` is as in `argparse`.
    """
    parser.add_argument(
        name,
        nargs=nargs,
        metavar=noun.upper().replace(" ", "_"),
        help="ID, name, or a unique prefix of either",
    )


def add_parameter(
    parser: argparse.ArgumentParser, parameter: Parameter[object], action: Action[Row] | None
) -> None:
    """Add the argument or option for a parameter of an action.

    `action` is None for a parameter of a creation.
    """
    name = parameter.name.replace("_", "-")
    default = parameter.default or parameter.when_empty
    notes = [f"default: {default}"] if default else []
    notes += ["- reads it from stdin"] if parameter.accepts_stdin else []
    help = f"{parameter.help} ({'; '.join(notes)})" if notes else parameter.help
    choices = parameter.choices or None
    if parameter.positional:
        parser.add_argument(parameter.name, metavar=name.upper(), choices=choices, help=help)
        return
    if choices == NO_YES:
        parser.add_argument(
            f"--{name}", dest=parameter.name, nargs="?", const="yes", choices=choices, help=help
        )
    else:
        parser.add_argument(
            f"--{name}",
            dest=parameter.name,
            # If the parameter is not given, the row's present value is used.
            required=parameter.is_required and (action is None or not action.has_initial),
            choices=choices,
            metavar=None if choices else name.upper(),
            help=help,
        )
    for flag, text in parameter.past_flags.items():
        parser.add_argument(
            flag, dest=parameter.name, action="store_const", const=text, help=argparse.SUPPRESS
        )


def add_reveal(parser: argparse.ArgumentParser) -> None:
    """Add the option `--reveal`, without which a secret is not printed."""
    parser.add_argument("--reveal", action="store_true", help="print the secret, which cannot be shown again")


def parameter_texts(parameters: Sequence[Parameter[object]], args: argparse.Namespace) -> dict[str, str]:
    """Return the texts that the arguments give for parameters, by parameter name.

    Raises CommandError for a text that is not valid. Texts for parameters with live choices are
    not checked here, because the choices are not read yet.
    """
    texts: dict[str, str] = {}
    for parameter in parameters:
        text: str | None = getattr(args, parameter.name)
        if text is None:
            continue
        if text == "-" and parameter.accepts_stdin:
            if sys.stdin.isatty():
                say(f"Write the {parameter.name}, then end it with ctrl+d on a line of its own.")
            try:
                text = sys.stdin.read()
            except UnicodeDecodeError:
                raise CommandError(Exit.USAGE, f"The {parameter.name} on stdin is not UTF-8 text.") from None
        problem = None if parameter.live_choices is not None else parameter.problem(text)
        if problem is not None:
            raise CommandError(Exit.USAGE, f"{parameter.name}: {problem}")
        texts[parameter.name] = text
    return texts


def unknown_choices(
    parameters: Sequence[Parameter[object]], texts: Mapping[str, str], session: Session, key: str
) -> list[Parameter[object]]:
    """Return the parameters whose text is not among the choices read so far.

    `key` is the key of the record to be changed.
    """
    return [
        parameter
        for parameter in parameters
        if parameter.live_choices is not None
        and parameter.name in texts
        and texts[parameter.name] not in [choice.value for choice in parameter.choices_of(session, key)]
    ]


def chosen_value(parameter: Parameter[object], choices: Sequence[Choice], text: str) -> str:
    """Return the value of the choice whose value or label is `text`.

    Raises CommandError if there is no such choice.
    """
    lower_text = text.strip().lower()
    values = [choice.value for choice in choices if choice.value == text]
    values = values or [
        choice.value for choice in choices if lower_text in (choice.value.lower(), choice.label.lower())
    ]
    if len(values) == 1 or not choices:
        return values[0] if values else text
    if not values and is_uuid(lower_text):
        # A record that the list leaves out, such as a hidden repository.
        return lower_text
    labels = [choice.label for choice in choices[:_MAX_LISTED_CHOICES]]
    remainder = f" and {len(choices) - len(labels)} more" if len(choices) > len(labels) else ""
    raise CommandError(
        Exit.USAGE,
        f"{parameter.name}: {text!r} is not among the choices. Available: {', '.join(labels)}{remainder}.",
    )


def add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, line: str
) -> argparse.ArgumentParser:
    """Add a verb to a command and return the verb's parser.

    `line` is the help of the verb; a verb with empty help is not listed.
    """
    if not line:
        return add_hidden_verb(verbs, name, line)
    parser = verbs.add_parser(
        name, help=line[:1].lower() + line[1:], description=f"{line[:1].upper()}{line[1:]}."
    )
    service_arguments(parser, outermost=False, forms=True)
    return parser


def add_hidden_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, line: str
) -> argparse.ArgumentParser:
    """Add a verb that help and completions do not list, such as a former name.

    Returns the parser of the verb.
    """
    parser = verbs.add_parser(name, description=f"{line[:1].upper()}{line[1:]}." if line else None)
    service_arguments(parser, outermost=False, forms=True)
    return parser


def add_former_options(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add options of `list` from earlier versions, which the help does not list."""
    if kind in _FORMER_FLAGS:
        parser.add_argument(_FORMER_FLAGS[kind], action="store_true", help=argparse.SUPPRESS)
    for option, field in _FORMER_OPTIONS.get(kind, {}).items():
        parser.add_argument(option, dest=f"filter_{field}", action="append", help=argparse.SUPPRESS)


class ExtraVerbs(Protocol):
    """A module that adds hand-written verbs to the command of a kind."""

    def add_verbs(self, add: Callable[[str, str], argparse.ArgumentParser], /) -> None:
        """Add the verbs with `add`, which gets a verb's name and help.

        `add` returns the parser of the verb. The help is empty for a former name of a verb.
        """

    async def run_verb(self, args: argparse.Namespace, command: CommandSession, /) -> int:
        """Run the verb that the arguments name and return the exit code."""


def require_reveal(verb: str, args: argparse.Namespace) -> None:
    """Raise CommandError if `--reveal` is missing for a verb that returns a secret.

    Such a secret is shown only once, so it would be lost if it was not printed.
    """
    if not args.reveal:
        sentence = (
            f"The secret that {verb} returns is shown only once. Nothing was sent; add --reveal to print it."
        )
        raise CommandError(Exit.USAGE, sentence)


def extra_verbs(kind: str) -> ExtraVerbs | None:
    """Return the module that adds verbs to a kind's command, None if there is none."""
    name = _EXTRA_VERBS.get(kind)
    return None if name is None else cast(ExtraVerbs, importlib.import_module(name))


def gets_without_record(kind: str) -> bool:
    """Return whether `get` may be called without naming a record, as for settings."""
    return kind in _GET_WITHOUT_RECORD
