"""`mogplex-tui contexts`: list, use, add, change, remove and rename contexts."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace

from mogplex_tui.api.errors import InvalidTarget
from mogplex_tui.api.target import Target
from mogplex_tui.cli.command_context import CommandError, report_error, say
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import COLOURS, Context, ContextError, Contexts
from mogplex_tui.config.credential_store import CredentialStoreError
from mogplex_tui.config.file_locks import locked
from mogplex_tui.config.settings import same_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    _add_json(parser, False)
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
    names = _add_verb(verbs, "list", "list contexts and mark the current one")
    names.add_argument("--names", action="store_true", help="print names only, one per line")
    use = _add_verb(verbs, "use", "make a context the current one")
    use.add_argument("name", metavar="NAME", help="name of the context")
    _add_fields(_add_verb(verbs, "add", "add a context"), new=True)
    _add_fields(_add_verb(verbs, "set", "change a context"), new=False)
    remove = _add_verb(verbs, "remove", "remove a context and its credentials")
    remove.add_argument("name", metavar="NAME", help="name of the context")
    remove.add_argument(
        "--yes",
        "-y",
        action="store_true",
        help="skip the confirmation prompt, even if the context is protected",
    )
    rename = _add_verb(verbs, "rename", "rename a context and keep its credentials and state")
    rename.add_argument("name", metavar="OLD", help="present name of the context")
    rename.add_argument("to", metavar="NEW", help="new name of the context")


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, line: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=line, description=line[:1].upper() + line[1:] + ".")
    _add_json(parser, argparse.SUPPRESS)
    return parser


def _add_json(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument("--json", action="store_true", default=default, help="print NDJSON")


def _add_fields(parser: argparse.ArgumentParser, *, new: bool) -> None:
    parser.add_argument("name", metavar="NAME", help="name of the context")
    parser.add_argument(
        "--base-url", metavar="URL", required=new, default=None, help="base URL of the service"
    )
    parser.add_argument(
        "--team", metavar="UUID", default=None, help="team to act for; '' is the personal scope"
    )
    # Not `read_only`, which is the console's own option for a single start.
    parser.add_argument(
        "--read-only",
        dest="stored_read_only",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="refuse all changes in this context",
    )
    parser.add_argument(
        "--protected",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="require typing the name before dangerous actions",
    )
    parser.add_argument(
        "--colour", "--color", choices=(*COLOURS, "none"), default=None, help="colour of the context's name"
    )
    if new:
        parser.add_argument("--use", action="store_true", help="make it the current context")


def run(arguments: argparse.Namespace) -> int:
    """Run a verb of `contexts`, print the contexts and return the exit code."""
    verbs: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": _list,
        "use": _use,
        "add": _add,
        "set": _set,
        "remove": _remove,
        "rename": _rename,
    }
    try:
        return verbs[arguments.verb](arguments)
    except (CommandError, ContextError, CredentialStoreError, InvalidTarget, OSError) as error:
        return report_error(error)


def context_fields(context: Context, *, current: bool) -> dict[str, object]:
    """Return the JSON fields of a context, with the types of its credentials."""
    return {
        "name": context.name,
        "current": current,
        "base_url": context.base_url,
        "team": context.team,
        "read_only": context.read_only,
        "protected": context.protected,
        "colour": context.colour,
        "credentials": list(context.credential_kinds),
        "kept_in": context.credential_store,
    }


def _list(arguments: argparse.Namespace) -> int:
    known = contexts.read()
    if arguments.names:
        # Shell completion calls this on a key press: nothing else is loaded or printed.
        sys.stdout.writelines(f"{name}\n" for name in known.by_name)
        return Exit.OK
    _print(arguments, known, list(known.by_name.values()))
    if not known.by_name:
        say("No contexts yet. Create one: mogplex-tui login")
    return Exit.OK


def _print(arguments: argparse.Namespace, known: Contexts, rows: list[Context]) -> None:
    from mogplex_tui.cli.output import Column, Output

    output = Output(as_json=arguments.json)
    if arguments.json:
        for row in rows:
            output.object("context", context_fields(row, current=row.name == known.current))
    elif rows:
        # The titles are those of the console's list of contexts.
        titles = ("", "CONTEXT", "SERVICE", "TEAM", "RULES", "COLOUR", "SIGNED IN WITH", "STORED IN")
        output.table([Column(title) for title in titles], [_cells(row, known) for row in rows])
    output.flush()


def _cells(row: Context, known: Contexts) -> list[str]:
    return [
        "*" if row.name == known.current else "",
        row.name,
        row.base_url,
        row.team or "personal",
        ", ".join(row.rules) or "–",
        row.colour or "–",
        ", ".join(row.signed_in_with) or "–",
        row.credential_store or "–",
    ]


def _use(arguments: argparse.Namespace) -> int:
    known = contexts.change(lambda before: before.use(arguments.name))
    say(f"{arguments.name} is the current context: {known.get(arguments.name).base_url}")
    selected = os.environ.get("MOGPLEX_CONTEXT", "").strip()
    if selected and selected != arguments.name:
        say(f"MOGPLEX_CONTEXT={selected} is set in this shell and takes precedence.")
    if arguments.json:
        _print(arguments, known, [known.get(arguments.name)])
    return Exit.OK


def _add(arguments: argparse.Namespace) -> int:
    def add(known: Contexts) -> Contexts:
        if arguments.name in known.by_name:
            raise ContextError(
                f"There is a context {arguments.name!r} already. Change it: mogplex-tui contexts set"
            )
        return known.put(
            _with_options(Context(arguments.name, _checked_url(arguments.base_url)), arguments),
            use=arguments.use,
        )

    return _print_changed(arguments, contexts.change(add))


def _set(arguments: argparse.Namespace) -> int:
    def change(known: Contexts) -> Contexts:
        context = known.get(arguments.name)
        if arguments.base_url is not None:
            context = replace(context, base_url=_checked_url(arguments.base_url))
        return known.put(_with_options(context, arguments))

    known = contexts.change(change)
    context = known.get(arguments.name)
    service = _service_of_credential(context) if arguments.base_url is not None else None
    if service is not None and not same_service(service, context.base_url):
        say(
            f"Its credential is for {service} and goes nowhere else. Sign in to the new address: "
            f"mogplex-tui login --context {arguments.name}"
        )
    return _print_changed(arguments, known)


def _service_of_credential(context: Context) -> str | None:
    """Return the address of the service for which a context's credential is stored.

    Returns None if there is no credential or it cannot be read.
    """
    if context.credential_store is None:
        return None
    try:
        record = credential_store.load(context.name, context.credential_store)
    except CredentialStoreError as error:
        say(str(error))
        return None
    return record.base_url if record is not None else None


def _checked_url(text: str) -> str:
    return Target("context", text).base_url


def _with_options(context: Context, arguments: argparse.Namespace) -> Context:
    if arguments.team is not None:
        context = replace(context, team=arguments.team.strip().lower() or None)
    if arguments.stored_read_only is not None:
        context = replace(context, read_only=arguments.stored_read_only)
    if arguments.protected is not None:
        context = replace(context, protected=arguments.protected)
    if arguments.colour is not None:
        context = replace(context, colour=None if arguments.colour == "none" else arguments.colour)
    return context


def _print_changed(arguments: argparse.Namespace, known: Contexts) -> int:
    context = known.get(arguments.name)
    _print(arguments, known, [context])
    if context.credential_store is None:
        say(f"It has no credential yet: mogplex-tui login --context {context.name}")
    return Exit.OK


def _remove(arguments: argparse.Namespace) -> int:
    from mogplex_tui.config.paths import state_dir
    from mogplex_tui.live.completion_records import forget_known

    context = contexts.read().get(arguments.name)
    if context.protected and not arguments.yes:
        confirm_name(context.name, f"{context.name} is protected.")
    with locked(credential_store.lock_file(context.name)):
        may_be_left = _remove_credentials(context)
        forget_known(state_dir(context.name))
        known = contexts.change(lambda before: before.without(context.name))
    say(f"{context.name} is removed{'' if may_be_left else ', its credentials with it'}.")
    if known.current is None and known.by_name:
        say(f"No context is current now. Available: {', '.join(known.by_name)}.")
    return Exit.OK


def _remove_credentials(context: Context) -> bool:
    """Remove the credentials of a context; return whether some may be left.

    An error is only reported, so that the context itself can still be removed.
    """
    try:
        credential_store.remove(context.name, context.credential_store)
    except CredentialStoreError as error:
        say(str(error))
        return True
    return False


def confirm_name(name: str, reason: str) -> None:
    """Ask the user to type the name of a protected context before a change.

    Raises CommandError if the answer is different or if there is no terminal.
    """
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, f"{reason} No terminal for the confirmation. Use --yes.")
    sys.stderr.write(f"{reason} Type its name to confirm: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise CommandError(Exit.FAILED, "The name does not match. Nothing was changed.")


def _share_credentials_file(old: str, new: str) -> bool:
    """Return whether two context names have the same credentials file.

    This happens on file systems that do not distinguish upper and lower case.
    """
    old_file, new_file = credential_store.credentials_file(old), credential_store.credentials_file(new)
    return old_file.exists() and new_file.exists() and old_file.samefile(new_file)


def _rename(arguments: argparse.Namespace) -> int:
    from mogplex_tui.config.paths import state_dir

    old, new = arguments.name, arguments.to
    context = contexts.read().renamed(old, new).get(new)
    old_store = context.credential_store
    # No other process renews the old context's token while the credentials are moved.
    with locked(credential_store.lock_file(old)):
        if context.credential_store is not None:
            record = credential_store.load(old, context.credential_store)
            if record is not None:
                storage = credential_store.save(new, record)
                context = replace(context, credential_store=storage)
        known = contexts.change(lambda stored: stored.renamed(old, new).put(context))
        if not _share_credentials_file(old, new):
            _remove_credentials(replace(context, name=old, credential_store=old_store))
    old_state, new_state = state_dir(old), state_dir(new)
    if old_state.is_dir() and not new_state.exists():
        old_state.rename(new_state)
    say(f"Renamed {old} to {new}.")
    if arguments.json:
        _print(arguments, known, [known.get(new)])
    return Exit.OK
