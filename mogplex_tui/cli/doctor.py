"""`mogplex-tui doctor`: report which parts of the service a credential can use.

For each part that the credential cannot use, advice is printed (auth.md §4).
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mogplex_tui.cli.command_context import code_of, say
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.command_session import service_arguments
from mogplex_tui.cli.exit_codes import Exit

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.cli.doctor_checks import CheckResult
    from mogplex_tui.cli.output import Output
    from mogplex_tui.live.token_session_match import AccountComparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    service_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Check each route family, print a report and return the exit code.

    The code is 0 if v1 or observability can be used, otherwise that of the first error.
    """
    return run_headless(args, _doctor, reports_session=True)


async def _doctor(command: CommandSession) -> int:
    from mogplex_tui.cli.doctor_checks import DoctorChecks
    from mogplex_tui.cli.progress import progress

    checks = DoctorChecks(command)
    async with progress("Checking access"):
        results = await checks.run()
    # The checks have shown whether the session cookie is accepted.
    service = _service(command, checks.accounts)
    budget, facts = checks.budget()
    output = command.output
    if output.as_json:
        output.object("service", service)
        for result in results:
            output.object("family", result.fields())
        output.object("family", {**budget.fields(), **facts})
    else:
        advice = _credential_advice(command, checks.accounts)
        _print(command, service, [*results, budget], advice)
    from mogplex_tui.cli import key_report

    key_report.print_refused(output, key_report.override_rows(command.settings)[1])
    if _is_not_mogplex(results):
        say(f"Nothing at {service['base_url']} responds like Mogplex: check the base URL.")
    return _exit_code(results)


def _service(command: CommandSession, accounts: AccountComparison | None) -> dict[str, object]:
    from mogplex_tui import __version__

    settings, session, target = command.settings, command.session, command.session.target
    kind = "personal access token" if target.token_is_limited else "OAuth access token"
    return {
        "version": __version__,
        "base_url": target.base_url,
        "base_url_from": settings.base_url.origin,
        "token": kind if target.token else None,
        "token_from": settings.token.origin if target.token else None,
        "session_cookie_from": settings.session_cookie.origin if target.session_cookie else None,
        "session": ("expired" if session.session_expired else "in use") if target.session_cookie else None,
        "token_account": accounts.token if accounts else None,
        "session_account": accounts.cookie if accounts else None,
        "same_account": accounts.same if accounts else None,
        "read_only": settings.read_only.value,
    }


def _print(
    command: CommandSession,
    service: dict[str, object],
    results: list[CheckResult],
    advice: dict[str, list[str]],
) -> None:
    from mogplex_tui.cli.output import Column
    from mogplex_tui.operate import formatting

    token, cookie = service["token"], service["session_cookie_from"]
    expired = ", expired" if service["session"] == "expired" else ""
    facts = [
        ("service", f"{service['base_url']} (from {service['base_url_from']})"),
        ("token", f"{token} (from {service['token_from']})" if token else formatting.DASH),
        ("session", f"cookie{expired} (from {cookie})" if cookie else formatting.DASH),
        ("read-only", "yes" if service["read_only"] else "no"),
    ]
    output = command.output
    output.table([Column(""), Column("")], facts, titles=False)
    output.line("")
    columns = [
        Column("FAMILY"),
        Column("REACH"),
        Column("STATUS", right=True),
        Column("MS", right=True),
        Column(""),
    ]
    rows = [
        (
            result.family,
            result.reach,
            formatting.DASH if result.status is None else str(result.status),
            formatting.DASH if result.ms is None else str(result.ms),
            result.description,
        )
        for result in results
    ]
    output.table(columns, rows)
    _print_advice(output, results, advice)


def _credential_advice(command: CommandSession, accounts: AccountComparison | None) -> dict[str, list[str]]:
    """Return advice about the credentials, and the report lines that it applies to.

    The result maps each sentence of advice to the names of report lines.
    """
    session = command.session
    if accounts is not None and accounts.same is False:
        text = (
            f"{accounts.describe()} Runs are read as one account and started as the other."
            " Sign in with one account: mogplex-tui login --token or mogplex-tui login --session."
        )
        return {text: ["token, session"]}
    if not session.session_expired or not session.target.token_opens_unversioned_routes:
        # Without a token as a replacement the result of every family reports the expired session.
        return {}
    text = (
        "The browser session has expired; the token is used in its place."
        " Sign in again in the browser, then run mogplex-tui login --session."
    )
    return {text: ["session"]}


def _print_advice(
    output: Output, results: list[CheckResult], families_by_advice: dict[str, list[str]]
) -> None:
    """Print each piece of advice once, with the route families that it concerns."""
    for result in results:
        if result.advice:
            families_by_advice.setdefault(result.advice, []).append(result.family)
    if families_by_advice:
        output.line("")
        output.line("Next steps")
    for advice, families in families_by_advice.items():
        output.paragraph(f"{', '.join(families)}: {advice}", indent="  ")


def _is_not_mogplex(results: list[CheckResult]) -> bool:
    """Return whether a server answers, but its responses are not those of Mogplex."""
    from mogplex_tui.cli.doctor_checks import ABSENT, BROKEN, is_web_page

    answered = [result for result in results if result.status is not None]
    unusable = [result for result in answered if result.reach in (ABSENT, BROKEN)]
    has_evidence = any(
        result.reach == ABSENT or (result.error and is_web_page(result.error)) for result in unusable
    )
    return bool(answered) and len(unusable) == len(answered) and has_evidence


def _exit_code(results: list[CheckResult]) -> int:
    """Return 0 if v1 or observability can be used, else the code of the first error."""
    from mogplex_tui.cli.doctor_checks import OPEN, is_web_page

    by_family = {result.family: result for result in results}
    decisive = [by_family[name] for name in ("v1", "observability", "account")]
    if any(result.reach == OPEN for result in decisive[:2]):
        return Exit.OK
    errors = [result.error for result in results if result.error is not None]
    first_decisive = next((result.error for result in decisive if result.error is not None), None)
    error = first_decisive or (errors[0] if errors else None)
    if error is None:
        return Exit.NOT_SIGNED_IN
    return Exit.FAILED if is_web_page(error) else code_of(error)
