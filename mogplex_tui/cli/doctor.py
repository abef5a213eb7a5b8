"""`mogplex-tui doctor`: what each part of the service answers to this credential, and what helps (auth.md §4)."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.common import code_of
from mogplex_tui.cli.exits import Exit
from mogplex_tui.cli.headless import run as run_headless
from mogplex_tui.cli.headless import service_arguments

if TYPE_CHECKING:
    from mogplex_tui.api.errors import MogplexError
    from mogplex_tui.cli.headless import Setting

# A live connection that says nothing for so long is taken for broken.
LIVE_WITHIN = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    service_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Ask every family once and return 0 when at least one is open, else the code of what stands in the way."""
    return run_headless(args, _doctor)


@dataclass(slots=True)
class Finding:
    """One line of the report. `reach` is a word for scripts, `status` the HTTP status, `ms` the time of the answer."""

    family: str
    reach: str
    status: int | None = None
    ms: int | None = None
    says: str = ""
    error: MogplexError | None = None

    def fields(self) -> dict[str, Any]:
        """Return the finding as JSON fields."""
        return {
            "family": self.family,
            "reach": self.reach,
            "status": self.status,
            "ms": self.ms,
            "advice": self.says or None,
        }


class Exchanges(logging.Handler):
    """Counts what the client sends and keeps status and time of the answers, from the client's own request log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.count = 0
        self._last: tuple[int | None, int | None] = (None, None)

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one line of the log: method, path, result, milliseconds, request id."""
        if not isinstance(record.args, tuple) or len(record.args) != 5:
            return
        result, took = str(record.args[2]), record.args[3]
        self.count += 1
        ms = round(took) if isinstance(took, int | float) else None
        self._last = (int(result) if result.isdigit() else None, ms)

    def last(self) -> tuple[int | None, int | None]:
        """Return status and milliseconds of the answer that came last, and forget them."""
        last, self._last = self._last, (None, None)
        return last


class Examination:
    """Asks every family once, one after the other, so that the times are the service's own."""

    def __init__(self, setting: Setting) -> None:
        from mogplex_tui.api.budget import Priority

        self.setting, self.session = setting, setting.session
        self._client = self.session.client.at(Priority.ACTION)
        self.exchanges = Exchanges()
        self.findings: list[Finding] = []

    async def run(self) -> list[Finding]:
        """Return a finding for each family."""
        checks: tuple[tuple[str, Callable[[], Awaitable[Finding]]], ...] = (
            ("account", self._account),
            ("settings", self._settings),
            ("models", self._models),
            ("v1", self._v1),
            ("write", self._write),
            ("observability", self._observability),
            ("realtime", self._realtime),
        )
        log = logging.getLogger("mogplex.http")
        log.setLevel(logging.INFO)
        log.addHandler(self.exchanges)
        try:
            for family, check in checks:
                self.findings.append(await self._asked(family, check))
        finally:
            log.removeHandler(self.exchanges)
        return self.findings

    async def _asked(self, family: str, check: Callable[[], Awaitable[Finding]]) -> Finding:
        from mogplex_tui.api.errors import MogplexError

        if len(self.findings) >= 2 and all(each.reach == "unreachable" for each in self.findings):
            # Nobody is there; every further question would only wait as long again.
            return Finding(family, "unreachable", says="Not asked: the service does not answer.")
        self.exchanges.last()
        try:
            finding = await check()
        except MogplexError as error:
            finding = Finding(family, reach_of(error), says=str(error), error=error)
        status, ms = self.exchanges.last()
        if finding.reach != "not-asked":
            finding.status, finding.ms = status, ms
        return finding

    async def _account(self) -> Finding:
        user = await self._client.account.user()
        if user is None:
            return Finding("account", "not-signed-in", says="The service sees nobody behind this credential.")
        return Finding("account", "open", says=f"Signed in as {user.label}.")

    async def _settings(self) -> Finding:
        settings = await self._client.settings.get()
        return Finding("settings", "open", says=f"Default model {settings.default_model or 'not set'}.")

    async def _models(self) -> Finding:
        catalog = await self._client.models.list()
        if catalog.anonymous:
            return Finding(
                "models",
                "not-signed-in",
                says="Only the catalogue for visitors: the credential is not known, or over its limit.",
            )
        return Finding(
            "models", "open", says=f"{catalog.models.total} of {catalog.catalog.total} models usable."
        )

    async def _v1(self) -> Finding:
        repos = await self._client.repos.list(limit=200)
        return Finding(
            "v1", "open", says=f"The token API: runs by id, automations; {repos.total} repositories."
        )

    async def _write(self) -> Finding:
        origin = self.setting.settings.read_only
        if origin.value:
            return Finding("write", "not-asked", says=f"Not asked: {origin.origin} says read-only.")
        if await self._client.runs.may_write():
            return Finding("write", "open", says="The token may start and cancel runs.")
        return Finding(
            "write",
            "needs-scope",
            says="The token may only read. Starting and cancelling needs the write scope.",
        )

    async def _observability(self) -> Finding:
        from datetime import timedelta

        stats = await self._client.observability.stats(since=self.session.clock.now() - timedelta(days=1))
        return Finding(
            "observability",
            "open",
            says=f"All calls, events, jobs and cost; {stats.summary.total_calls} calls in 24 h.",
        )

    async def _realtime(self) -> Finding:
        from contextlib import aclosing

        from mogplex_tui.api.errors import TimedOut
        from mogplex_tui.api.realtime import Connected

        try:
            async with (
                asyncio.timeout(LIVE_WITHIN),
                aclosing(self._client.realtime.stream(["ai_calls"])) as stream,
            ):
                async for message in stream:
                    if isinstance(message, Connected):
                        break
        except TimeoutError:
            raise TimedOut(
                "The live connection opened and then said nothing", resource="live updates"
            ) from None
        return Finding("realtime", "open", says="Changes are announced as they happen.")

    def budget(self) -> tuple[Finding, dict[str, Any]]:
        """Return what this process has used of the token's request limit; the service itself never says."""
        budget, limited = self.session.budget, self.session.target.token_is_limited
        facts = {
            "requests": self.exchanges.count,
            "used": budget.used() if limited else None,
            "limit": budget.limit if limited else None,
            "window_s": budget.window if limited else None,
        }
        if not limited:
            return Finding("budget", "open", says="This credential has no request limit."), facts
        held = budget.blocked_until is not None
        says = f"{budget.used()} of {budget.limit} requests in {budget.window:.0f} s, as counted by this command."
        return Finding("budget", "throttled" if held else "open", says=says), facts


def reach_of(error: MogplexError) -> str:
    """Return the word for how far an error lets one go."""
    from mogplex_tui.api import errors

    reaches: tuple[tuple[tuple[type[MogplexError], ...], str], ...] = (
        ((errors.LoginRequired,), "needs-session"),
        ((errors.NotSignedIn,), "not-signed-in"),
        ((errors.NotAllowed,), "needs-scope"),
        ((errors.Throttled, errors.SuspectedThrottle, errors.BudgetBlocked), "throttled"),
        ((errors.Absent, errors.FeatureOff), "absent"),
        ((errors.Unreachable,), "unreachable"),
    )
    return next((word for kinds, word in reaches if isinstance(error, kinds)), "broken")


async def _doctor(setting: Setting) -> int:
    examination = Examination(setting)
    service = _service(setting)
    findings = await examination.run()
    budget, facts = examination.budget()
    output = setting.output
    if output.as_json:
        output.object("service", service)
        for finding in findings:
            output.object("family", finding.fields())
        output.object("family", {**budget.fields(), **facts})
    else:
        _print(setting, service, [*findings, budget])
    return _code(findings)


def _service(setting: Setting) -> dict[str, Any]:
    from mogplex_tui import __version__

    settings, target = setting.settings, setting.session.target
    kind = "personal access token" if target.token_is_limited else "OAuth access token"
    return {
        "version": __version__,
        "base_url": target.base_url,
        "base_url_from": settings.base_url.origin,
        "token": kind if target.token else None,
        "token_from": settings.token.origin if target.token else None,
        "session_cookie_from": settings.session_cookie.origin if target.session_cookie else None,
        "read_only": settings.read_only.value,
    }


def _print(setting: Setting, service: dict[str, Any], findings: list[Finding]) -> None:
    from mogplex_tui.cli.output import Column
    from mogplex_tui.operate import words

    token, cookie = service["token"], service["session_cookie_from"]
    facts = [
        ("service", f"{service['base_url']} (from {service['base_url_from']})"),
        ("token", f"{token} (from {service['token_from']})" if token else words.DASH),
        ("session", f"cookie (from {cookie})" if cookie else words.DASH),
        ("read-only", "yes" if service["read_only"] else "no"),
    ]
    output = setting.output
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
            each.family,
            each.reach,
            words.DASH if each.status is None else str(each.status),
            words.DASH if each.ms is None else str(each.ms),
            each.says,
        )
        for each in findings
    ]
    output.table(columns, rows)


def _code(findings: list[Finding]) -> int:
    """Return 0 when there is anything to work with, else the code of the first thing that stands in the way."""
    by_family = {finding.family: finding for finding in findings}
    decisive = [by_family[name] for name in ("v1", "observability", "account")]
    if any(finding.reach == "open" for finding in decisive[:2]):
        return Exit.OK
    errors = [finding.error for finding in findings if finding.error is not None]
    told = next((finding.error for finding in decisive if finding.error is not None), None)
    error = told or (errors[0] if errors else None)
    return Exit.NOT_SIGNED_IN if error is None else code_of(error)
