"""The facts of a run, in groups that answer what an operator asks (runtime-model.md §8)."""

from __future__ import annotations

from datetime import datetime

from mogplex_tui.live.rows import Cost, RunRow, Source
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import duration_seconds
from mogplex_tui.operate.kinds.base import Link

# label, value, tone
Fact = tuple[str, str, str]

NEEDS_SESSION = "needs a browser session"

PROVENANCE = {
    Cost.KNOWN: "billed",
    Cost.ESTIMATED: "estimated",
    Cost.UNKNOWN: "unknown",
}


def of_run(
    row: RunRow, now: datetime, seen: datetime | None = None, *, calls_open: bool = True
) -> list[list[Fact]]:
    """Return the groups of facts of a run; what is not known is a dash, or left out where it is often absent.

    `seen` is when the run was last read, where that is not now: how long it has taken is known up to then.
    `calls_open` says whether the credential opens the calls, the only records that carry the cost of a run.
    """
    return [_place(row), _spend(row, calls_open), _times(row, now, seen or now), _ids(row)]


def of_unreadable(row: RunRow, now: datetime) -> list[list[Fact]]:
    """Return the groups of facts of a row that could not be read: when it was, and its id."""
    return [_times(row, now, now)[:2], _ids(row)]


def _place(row: RunRow) -> list[Fact]:
    facts = [
        ("repo", row.repo or words.short_id(row.repo_id), "plain"),
        ("branch", row.branch or words.DASH, "plain"),
        ("base", row.base_branch or words.DASH, "dim"),
        ("sandbox", row.sandbox_name or words.short_id(row.sandbox_id), "plain"),
        ("model", _model(row), "plain"),
        ("type", row.kind or words.DASH, "dim"),
    ]
    if row.step:
        facts.append(("step", row.step, "plain"))
    if row.pull_request:
        facts.append(("pull req", row.pull_request, "accent"))
    return facts


def _model(row: RunRow) -> str:
    if row.model and row.harness:
        return f"{words.model(row.model)} via {row.harness}"
    return words.model(row.model) if row.model else (row.harness or words.DASH)


def missing_cost(row: RunRow, calls_open: bool) -> str:
    """Return why a run without a cost has none."""
    if not row.cost_is_read:
        return "not read yet" if calls_open else NEEDS_SESSION
    if row.harness and not row.model:
        # Prices are of models; the service may still bill the run later (observability.md §6).
        return "no price for harness runs"
    if row.tokens:
        return "no price known"
    return "not known yet" if row.live else "not known"


def _spend(row: RunRow, calls_open: bool) -> list[Fact]:
    into, out = words.count(row.input_tokens), words.count(row.output_tokens)
    split = row.input_tokens is not None or row.output_tokens is not None
    tokens = f"{into} in  {out} out" if split else words.count(row.tokens)
    # The service forgets both with a cancel.
    seen = ", before the cancel" if row.before_cancel else ""
    facts = [("tokens", f"{tokens}{seen}", "plain")]
    if row.cached_tokens:
        facts.append(("cached", words.count(row.cached_tokens), "dim"))
    if row.cost is None:
        facts.append(("cost", f"{words.DASH}  {missing_cost(row, calls_open)}", "dim"))
    else:
        facts.append(
            (
                "cost",
                f"{words.money(row.cost, row.cost_source)}  {PROVENANCE[row.cost_source]}{seen}",
                "strong",
            )
        )
    return facts


def _times(row: RunRow, now: datetime, seen: datetime) -> list[Fact]:
    facts = [
        ("started", f"{words.age(row.began, now)} ago" if row.began else words.DASH, "plain"),
        ("at", words.local(row.began), "dim"),
        ("so far" if row.live else "took", words.seconds(duration_seconds(row, seen)), "plain"),
    ]
    if row.ended_at:
        facts.append(("ended", words.local(row.ended_at), "dim"))
    return facts


def _ids(row: RunRow) -> list[Fact]:
    pairs = (
        ("run", row.run_id),
        ("call", row.call_id),
        ("job", row.job_id),
        ("automation", row.automation_id),
        ("sandbox id", row.sandbox_id),
    )
    facts = [(label, value, "dim") for label, value in pairs if value]
    return facts or [("id", row.key, "dim")]


def links(row: RunRow) -> list[Link]:
    """Return the ways from a run: to its repository, what set it off, where it works, and what its model costs."""
    model = None if (row.model or "").startswith("harness:") else row.model
    ways = (
        ("repo", row.repo, "projects", row.repo_id),
        ("agent", row.who if row.who != row.harness else None, "agents", row.agent_id),
        ("job", None, "jobs", row.job_id),
        ("automation", row.who if row.source is Source.JOB else None, "automations", row.automation_id),
        ("sandbox", row.sandbox_name, "sandboxes", row.sandbox_id),
        ("model", words.model(model), "models", model),
    )
    return [Link(label, told or words.short_id(key), kind, key) for label, told, kind, key in ways if key]


def copied(row: RunRow) -> tuple[str, str]:
    """Return the id of a run, or of its call where it has none, and what it is called."""
    if row.run_id:
        return row.run_id, f"the id of run {words.short_id(row.run_id)}"
    return row.key, f"the id of {row.kind or 'call'} {words.short_id(row.key)}"


def brief(row: RunRow, now: datetime) -> list[str]:
    """Return the two lines that stand for the facts at narrow widths."""
    left = [row.repo or words.short_id(row.repo_id), row.branch or "", _model(row)]
    cost = words.money(row.cost, row.cost_source)
    right = [
        words.seconds(duration_seconds(row, now)),
        f"{words.count(row.tokens)} tokens",
        f"cost {cost}",
        f"run {words.short_id(row.run_id)}" if row.run_id else f"id {words.short_id(row.key)}",
    ]
    if row.sandbox_name:
        right.append(f"sandbox {row.sandbox_name}")
    return ["  ".join(part for part in left if part), "  ".join(right)]


def can_cancel_words(row: RunRow) -> str:
    """Return what a cancel leaves behind, for the question before it."""
    if row.source is Source.JOB:
        return "The job and its agents stop; branches and sandboxes stay."
    return "The agent stops; its branch and sandbox stay."
