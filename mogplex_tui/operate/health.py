"""Findings about what is unusual now, compared with the account's earlier hours.

Every function takes typed values and returns a `Finding` or None. A value is unusual if it
exceeds the median of the earlier hours by several spreads. If there are fewer than eight
samples, nothing counts as unusual.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from itertools import pairwise
from math import ceil, sqrt
from typing import NamedTuple

from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.hour_figures import HourFigures
from mogplex_tui.live.run_row import RunRow, RunSource
from mogplex_tui.operate import failure_steps, formatting
from mogplex_tui.operate.filters import quoted

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
# Fewer samples, or fewer runs, are not judged.
FEWEST = 8
# Runs from which a share is computed; hours with fewer runs are put together.
_GROUP_RUNS = 20
# Number of spreads above the median at which a cost is unusual, and a share of failures.
COST_SPREADS, SHARE_SPREADS = 5.0, 3.0
# The same for the spread that chance alone gives to a share of few runs.
CHANCE_SPREADS = 4.0
# Share of the earlier hours that must have cost less than an unusual hour.
_QUANTILE = 0.95
# An unusual cost per run, and an unusual sum of an hour, are at least this many times the usual one.
_RUN_COST_TIMES, _SUM_TIMES = 3.0, 5.0
# An hour that cost fewer dollars is no finding, however little the others cost.
_LEAST_SUM = 1.0
# Converts a median absolute deviation to a standard deviation of normally distributed values.
_SIGMA = 1.4826
# An automation that starts itself does so within this time after its end, and again and again.
_LOOP_PAUSE = timedelta(minutes=2)
_LOOP_ROUNDS = 5
# A loop's pauses are shorter than this share of the usual pause.
_LOOP_SHARE = 0.1
# Newest jobs of an automation in a repository that are searched for a loop.
_MOST_JOBS = 100


class FindingKind(IntEnum):
    """The type of a finding, in order of severity, the most severe first."""

    # Runs fail where sandboxes do not boot, so this is named before them.
    SANDBOXES = 0
    FAILED_RUNS = 1
    SPEND = 2
    LOOP = 3
    RATE_LIMIT = 4
    APPROVALS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and the list or screen that shows the records behind it.

    `text` and `short` are for the header. `explanation` says what is usual and how that was
    computed. `screen` is the name of a list or screen, and `filter` the filter of the list.
    """

    kind: FindingKind
    text: str
    short: str
    explanation: str
    screen: str
    filter: str = ""

    @property
    def is_error(self) -> bool:
        """Whether work fails or money is lost; false if something only waits."""
        return self.kind < FindingKind.RATE_LIMIT


class Usual(NamedTuple):
    """The median of samples and their spread; the spread is a standard deviation."""

    median: float
    spread: float
    samples: int


def usual(samples: Iterable[tuple[float, int]], *, fewest: int = FEWEST) -> Usual | None:
    """Return the median and spread of weighted values, or None for too few samples.

    A sample is a value and its weight. The spread is computed from the median absolute deviation,
    which single extreme hours do not change.
    """
    weighted = list(samples)
    if len(weighted) < fewest:
        return None
    middle = _median(weighted)
    deviation = _median([(abs(value - middle), weight) for value, weight in weighted])
    return Usual(middle, _SIGMA * deviation, len(weighted))


def _median(weighted: Collection[tuple[float, int]]) -> float:
    """Return the weighted median of pairs of a value and its weight.

    If exactly half of the weight is below or at a value, the result is the middle between this value
    and the next one.
    """
    half, seen = sum(weight for _, weight in weighted) / 2, 0
    lower: float | None = None
    for value, weight in sorted(weighted):
        seen += weight
        if lower is not None:
            return (lower + value) / 2
        if seen > half:
            return value
        if seen == half:
            lower = value
    return lower or 0.0


def usual_share(samples: Iterable[tuple[float, int]]) -> Usual | None:
    """Return the median and spread of hourly shares, without variation due to chance.

    A sample is the share of bad runs in an hour and the number of its runs. Hours with few runs are
    put together: most of them have no bad run at all, whatever the usual share is.
    """
    hours = list(samples)
    common = usual(_grouped(hours), fewest=1) if len(hours) >= FEWEST else None
    if common is None:
        return None
    runs = sum(weight for _, weight in hours)
    chance = common.samples * common.median * (1 - common.median) / runs
    return Usual(common.median, sqrt(max(0.0, common.spread**2 - chance)), len(hours))


def _grouped(hours: Iterable[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    """Yield the shares of groups of consecutive hours with enough runs each."""
    bad, runs = 0.0, 0
    for share, weight in hours:
        bad, runs = bad + share * weight, runs + weight
        if runs >= _GROUP_RUNS:
            yield bad / runs, runs
            bad, runs = 0.0, 0
    if runs:
        yield bad / runs, runs


def _is_unusual_share(part: int, whole: int, common: Usual) -> bool:
    """Return whether `part` of `whole` runs is more than the usual share.

    The difference must also be larger than chance explains.
    """
    if whole < FEWEST:
        return False
    likely = min(max(common.median, 0.02), 0.98)
    chance = sqrt(likely * (1 - likely) / whole)
    # Equal hours have no spread; up to twice the usual share is then still usual.
    spread = max(common.spread, common.median / SHARE_SPREADS)
    return part / whole > common.median + max(SHARE_SPREADS * spread, CHANCE_SPREADS * chance)


def earlier_hours(
    stored: Sequence[HourFigures], rows: Iterable[RunRow], now: datetime
) -> Sequence[HourFigures]:
    """Return the figures of earlier hours, from the service or computed from rows.

    The result is the list with more hours in which there were runs, so that no hour that was read
    from the service replaces a longer history.
    """
    by_hour: defaultdict[int, list[RunRow]] = defaultdict(list)
    for row in rows:
        if row.began is not None and now - WEEK <= row.began < now - HOUR and not row.live:
            by_hour[int((now - row.began) / HOUR)].append(row)
    read = sum(hour.calls > 0 for hour in stored)
    if read >= max(FEWEST, len(by_hour)):
        return stored
    return [
        HourFigures(
            len(each),
            sum(row.state == "success" for row in each) / len(each),
            sum((row.cost for row in each if row.cost is not None), Decimal(0)) or None,
        )
        for each in by_hour.values()
    ]


# Failed runs ---------------------------------------------------------------------------------------------------


def _began_after(rows: Iterable[RunRow], since: datetime) -> list[RunRow]:
    return [row for row in rows if row.began is not None and row.began >= since]


class EndedWork(NamedTuple):
    """A run or sandbox boot that has ended: when it began, and whether it failed."""

    began: datetime
    has_failed: bool


def _shares_by_hour(ends: Iterable[EndedWork], before: datetime) -> list[tuple[float, int]]:
    """Return the share of failures and the number of ends in each hour before a time."""
    counts: Counter[int] = Counter()
    bad: Counter[int] = Counter()
    for end in ends:
        if end.began < before:
            hour = int((before - end.began) / HOUR)
            counts[hour] += 1
            bad[hour] += end.has_failed
    return [(bad[hour] / runs, runs) for hour, runs in counts.items()]


def failed_runs(
    rows: Collection[RunRow], hours: Sequence[HourFigures], known_since: datetime | None, now: datetime
) -> Finding | None:
    """Return a finding if unusually many runs failed in the last hour.

    The finding is about one model, or about all runs. `hours` are figures of earlier hours. The rows
    are complete from `known_since` on.
    """
    common = usual_share((1 - hour.success_share, hour.calls) for hour in hours if hour.calls)
    if common is None:
        return None
    recent = [row for row in _began_after(rows, now - HOUR) if row.state in ("success", "failed")]
    failed = [row for row in recent if row.state == "failed"]
    blamed = Counter(_engine(row) for row in failed).most_common(1)
    if blamed and 2 * blamed[0][1] >= len(failed):
        engine = blamed[0][0]
        ran = [row for row in recent if _engine(row) == engine]
        if _is_unusual_share(blamed[0][1], len(ran), common):
            its_failed = [row for row in failed if _engine(row) == engine]
            return _failed(its_failed, len(ran), common, _span(known_since, now), engine)
    if _is_unusual_share(len(failed), len(recent), common):
        return _failed(failed, len(recent), common, _span(known_since, now), None)
    return None


def _span(known_since: datetime | None, now: datetime) -> str:
    """Return the time that the rows of the last hour cover, such as `1 h`."""
    minutes = 60 if known_since is None else min(60, max(1, int((now - known_since).total_seconds() / 60)))
    return "1 h" if minutes == 60 else f"{minutes} min"


def _engine(row: RunRow) -> tuple[str, str]:
    """Return the filter field and value for a run's model.

    If the run has no model, they are those for its coding CLI.
    """
    return ("model", row.model) if row.model else ("harness", row.harness or "")


def _failed(
    failed: Sequence[RunRow], runs: int, common: Usual, span: str, engine: tuple[str, str] | None
) -> Finding:
    name = formatting.model(engine[1]) if engine and engine[1] else None
    causes = Counter(failure_steps.class_of(row.failure_class, row.error) for row in failed).most_common(1)
    cause = causes[0][0] if 2 * causes[0][1] >= len(failed) else FailureClass.UNKNOWN
    why = None if cause is FailureClass.UNKNOWN else failure_steps.label(cause)
    sentence = (
        f"{len(failed)} of {runs} runs{f' of {name}' if name else ''} failed in {span};"
        f" usually {_percent(common.median)} do not succeed (median of {common.samples} hours)."
    )
    messages = Counter(formatting.first_line(row.cause) for row in failed if row.cause).most_common(1)
    specific = formatting.clipped(messages[0][0], 80).rstrip(".") if messages else None
    reasons = [text for text in (why, specific) if text] or [formatting.cause(failed[0].error or "")]
    if any(reasons):
        sentence += f" Most often: {': '.join(reasons)}."
    terms = ["state:failed", "age:<1h"]
    if engine and engine[1]:
        terms.append(f"{engine[0]}:={quoted(engine[1])}")
    text = f"{len(failed)} failed in {span}"
    return Finding(
        FindingKind.FAILED_RUNS,
        f"{text} ({name or why})" if name or why else text,
        f"{len(failed)} failed",
        sentence,
        "runs",
        " ".join(terms),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


# Spend ---------------------------------------------------------------------------------------------------------


def spend(current: HourFigures | None, hours: Sequence[HourFigures]) -> Finding | None:
    """Return a finding if the last hour cost unusually much, in all or per run.

    Hours without runs are not counted as usual, so that a busy hour after a quiet night is no
    finding.
    """
    if current is None or current.cost is None:
        return None
    total, each = float(current.cost), current.cost_per_call or 0.0
    sums = [(float(hour.cost), 1) for hour in hours if hour.cost]
    costs = [(cost, hour.calls) for hour in hours if (cost := hour.cost_per_call) is not None]
    usual_sum = _exceeded(total, sums, _SUM_TIMES) if total >= _LEAST_SUM else None
    usual_cost = _exceeded(each, costs, _RUN_COST_TIMES) if current.calls >= FEWEST else None
    if usual_sum is not None:
        times, text, short = total / usual_sum.median, "spend {}× usual", "{}× spend"
        sentence = (
            f"The last hour cost {_dollars(total)}; usually {_dollars(usual_sum.median)}"
            f" (median of {usual_sum.samples} hours)."
        )
        if usual_cost is not None:
            sentence += f" Its {current.calls} runs cost {_dollars(each)} each; usually {_dollars(usual_cost.median)}."
    elif usual_cost is not None:
        times, text, short = each / usual_cost.median, "cost per run {}× usual", "{}× per run"
        sentence = (
            f"The {current.calls} runs of the last hour cost {_dollars(each)} each, {_dollars(total)} in all;"
            f" usually {_dollars(usual_cost.median)} each (median of {usual_cost.samples} hours)."
        )
    else:
        return None
    # Two digits, so that the number does not change with each run.
    shown = f"{round(times, 1 - len(str(int(times)))):,.0f}" if times >= 100 else f"{times:.0f}"
    return Finding(FindingKind.SPEND, text.format(shown), short.format(shown), sentence, "observability")


def _exceeded(value: float, samples: Sequence[tuple[float, int]], least_times: float) -> Usual | None:
    """Return the usual cost if `value` exceeds it unusually far, else None.

    `samples` are the costs of earlier hours with their weights. `value` must be at least
    `least_times` the usual cost, because equal hours have no spread. It must also exceed nearly all
    samples, because hours of few runs cost very different amounts.
    """
    common = usual(samples)
    if common is None or common.median <= 0:
        return None
    if value <= common.median + max(COST_SPREADS * common.spread, (least_times - 1) * common.median):
        return None
    ordered = sorted(cost for cost, _ in samples)
    return common if value > ordered[ceil(_QUANTILE * len(ordered)) - 1] else None


def _dollars(amount: float) -> str:
    return f"~${amount:,.2f}" if amount >= 0.1 else f"~${amount:.3f}"


# Loops ---------------------------------------------------------------------------------------------------------


class _Job(NamedTuple):
    """The time from the first start to the last end of an automation's job."""

    began: datetime
    ended: datetime
    is_live: bool


def _jobs(rows: Iterable[RunRow], now: datetime) -> dict[tuple[str, str], list[_Job]]:
    """Return the jobs of each pair of automation type and repository, oldest first."""
    parts: defaultdict[tuple[str, str, str], list[RunRow]] = defaultdict(list)
    for row in rows:
        if row.job_id and row.repo and row.began is not None:
            starter = row.who if row.source is RunSource.JOB else row.kind
            parts[starter or "", row.repo, row.job_id].append(row)
    jobs: defaultdict[tuple[str, str], list[_Job]] = defaultdict(list)
    for (starter, repo, _), calls in parts.items():
        began = min(row.began for row in calls if row.began is not None)
        ended = max(now if row.live else row.ended_at or row.began or began for row in calls)
        # Agents of a job work one after another, and the second may repeat the type of an earlier one.
        jobs[starter, repo].append(_Job(began, ended, any(row.live for row in calls)))
    for each in jobs.values():
        each.sort()
    return jobs


def loop(rows: Iterable[RunRow], now: datetime) -> Finding | None:
    """Return a finding if an automation starts repeatedly, right after its own end."""
    jobs = _jobs(rows, now)
    looping = max(jobs, key=lambda pair: _rounds(jobs[pair], _LOOP_PAUSE, now)[0], default=None)
    if looping is None or _rounds(jobs[looping], _LOOP_PAUSE, now)[0] < _LOOP_ROUNDS:
        return None
    common = usual((pause, 1) for pause in _pauses(jobs, looping))
    if common is None:
        return None
    limit = min(_LOOP_PAUSE, timedelta(seconds=common.median * _LOOP_SHARE))
    rounds, longest = _rounds(jobs[looping], limit, now)
    return _loop(rounds, looping, longest, common) if rounds >= _LOOP_ROUNDS else None


def _pauses(jobs: Mapping[tuple[str, str], Sequence[_Job]], left_out: tuple[str, str]) -> Iterator[float]:
    """Yield the seconds between the jobs of each automation type in each repository.

    The pair `left_out` is not counted: its jobs would make a long loop look usual.
    """
    by_starter: defaultdict[str, list[_Job]] = defaultdict(list)
    for pair, each in jobs.items():
        if pair != left_out:
            by_starter[pair[0]] += each
    for each in by_starter.values():
        for before, after in pairwise(sorted(each)):
            if after.began > before.ended:
                yield (after.began - before.ended).total_seconds()


def _rounds(jobs: Sequence[_Job], limit: timedelta, now: datetime) -> tuple[int, timedelta]:
    """Return the length and the longest pause of the longest chain of jobs going on.

    In a chain, each job began within `limit` after the end of the previous one. Other jobs may
    overlap the chain. Returns zeros if no chain is going on.
    """
    jobs = jobs[-_MOST_JOBS:]
    chains: list[tuple[int, timedelta]] = []
    for place, job in enumerate(jobs):
        linked = [
            (chains[number][0] + 1, max(chains[number][1], job.began - before.ended))
            for number, before in enumerate(jobs[:place])
            if timedelta(0) <= job.began - before.ended <= limit
        ]
        chains.append(max(linked, default=(1, timedelta(0))))
    going_on = [
        chain for job, chain in zip(jobs, chains, strict=True) if job.is_live or now - job.ended <= limit
    ]
    return max(going_on, default=(0, timedelta(0)))


def _loop(rounds: int, pair: tuple[str, str], longest: timedelta, common: Usual) -> Finding:
    starter, repo = pair
    name = starter.replace("_", " ") or "automation"
    terms = [f"repo:={quoted(repo)}"]
    if starter:
        terms.append(f"type:={quoted(starter)}")
    return Finding(
        FindingKind.LOOP,
        f"loop: {name} in {repo}, round {rounds}",
        f"loop: {name}, round {rounds}",
        f"{name} in {repo} ran {rounds} times in a row, each time within"
        f" {formatting.seconds(max(1.0, longest.total_seconds()))} of its own end; usually"
        f" {formatting.seconds(common.median)} pass between two jobs of an automation"
        f" (median of {common.samples} pauses).",
        "runs",
        " ".join(terms),
    )


# Sandboxes -----------------------------------------------------------------------------------------------------


def broken_sandboxes(boots: Collection[EndedWork], now: datetime) -> Finding | None:
    """Return a finding if an unusual share of the last hour's sandboxes did not boot."""
    common = usual_share(_shares_by_hour(boots, now - HOUR))
    recent = [boot for boot in boots if boot.began >= now - HOUR]
    broken = sum(boot.has_failed for boot in recent)
    if common is None or not _is_unusual_share(broken, len(recent), common):
        return None
    return Finding(
        FindingKind.SANDBOXES,
        f"{broken} sandboxes did not boot",
        f"{broken} boots failed",
        f"{broken} of {len(recent)} sandboxes did not boot in the last hour; usually {_percent(common.median)}"
        f" (median of {common.samples} hours).",
        "sandboxes",
        "state:error age:<1h",
    )


# Waiting -------------------------------------------------------------------------------------------------------


def approvals(count: int, created: Iterable[datetime | None], now: datetime) -> Finding | None:
    """Return a finding if many approvals are waiting.

    `count` is their number, and `created` are the creation times that are known.
    """
    if count < FEWEST:
        return None
    ages = sorted((now - at).total_seconds() for at in created if at is not None)
    sentence = f"{count} approvals wait for a person."
    if len(ages) >= FEWEST:
        sentence += (
            f" Half of them wait for more than {formatting.seconds(ages[(len(ages) - 1) // 2])},"
            f" the oldest for {formatting.seconds(ages[-1])}."
        )
    return Finding(FindingKind.APPROVALS, f"{count} approvals", str(count), sentence, "approvals")


def rate_limit(wait: float) -> Finding:
    """Return the finding that the service refuses reads for another `wait` seconds."""
    text = f"API rate limited {max(1, round(wait))}s"
    return Finding(
        FindingKind.RATE_LIMIT,
        text,
        text,
        "The service answered 429, too many requests. Reads wait until the limit ends; changes are still sent.",
        "observability",
    )
