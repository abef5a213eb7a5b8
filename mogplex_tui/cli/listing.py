"""The rows of `runs list`, by the widest road that the credential opens (observability.md §2, v1.md §0)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    Absent,
    BudgetBlocked,
    LoginRequired,
    MogplexError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Throttled,
)
from mogplex_tui.api.rules import is_uuid
from mogplex_tui.cli.headless import patiently, sentence
from mogplex_tui.live import rows as make
from mogplex_tui.live.names import read_hidden, read_names
from mogplex_tui.live.own_runs import final_answer, final_run
from mogplex_tui.live.rows import RunRow
from mogplex_tui.operate import kind_rows, words
from mogplex_tui.operate.filters import compile_filter
from mogplex_tui.operate.kinds import runs

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.runs import Runs
    from mogplex_tui.live.session import Session

PAGE = 100
# So many pages are looked through for a filter; a service may hold hundreds of thousands of calls.
MOST_PAGES = 20
STATES = ("live", "pending", "streaming", "running", "cancelling", "success", "failed", "cancelled")
_ON_CALLS = {"running": "streaming"} | {
    word: word for word in ("pending", "streaming", "success", "failed", "cancelled")
}
CLOSED = (LoginRequired, NotAllowed, NotSignedIn, Absent)
"""The refusals of observability after which the token API may still answer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the runs is asked for; an empty filter lets everything pass."""

    limit: int
    states: frozenset[str] = frozenset()
    repo: str | None = None
    words: str = ""


@dataclass(slots=True)
class Listed:
    """The rows, live ones first and then the newest, and what of the whole is missing, in sentences."""

    rows: list[RunRow]
    notes: list[str] = field(default_factory=list)
    # The error that kept part of the rows away, if one did.
    trouble: MogplexError | None = None


class Listing:
    """Reads the list once."""

    def __init__(self, session: Session, runs: Runs) -> None:
        self.session, self.runs = session, runs
        self.notes: list[str] = []
        self.trouble: MogplexError | None = None
        self._repos: frozenset[str] = frozenset()
        # Answers about runs that have ended for good; they are kept and not read again.
        self._finals: dict[str, dict[str, object]] = {}

    @property
    def _client(self) -> ClientView:
        return self.session.client.at(Priority.TABLE)

    async def read(self, wanted: Wanted) -> Listed:
        """Return the newest rows that fit. Raises the error tree when no road is open."""
        await self._learn_names(wanted.repo)
        self._repos = self._known_repos(wanted.repo)
        if wanted.repo and not self._repos and await read_hidden(self.session, Priority.TABLE):
            self._repos = self._known_repos(wanted.repo)
        if wanted.repo and not self._repos and self.session.names.repos:
            self.notes.append(f"No repository of this account is called {wanted.repo}.")
        rows = await self._rows(wanted)
        if self.session.names.unsearched() and await read_hidden(self.session, Priority.TABLE):
            rows = [self.runs.dress(row) for row in rows]
        accept = self._accepts(wanted)
        order = kind_rows.order(runs.KIND, None, lambda _: self.session.clock.now())
        kept = sorted(filter(accept, rows), key=order, reverse=True)
        return Listed(kept[: wanted.limit], self.notes, self.trouble)

    async def _rows(self, wanted: Wanted) -> Sequence[RunRow]:
        if self.session.open(Family.OBSERVABILITY):
            try:
                return await self._calls(wanted)
            except CLOSED:
                # v1 has its own word on the credential, if there is one for it.
                if self.session.target.token is None:
                    raise
        finding = self.session.access.reach(Family.OBSERVABILITY)
        rows = await self._over_v1(wanted)
        self.notes.append(
            f"{finding.reason} Listed are only the runs of automations, and runs started or opened from this "
            "machine, without their costs. mogplex-tui login --session shows all; `runs get` reads any run by its id."
        )
        return rows

    def _accepts(self, wanted: Wanted) -> Callable[[RunRow], bool]:
        fits = compile_filter(
            wanted.words, kind_rows.FilterFields(runs.KIND, self.session.clock.now()).values_of
        )

        def accept(row: RunRow) -> bool:
            return (
                (not wanted.states or bool(wanted.states & _words_of(row)))
                and (not wanted.repo or self._is_in(row, wanted.repo))
                and (fits is None or fits(row))
            )

        return accept

    # Names -----------------------------------------------------------------------------------------------------

    async def _learn_names(self, wanted_repo: str | None) -> None:
        failed = (await read_names(self.session, Priority.TABLE)).repos
        if isinstance(failed, Throttled):
            by_name = wanted_repo is not None and not is_uuid(wanted_repo)
            if by_name or self.session.target.session_cookie is None:
                # Without names nobody knows which rows are of a repository; without a cookie, which no limit
                # holds back, everything that would come next is refused as well.
                raise failed
            self.notes.append(f"Repositories are shown by their ids: {sentence(failed)}")
        # Without names the rows carry ids, which is no reason to show nothing.

    def _known_repos(self, repo: str | None) -> frozenset[str]:
        if not repo:
            return frozenset()
        if is_uuid(repo):
            return frozenset([repo.lower()])
        known, asked = self.session.names.repos.items(), repo.lower()
        exact = frozenset(key for key, name in known if name.lower() == asked)
        return exact or frozenset(key for key, name in known if asked in name.lower())

    def _is_in(self, row: RunRow, repo: str) -> bool:
        if row.repo_id and row.repo_id in self._repos:
            return True
        return not self._repos and repo.lower() in (row.repo or "").lower()

    # Where observability is open -------------------------------------------------------------------------------

    async def _calls(self, wanted: Wanted) -> Sequence[RunRow]:
        accept = self._accepts(wanted)
        query = self._query(wanted)
        found: dict[str, RunRow] = {}
        page, total = 0, 1
        while page * PAGE < total and page < MOST_PAGES:
            page += 1
            total = await self._page(found, page, query)
            if page == 1 and total > PAGE and not query.keys() & {"status", "surface"}:
                # Old work that still runs belongs on top, however many calls came after it.
                await self._page(found, 1, {**query, "surface": "live"})
            if sum(map(accept, found.values())) >= wanted.limit:
                return list(found.values())
        if page * PAGE < total:
            self.notes.append(f"Looked through the newest {page * PAGE:,} of {total:,} calls.")
        return list(found.values())

    def _query(self, wanted: Wanted) -> dict[str, str]:
        query = {}
        if len(self._repos) == 1:
            query["repo_id"] = next(iter(self._repos))
        states = {_ON_CALLS.get(word, "live") for word in wanted.states}
        if len(states) == 1 and states != {"live"}:
            query["status"] = states.pop()
        elif states and states <= {"live", "pending", "streaming"}:
            query["surface"] = "live"
        return query

    async def _page(self, found: dict[str, RunRow], number: int, query: dict[str, str]) -> int:
        page = await patiently(
            lambda: self._client.observability.calls(
                page=number,
                limit=PAGE,
                status=query.get("status"),
                surface=query.get("surface"),
                repo_id=query.get("repo_id"),
            )
        )
        found.update({call.id: self.runs.dress(make.from_call(call)) for call in page.calls})
        found.update(make.marked(page.calls.bad, f"page-{number}"))
        return page.total

    # Where only v1 is open -------------------------------------------------------------------------------------

    async def _over_v1(self, wanted: Wanted) -> list[RunRow]:
        automations = (await patiently(lambda: self._client.automations.list())).rows
        names = {item.id: item.name or item.id for item in automations}
        found = await self._gather(partial(self._of_automation, key, name) for key, name in names.items())
        remembered = self.session.history.all()[: max(wanted.limit, PAGE)]
        ended = {known.run_id: run for known in remembered if (run := final_run(known)) is not None}
        found += [self.runs.dress(make.from_run(run)) for run in ended.values()]
        found += await self._gather(
            partial(self._of_run, known.run_id) for known in remembered if known.run_id not in ended
        )
        self.session.history.keep_final(self._finals)
        return found

    async def _gather(self, reads: Iterable[Callable[[], Awaitable[list[RunRow]]]]) -> list[RunRow]:
        """Read many things; what the budget or the service refuses is missing and said, the rest is there."""
        found: list[RunRow] = []
        missing = 0
        answers = await asyncio.gather(*(patiently(read) for read in reads), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, MogplexError):
                missing += 1
                if self.trouble is None or isinstance(answer, BudgetBlocked):
                    self.trouble = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer
        if missing and self.trouble is not None:
            part = words.plural(missing, "answer")
            self.notes.append(f"The list is not whole, {part} missing. {sentence(self.trouble)}")
        return found

    async def _of_automation(self, automation_id: str, name: str) -> list[RunRow]:
        runs = await self._client.automations.runs(automation_id)
        rows = [self.runs.dress(make.from_job(run, automation_id, name)) for run in runs]
        return rows + [row for _, row in make.marked(runs.bad, automation_id)]

    async def _of_run(self, run_id: str) -> list[RunRow]:
        try:
            run = await self._client.runs.get(run_id)
        except NotFound:
            # Deleted, or remembered from another account on the same service.
            return []
        final = final_answer(run, self.session.clock.now())
        if final is not None:
            self._finals[run_id] = final
        return [self.runs.dress(make.from_run(run))]


def _words_of(row: RunRow) -> set[str]:
    """Return the states that a row answers to; while it is being cancelled, what it was before is not told apart."""
    found = {row.state}
    if row.live:
        found.add("live")
    if row.state in ("streaming", "running"):
        found |= {"streaming", "running"}
    if row.state == "cancelling":
        found |= {"pending", "streaming", "running"}
    return found
