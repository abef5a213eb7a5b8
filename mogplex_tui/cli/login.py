"""`mogplex-tui login`: obtain, verify and store a credential for a context.

auth.md §9.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from mogplex_tui.api.errors import LoginRequired, MogplexError, NotSignedIn
from mogplex_tui.api.safe_text import visible
from mogplex_tui.api.target import TOKEN_PREFIX, Target
from mogplex_tui.cli import interrupt
from mogplex_tui.cli.command_context import CommandError, report_error, say
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context, ContextError, Contexts
from mogplex_tui.config.credential_store import CredentialStoreError, StoredCredential
from mogplex_tui.config.file_locks import locked
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import SettingsError, load, same_service

HOSTED_URL = "https://mogplex.com"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the ways to sign in.

    No option takes the secret itself: process lists show arguments.
    """
    from mogplex_tui.cli.command_session import service_arguments

    service_arguments(parser)
    methods = parser.add_mutually_exclusive_group()
    methods.add_argument(
        "--token",
        dest="by_token",
        action="store_true",
        help="ask for a personal access token, or read it from stdin",
    )
    methods.add_argument(
        "--session",
        dest="by_session",
        action="store_true",
        help="ask for a browser session's cookie, or read it from stdin",
    )
    methods.add_argument(
        "--hand-off",
        dest="by_hand_off",
        action="store_true",
        help="get a token from the page /cli-auth (embedded control planes only)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="store it even if the context's other credential belongs to another account",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the URL instead of opening a browser"
    )


def run(arguments: argparse.Namespace) -> int:
    """Sign in, store the credential, and report where it is stored."""
    try:
        context = context_for(arguments)
        method = next(
            (method for method in ("token", "session", "hand_off") if getattr(arguments, f"by_{method}")),
            "code",
        )
        context, account = sign_in(
            context, method, opens_browser=not arguments.no_browser, force=arguments.force
        )
    except (CommandError, ContextError, SettingsError, CredentialStoreError, MogplexError, OSError) as error:
        return report_error(error)
    if arguments.json:
        from mogplex_tui.cli.contexts import context_fields
        from mogplex_tui.cli.output import Output

        Output(as_json=True).object("context", {**context_fields(context, current=True), "account": account})
    return Exit.OK


def context_for(arguments: argparse.Namespace) -> Context:
    """Return the context for which the user signs in.

    It is the context that the arguments or the environment name. If they name none, it is a context
    of the service that they name, or else the current context. If there is no context at all, it is
    a new one with the given name or the name of the service's host. Raises ContextError and
    InvalidTarget.
    """
    known = contexts.read()
    url = _named_service(vars(arguments))
    name = (getattr(arguments, "context", None) or os.environ.get("MOGPLEX_CONTEXT", "")).strip() or None
    if url is not None:
        url = Target("sign-in", url).base_url
    if name is not None and name in known.by_name:
        context = known.by_name[name]
        if url is not None and not same_service(url, context.base_url):
            raise ContextError(
                f"The context {name} is for {context.base_url}, not for {url}. Give another name."
            )
        return context
    if name is None:
        if url is None and known.current is not None:
            return known.get(known.current)
        matching = [
            context
            for context in known.by_name.values()
            if url is not None and same_service(url, context.base_url)
        ]
        if matching:
            return next((context for context in matching if context.name == known.current), matching[0])
    if url is None:
        url = load(context="sign-in", contexts=False).base_url.value or HOSTED_URL
    url = Target("sign-in", url).base_url
    return Context(name or _name_for(url, known), url)


def _named_service(arguments: Mapping[str, object]) -> str | None:
    setting = load(arguments, context="sign-in", contexts=False).base_url
    # The config file's service counts only if there is no context at all.
    return (
        setting.value if setting.origin in ("the command line", "MOGPLEX_BASE_URL", "MOGPLEX_URL") else None
    )


def _name_for(url: str, known: Contexts) -> str:
    host = "".join(char if char.isalnum() or char in ".-" else "-" for char in Target("sign-in", url).host)
    base, number, used_names = (
        host.strip("-.")[:50] or "service",
        1,
        {name.casefold() for name in known.by_name},
    )
    name = base
    while name.casefold() in used_names:
        number += 1
        name = f"{base}-{number}"
    return name


def sign_in(
    context: Context, method: str, *, opens_browser: bool = True, force: bool = False
) -> tuple[Context, str | None]:
    """Obtain a credential, verify it and store it in the context.

    `method` is `code`, `hand_off`, `token` or `session`. Returns the updated context, and the name
    of the account if it is known. If `force` is true, the credential is stored even if the context's
    other credential belongs to another account. If CommandError, MogplexError, CredentialStoreError
    or ContextError is raised, nothing has changed.
    """
    secret = _read_secret(method) if method in ("token", "session") else None
    say(f"Signing in to {context.base_url} as context {context.name}.")
    update, account = interrupt.run(_obtain(context, method, secret, opens_browser=opens_browser))
    interrupt.run(_check_accounts(context, update, force=force))
    context = _store(context, update)
    _report_stored(context, account)
    return context, account


async def _obtain(
    context: Context, method: str, secret: Secret | None, *, opens_browser: bool
) -> tuple[Callable[[StoredCredential], StoredCredential], str | None]:
    from mogplex_tui.cli.browser_login import receive_token, sign_in_with_code, verify

    if method == "session":
        target = Target(context.name, context.base_url, session_cookie=secret)

        def update(record: StoredCredential) -> StoredCredential:
            return replace(record, session_cookie=target.session_cookie)
    elif method == "code":
        grant = await sign_in_with_code(context.base_url, opens_browser=opens_browser)
        target = Target(context.name, context.base_url, token=grant.access)

        def update(record: StoredCredential) -> StoredCredential:
            return replace(record, grant=grant, token=None)
    else:
        token = secret or await receive_token(context.base_url, opens_browser=opens_browser)
        target = Target(context.name, context.base_url, token=token)

        def update(record: StoredCredential) -> StoredCredential:
            return replace(record, token=target.token, grant=None)

    return update, await verify(target, by_session=method == "session")


def _read_secret(method: str) -> Secret:
    """Read a token or session cookie from the terminal without echo.

    Raises CommandError if the text does not look like such a secret. The message does not quote the
    text.
    """
    credential_name = "personal access token" if method == "token" else "Cookie header of a signed-in browser"
    if sys.stdin.isatty():
        import getpass

        try:
            text = getpass.getpass(
                f"{credential_name[:1].upper()}{credential_name[1:]} (not shown): ", stream=sys.stderr
            )
        except EOFError:
            text = ""
    else:
        text = sys.stdin.readline()
    text = text.strip()
    if not text:
        raise CommandError(Exit.USAGE, f"No {credential_name} was given. Nothing was changed.")
    if method == "token" and not text.startswith(TOKEN_PREFIX):
        raise CommandError(
            Exit.USAGE, f"This is not a personal access token; those begin with {TOKEN_PREFIX}."
        )
    if method == "session" and text[:7].lower() == "cookie:":
        text = text[7:].strip()
    return Secret(text)


async def _check_accounts(
    context: Context, update: Callable[[StoredCredential], StoredCredential], *, force: bool
) -> None:
    """Raise CommandError if the context's credentials belong to different accounts.

    A stored credential that the service no longer accepts does not prevent storing a new one.
    """
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.api.client import MogplexClient
    from mogplex_tui.api.response_errors import CredentialKind
    from mogplex_tui.live.token_session_match import compare

    record = update(_stored_credential(context))
    token = record.token or (record.grant.access if record.grant else None)
    if token is None or record.session_cookie is None:
        return
    target = Target(context.name, context.base_url, token=token, session_cookie=record.session_cookie)
    async with MogplexClient(target) as client:
        actions = client.at(Priority.ACTION)
        try:
            user = await actions.account.user(credential=CredentialKind.COOKIE)
        except (LoginRequired, NotSignedIn):
            user = None
        if user is None:
            say("The stored session cookie has expired: mogplex-tui login --session stores a new one.")
            return
        accounts = await compare(actions, user)
    if accounts.same is None:
        say("Whether the token and the browser session belong to the same account could not be compared.")
    elif not accounts.same and force:
        say(f"{visible(accounts.describe(), 300)} Both are stored, because of --force.")
    elif not accounts.same:
        raise CommandError(
            Exit.USAGE,
            f"{visible(accounts.describe(), 300)} Nothing was changed. Give another context with --context NAME,"
            " or --force to store both in this one.",
        )


def _stored_credential(context: Context) -> StoredCredential:
    """Return the stored credentials of a context.

    The result is empty if they cannot be read or belong to another service.
    """
    if context.credential_store is not None:
        try:
            old = credential_store.load(context.name, context.credential_store)
        except CredentialStoreError:
            old = None
        if old is not None and same_service(old.base_url, context.base_url):
            return old
    return StoredCredential(context.base_url)


def _store(context: Context, update: Callable[[StoredCredential], StoredCredential]) -> Context:
    with locked(credential_store.lock_file(context.name)):
        record = update(_stored_credential(context))
        store_name = credential_store.save(context.name, record)

        def change(known: Contexts) -> Contexts:
            current = known.by_name.get(context.name, context)
            signed_in = replace(
                current, credential_store=store_name, credential_kinds=record.credential_kinds
            )
            return known.put(signed_in, use=True)

        return contexts.change(change).by_name[context.name]


def _report_stored(context: Context, account: str | None) -> None:
    account_text = f" as {visible(account, 80)}" if account else ""
    if context.credential_store == credential_store.KEYRING:
        place = f"in the system keyring ({credential_store.keyring_name()})"
    else:
        path = credential_store.credentials_file(context.name)
        place = f"in {path}, readable by you alone: there is no system keyring that works"
    say(f"Signed in{account_text}. The credential is stored {place}.\n{context.name} is the current context.")
    for variable in ("MOGPLEX_TOKEN", "MOGPLEX_API_KEY"):
        if os.environ.get(variable, "").strip():
            say(f"{variable} is set in this shell and takes precedence.")
