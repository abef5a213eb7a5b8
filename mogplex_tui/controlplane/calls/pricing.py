"""Estimate the cost of calls from their tokens, and add up the costs of a job run.

observability.md §6.
"""

from __future__ import annotations

from typing import NamedTuple

from ..db.database import Tx


class Tokens(NamedTuple):
    """Token counts of one call; an unknown count is None.

    `input` excludes tokens that were read from the cache.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_creation: int | None = None
    reasoning: int | None = None


Rates = tuple[float | None, float | None, float | None, float | None]


def rates(tx: Tx, model: str) -> Rates | None:
    """Return a model's prices in US dollars per token, or None for an unknown model.

    The order is input, output, cache read, cache write; a price that is not known is None.
    """
    row = tx.one(
        "SELECT pricing_input, pricing_output, pricing_cache_read, pricing_cache_write"
        " FROM models WHERE id = ?",
        (model,),
    )
    return None if row is None else (row[0], row[1], row[2], row[3])


def cost_at(tokens: Tokens, rates: Rates | None) -> float | None:
    """Return the cost of tokens in US dollars, or None if it cannot be computed.

    The result is None if `rates` is None, if all counts are unknown, if a price is missing for a
    count above 0, or if the prices of input and output are both missing. An unknown count is taken
    as 0. Missing cache prices are derived from the input price.
    """
    counts = (tokens.input, tokens.output, tokens.cache_read, tokens.cache_creation)
    if rates is None or all(count is None for count in counts):
        return None
    p_in, p_out, p_read, p_write = rates
    if p_in is not None:
        p_read = 0.1 * p_in if p_read is None else p_read
        p_write = 1.25 * p_in if p_write is None else p_write
    total = 0.0
    for count, rate in zip(counts, (p_in, p_out, p_read, p_write), strict=True):
        if count and rate is None:
            return None
        total += (count or 0) * (rate or 0.0)
    if p_in is None and p_out is None:
        return None
    return round(total, 8)


def price(tx: Tx, model: str, tokens: Tokens) -> float | None:
    """Return the cost of tokens at the model's catalogue prices, in US dollars.

    Returns None if the cost cannot be computed (see `cost_at`).
    """
    return cost_at(tokens, rates(tx, model))


def roll_up_cost(tx: Tx, job_run_id: str | None) -> None:
    """Set a job run's cost to the sum of its calls' costs, and publish the job.

    Calls of unknown cost are left out. Does nothing if `job_run_id` is None or unknown.
    """
    if job_run_id is None or tx.one("SELECT 1 FROM job_runs WHERE id = ?", (job_run_id,)) is None:
        return
    row = tx.one("SELECT SUM(cost_usd) FROM ai_calls WHERE job_run_id = ?", (job_run_id,))
    total = None if row is None or row[0] is None else round(row[0], 8)
    tx.update("job_runs", job_run_id, cost_usd=total)
    tx.record_change("job_runs", "UPDATE", None, job_run_id)
