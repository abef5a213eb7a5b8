"""`mogplex-tui login`: get, verify and store a credential for a context.

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
from mogplex_tui.cli.command_context import Stop, say, told
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context, ContextError, Contexts
from mogplex_tui.config.credential_store import CredentialStoreError, StoredCredential
from mogplex_tui.config.file_locks import held
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import SettingsError, load, same_service

HOSTED = "https://mogplex.com"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the ways to sign in.

    No option takes the secret itself: process lists show arguments.
    """
    from mogplex_tui.cli.command_session import service_arguments

    service_arguments(parser)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--token",
        dest="by_token",
        action="store_true",
        help="ask for a personal access token, or read it from stdin",
    )
    ways.add_argument(
        "--session",
        dest="by_session",
        action="store_true",
        help="ask for a browser session's cookie, or read it from stdin",
    )
    ways.add_argument(
        "--hand-off",
        dest="by_hand_off",
        action="store_true",
        help="let the page /cli-auth make a token (embedded planes; hosted: retired)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="store it although the context's other credential belongs to another account",
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address only; open it yourself")


def run(arguments: argparse.Namespace) -> int:
    """Sign in, store the credential, and report where it is stored."""
    try:
        context = context_for(arguments)
        way = next(
            (way for way in ("token", "session", "hand_off") if getattr(arguments, f"by_{way}")), "code"
        )
        context, whose = sign_in(context, way, opens=not arguments.no_browser, force=arguments.force)
    except (Stop, ContextError, SettingsError, CredentialStoreError, MogplexError, OSError) as error:
        return told(error)
    if arguments.json:
        from mogplex_tui.cli.contexts import context_fields
        from mogplex_tui.cli.output import Output

        Output(as_json=True).object("context", {**context_fields(context, current=True), "account": whose})
    return Exit.OK


def context_for(arguments: argparse.Namespace) -> Context:
    """Return the context to sign in to: the named one, or the one of the service.

    Otherwise the current one. A new context has the given name, else the service's host. Raises ContextError and
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
        same = [
            each for each in known.by_name.values() if url is not None and same_service(url, each.base_url)
        ]
        if same:
            return next((each for each in same if each.name == known.current), same[0])
    if url is None:
        url = load(context="sign-in", contexts=False).base_url.value or HOSTED
    url = Target("sign-in", url).base_url
    return Context(name or _name_for(url, known), url)


def _named_service(arguments: Mapping[str, object]) -> str | None:
    found = load(arguments, context="sign-in", contexts=False).base_url
    # The config file's service counts only if there is no context at all.
    return found.value if found.origin in ("the command line", "MOGPLEX_BASE_URL", "MOGPLEX_URL") else None


def _name_for(url: str, known: Contexts) -> str:
    host = "".join(char if char.isalnum() or char in ".-" else "-" for char in Target("sign-in", url).host)
    base, number, taken = host.strip("-.")[:50] or "service", 1, {name.casefold() for name in known.by_name}
    name = base
    while name.casefold() in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def sign_in(
    context: Context, way: str, *, opens: bool = True, force: bool = False
) -> tuple[Context, str | None]:
    """Get a credential, verify it and store it in the context.

    `way` is `code`, `hand_off`, `token` or `session`. Returns the updated context and, if it is known, the account.
    Raises Stop, MogplexError, CredentialStoreError and ContextError; nothing has changed then. `force` stores a
    credential of another account than that of the context's other credential.
    """
    secret = _typed(way) if way in ("token", "session") else None
    say(f"Signing in to {context.base_url} as context {context.name}.")
    update, whose = interrupt.run(_got(context, way, secret, opens=opens))
    interrupt.run(_check_accounts(context, update, force=force))
    context = _kept(context, update)
    _say_where(context, whose)
    return context, whose


async def _got(
    context: Context, way: str, secret: Secret | None, *, opens: bool
) -> tuple[Callable[[StoredCredential], StoredCredential], str | None]:
    from mogplex_tui.cli.browser_login import by_code, by_hand_off, verified

    if way == "session":
        target = Target(context.name, context.base_url, session_cookie=secret)

        def update(record: StoredCredential) -> StoredCredential:
            return replace(record, session_cookie=target.session_cookie)
    elif way == "code":
        grant = await by_code(context.base_url, opens=opens)
        target = Target(context.name, context.base_url, token=grant.access)

        def update(record: StoredCredential) -> StoredCredential:
            return replace(record, grant=grant, token=None)
    else:
        token = secret or await by_hand_off(context.base_url, opens=opens)
        target = Target(context.name, context.base_url, token=token)

        def update(record: StoredCredential) -> StoredCredential:
            return replace(record, token=target.token, grant=None)

    return update, await verified(target, by_session=way == "session")


def _typed(way: str) -> Secret:
    """Read a secret without echo. Raises Stop for a text of the wrong form.

    The message does not quote the text.
    """
    what = "personal access token" if way == "token" else "Cookie header of a signed-in browser"
    if sys.stdin.isatty():
        import getpass

        try:
            text = getpass.getpass(f"{what[:1].upper()}{what[1:]} (not shown): ", stream=sys.stderr)
        except EOFError:
            text = ""
    else:
        text = sys.stdin.readline()
    text = text.strip()
    if not text:
        raise Stop(Exit.USAGE, f"No {what} was given. Nothing was changed.")
    if way == "token" and not text.startswith(TOKEN_PREFIX):
        raise Stop(Exit.USAGE, f"That is no personal access token: those begin with {TOKEN_PREFIX}.")
    if way == "session" and text[:7].lower() == "cookie:":
        text = text[7:].strip()
    return Secret(text)


async def _check_accounts(
    context: Context, update: Callable[[StoredCredential], StoredCredential], *, force: bool
) -> None:
    """Raise Stop if the context's two credentials belong to different accounts.

    A stored credential that the service no longer accepts does not prevent the storing of a new one.
    """
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.api.client import MogplexClient
    from mogplex_tui.api.response_errors import CredentialKind
    from mogplex_tui.live.account_match import compare

    record = update(_stored(context))
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
        raise Stop(
            Exit.USAGE,
            f"{visible(accounts.describe(), 300)} Nothing was changed. Give another context with --context NAME,"
            " or --force to store both in this one.",
        )


def _stored(context: Context) -> StoredCredential:
    """Return the stored credentials of a context.

    They are empty if they cannot be read or belong to another service.
    """
    if context.kept_in is not None:
        try:
            old = credential_store.load(context.name, context.kept_in)
        except CredentialStoreError:
            old = None
        if old is not None and same_service(old.base_url, context.base_url):
            return old
    return StoredCredential(context.base_url)


def _kept(context: Context, update: Callable[[StoredCredential], StoredCredential]) -> Context:
    with held(credential_store.lock_file(context.name)):
        record = update(_stored(context))
        where = credential_store.save(context.name, record)

        def change(known: Contexts) -> Contexts:
            now = known.by_name.get(context.name, context)
            return known.put(replace(now, kept_in=where, holds=record.holds), use=True)

        return contexts.change(change).by_name[context.name]


def _say_where(context: Context, whose: str | None) -> None:
    person = f" as {visible(whose, 80)}" if whose else ""
    if context.kept_in == credential_store.KEYRING:
        place = f"in the system keyring ({credential_store.keyring_name()})"
    else:
        path = credential_store.credentials_file(context.name)
        place = f"in {path}, readable by you alone: there is no system keyring that works"
    say(f"Signed in{person}. The credential is kept {place}.\n{context.name} is the current context.")
    for variable in ("MOGPLEX_TOKEN", "MOGPLEX_API_KEY"):
        if os.environ.get(variable, "").strip():
            say(f"{variable} is set in this shell and comes before it.")
