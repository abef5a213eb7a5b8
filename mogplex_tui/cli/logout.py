"""`mogplex-tui logout`: remove the stored credentials of a context."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from mogplex_tui.cli.command_context import report_error, say
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context, ContextError, Contexts
from mogplex_tui.config.credential_store import CredentialStoreError
from mogplex_tui.config.file_locks import locked


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from mogplex_tui.cli.command_session import service_arguments

    service_arguments(parser)


def sign_out(name: str) -> Context:
    """Remove the stored credentials of a context, but not the context itself.

    Raises ContextError and CredentialStoreError.
    """
    context = contexts.read().get(name)
    with locked(credential_store.lock_file(name)):
        credential_store.remove(name, context.credential_store)

        def change(known: Contexts) -> Contexts:
            return known.put(
                replace(known.by_name.get(name, context), credential_store=None, credential_kinds=())
            )

        return contexts.change(change).by_name[name]


def run(arguments: argparse.Namespace) -> int:
    """Remove the stored credentials of a context and return the exit code.

    The context is the one that the arguments name, or the current one. No request is sent: the
    service still accepts the token.
    """
    try:
        known = contexts.read()
        name = (
            getattr(arguments, "context", None)
            or os.environ.get("MOGPLEX_CONTEXT", "").strip()
            or known.current
        )
        if name is None:
            raise ContextError("There is no current context to sign out of. Give one with --context NAME.")
        before = known.get(name)
        after = sign_out(name)
    except (ContextError, CredentialStoreError, OSError) as error:
        return report_error(error)
    if before.credential_store is None:
        say(f"{name} was not signed in.")
    else:
        say(f"Signed out of {name}: its credentials are removed from this machine.")
    if "token" in before.credential_kinds:
        say(
            f"The service still accepts the token until it is revoked at {before.base_url}/settings/api-keys."
        )
    if arguments.json:
        from mogplex_tui.cli.contexts import context_fields
        from mogplex_tui.cli.output import Output

        Output(as_json=True).object("context", context_fields(after, current=known.current == name))
    return Exit.OK
