"""The command-line parser and the table of commands.

The module of a command is imported only when that command is run.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from mogplex_tui import __version__
from mogplex_tui.cli.exit_codes import Exit

# The module that makes commands from the declarations of kinds.
_KIND_COMMANDS = "mogplex_tui.cli.kind_commands"
# Command name -> (module, one line of help)
COMMANDS = {
    "demo": ("mogplex_tui.cli.demo", "open the console on an embedded control plane with sample data"),
    "control-plane": ("mogplex_tui.cli.control_plane", "run the embedded control plane alone"),
    "runs": ("mogplex_tui.cli.runs", "list, read, follow, start and cancel runs"),
    "run": ("mogplex_tui.cli.run", "start a run of PROMPT in REPO"),
    "watch": ("mogplex_tui.cli.watch", "wait until a run finishes or reaches a state"),
    "stats": ("mogplex_tui.cli.stats", "show usage, health and cost"),
    "cost": ("mogplex_tui.cli.cost", "show where the money went, by model, repo, agent, automation …"),
    "projects": (
        _KIND_COMMANDS,
        "manage projects (imported repositories): list, get, import, sync, hide, show, favorite, snapshot, delete …",
    ),
    "agents": (_KIND_COMMANDS, "manage agents: list, get, create, update, delete"),
    "models": (_KIND_COMMANDS, "manage models: list, get, enable, disable, default, new, dismiss-new"),
    "sandboxes": (_KIND_COMMANDS, "manage sandboxes: list, get, launch, pause, stop, exec, logs …"),
    "automations": (
        _KIND_COMMANDS,
        "manage automations: list, get, create, runs, publish, trigger, pause, delete …",
    ),
    "assignments": (_KIND_COMMANDS, "manage assignments: list, get, create, enable, disable, delete"),
    "jobs": (_KIND_COMMANDS, "manage job runs: list, get, cancel, repair, requeue"),
    "approvals": (_KIND_COMMANDS, "answer approval requests: list, get, approve, deny"),
    "skills": (_KIND_COMMANDS, "manage skills: list, get, delete"),
    "rules": (_KIND_COMMANDS, "manage rules: list, get, delete"),
    "commands": (_KIND_COMMANDS, "manage slash commands: list, get, delete"),
    "provider-keys": (_KIND_COMMANDS, "manage keys of model providers: list, get, verify, delete"),
    "api-keys": (_KIND_COMMANDS, "manage API keys: list, get, create, revoke"),
    "mcp-servers": (_KIND_COMMANDS, "manage MCP servers: list, get, enable, disable, delete"),
    "conversations": (_KIND_COMMANDS, "manage stored chats: list, get, delete"),
    "memories": (_KIND_COMMANDS, "manage memories of agents: list, get, delete"),
    "installations": (_KIND_COMMANDS, "manage installations of the GitHub App: list, get, sync"),
    "triggers": (
        _KIND_COMMANDS,
        "manage triggers of GitHub installations: list, get, enable, disable, delete",
    ),
    "connections": (
        _KIND_COMMANDS,
        "manage connections to services that agents may use: list, get, enable, disable, test, delete",
    ),
    "teams": (_KIND_COMMANDS, "show teams and their members: list, get"),
    "members": (_KIND_COMMANDS, "manage team members and open invites: list, get, role, remove"),
    "failures": (_KIND_COMMANDS, "show failures of automations: list, get"),
    "dispatch": (_KIND_COMMANDS, "show the dispatch log: list, get"),
    "settings": (_KIND_COMMANDS, "manage account settings and show readiness: list, get, edit"),
    "api": ("mogplex_tui.cli.api", "send a request to any route: METHOD PATH"),
    "spec": ("mogplex_tui.cli.spec", "print kinds, columns, filters, actions and commands as JSON"),
    "login": ("mogplex_tui.cli.login", "sign in to a service, by browser or with a token"),
    "logout": ("mogplex_tui.cli.logout", "remove the credentials of a context"),
    "contexts": (
        "mogplex_tui.cli.contexts",
        "manage contexts (services by name): list, use, add, set, remove, rename",
    ),
    "info": ("mogplex_tui.cli.info", "print every setting and its source"),
    "doctor": ("mogplex_tui.cli.doctor", "check what this credential can and cannot see"),
    "completions": ("mogplex_tui.cli.completions", "print completions for bash, zsh or fish"),
}

# Former names of commands, which the help does not list.
_FORMER_NAMES = {"repos": "projects"}

_OPTIONS_WITH_VALUE = ("--context", "--base-url", "--theme")
# Only a whole word that looks like a token: a prompt may contain one.
_TOKEN = re.compile(r"mog_[A-Za-z0-9]{16,}")
_EXPOSED_CREDENTIAL = (
    "A token must not be an argument: every process on this machine can read it. It was not used. Revoke it, and "
    "give another one to: mogplex-tui login --token\n"
)

_WRITE_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

EPILOG = """\
without a command, the console opens for the current context (see login and contexts)

environment variables:
  MOGPLEX_CONTEXT          context to use
  MOGPLEX_BASE_URL         base URL of the service
  MOGPLEX_TOKEN            a personal access token (mog_…)
  MOGPLEX_SESSION_COOKIE   a browser session cookie, for routes closed to tokens

data goes to stdout, everything else to stderr; exit codes: 0 ok, 1 failed, 2 usage,
3 not signed in, 4 not allowed, 5 rate limited, 6 unreachable

COMMAND --help shows the options and examples of a command
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that suggests a similar word for an invalid one.

    Its help ends with examples. Sub-commands use this class for their parsers too.
    """

    def format_help(self) -> str:
        """Return the help, with the examples of this command."""
        from mogplex_tui.cli.examples import examples_of

        examples = "".join(f"  {line}\n" for line in examples_of(self.prog))
        return super().format_help() + (f"\nexamples:\n{examples}" if examples else "")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse arguments; exit with an error for an unknown argument.

        The error shows the usage of the sub-command that got the argument.
        """
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Exit with the usage and a message.

        If a verb is missing, the message lists the verbs.
        """
        for action in self._actions:
            if action.required and action.choices and message.endswith(f"are required: {action.metavar}"):
                message = f"missing command: choose from {', '.join(_choice_names(action))}"
        super().error(message)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        import difflib

        choices = _choice_names(action)
        similar = difflib.get_close_matches(str(value), choices, 1)
        hint = f"did you mean {similar[0]}?" if similar else f"choose from {', '.join(choices)}"
        raise argparse.ArgumentError(action, f"invalid choice: {value!r} ({hint})")


def _choice_names(action: argparse.Action) -> list[str]:
    """Return the choices of an argument, without former names of verbs."""
    if isinstance(action, argparse._SubParsersAction):
        return [verb.dest for verb in action._choices_actions]
    return [str(choice) for choice in action.choices or ()]


def common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the service and the context.

    Credentials are never arguments, because process lists show arguments.
    """
    parser.add_argument("--context", metavar="NAME", help="context to use (MOGPLEX_CONTEXT)")
    parser.add_argument("--base-url", metavar="URL", help="base URL of the service (MOGPLEX_BASE_URL)")


def appearance_arguments(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add the options for the console's appearance and for read-only mode.

    A sub-command that also accepts these options passes `argparse.SUPPRESS` as `default`, so that
    it does not reset options that were given before its name.
    """
    parser.add_argument(
        "--read-only", action="store_true", default=default, help="offer no actions that change anything"
    )
    parser.add_argument("--theme", choices=("dark", "light"), default=default, help="colours (default: dark)")
    parser.add_argument("--ascii", action="store_true", default=default, help="use letters instead of glyphs")
    parser.add_argument(
        "--reduced-motion", action="store_true", default=default, help="turn off flashing and animation"
    )


def build(
    name: str | None = None, *, with_all_arguments: bool = False, without_others: bool = False
) -> argparse.ArgumentParser:
    """Return the parser, in which only the command `name` has its arguments.

    `with_all_arguments` adds the arguments of every command. `without_others` leaves out all
    commands except the named one, which halves the time for parsing; the others are not needed when
    the first word is a command.
    """
    parser = Parser(
        prog="mogplex-tui",
        description="The operator console for Mogplex: watch agent runs live, know what they cost, stop them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mogplex-tui {__version__}")
    common_arguments(parser)
    appearance_arguments(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command, (_, line) in COMMANDS.items():
        if without_others and command != name:
            continue
        sub = commands.add_parser(command, help=line, description=line[:1].upper() + line[1:] + ".")
        if with_all_arguments or command == name:
            _load_command(command).add_arguments(sub)
    return parser


class _Command(Protocol):
    """A command: a module, or an object generated from a kind's declaration."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, args: argparse.Namespace, /) -> int: ...


def _load_command(command: str | None) -> _Command:
    module: Any = importlib.import_module(COMMANDS[command][0] if command else "mogplex_tui.cli.console")
    return module.command_of(command) if module.__name__ == _KIND_COMMANDS else module  # type: ignore[no-any-return]


def _replace_former_name(arguments: Sequence[str]) -> list[str]:
    """Return the arguments, with a former command name replaced by the present one."""
    previous = ""
    for index, word in enumerate(arguments):
        if word in COMMANDS and previous not in _OPTIONS_WITH_VALUE:
            break
        if word in _FORMER_NAMES and previous not in _OPTIONS_WITH_VALUE:
            return [*arguments[:index], _FORMER_NAMES[word], *arguments[index + 1 :]]
        previous = word
    return list(arguments)


def _command_name(arguments: Sequence[str]) -> str | None:
    """Return the command that the arguments name, None if they name no command.

    A word that is the value of an option does not count as a command.
    """
    previous = ""
    for word in arguments:
        if word in COMMANDS and previous not in _OPTIONS_WITH_VALUE:
            return word
        previous = word
    return None


def run(argv: Sequence[str] | None = None) -> int:
    """Parse the command line, run the command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if any(_TOKEN.fullmatch(word.partition("=")[2] or word) for word in arguments):
        sys.stderr.write(_EXPOSED_CREDENTIAL)
        return Exit.USAGE
    arguments = _replace_former_name(arguments)
    name = _command_name(arguments)
    parsed = build(name, without_others=arguments[:1] == [name]).parse_args(arguments)
    try:
        return int(_load_command(parsed.command).run(parsed))
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            # After a question or a ^C: the shell's prompt starts on a new line.
            sys.stderr.write("\n")
        return 130
    except BrokenPipeError:
        # The reader closed the pipe, as `head` does, which is not an error.
        from mogplex_tui.cli.output import discard_stdout

        discard_stdout()
        return Exit.OK
    except Exception as error:
        return _report_write_error(error) or _report_crash(error)


def _report_write_error(error: Exception) -> int:
    """Report that the output could not be written, and return the exit code.

    An example is a full disk. Returns 0 if `error` is of another type.
    """
    from mogplex_tui.cli.command_context import CommandError, say

    if isinstance(error, CommandError):
        say(str(error))
        return error.code
    # An error of an output stream has no file name.
    if not isinstance(error, OSError) or error.errno not in _WRITE_ERRNOS or error.filename is not None:
        return 0
    from mogplex_tui.cli.output import discard_stdout

    discard_stdout()
    say(f"The output could not be written: {error.strerror}.")
    return Exit.FAILED


def _report_crash(error: Exception) -> int:
    """Report an internal error, log its traceback and return the exit code."""
    from mogplex_tui.cli.command_context import say
    from mogplex_tui.config.log_file import report_crash
    from mogplex_tui.live import redact

    say(report_crash(error, redact.text))
    return Exit.FAILED
