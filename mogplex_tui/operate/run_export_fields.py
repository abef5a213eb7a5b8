"""The fields of a run in JSON and CSV output.

A run is combined from several routes, so no single record of the service has them all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from mogplex_tui.live.run_row import RunRow
from mogplex_tui.operate.run_facts import about

# Times have a zone; durations are in milliseconds. A cost is a decimal, or None with the reason in `cost_source`.
FIELDS: Mapping[str, Callable[[RunRow], object]] = {
    "id": lambda row: row.run_id or row.key,
    "source": lambda row: row.source.value,
    "state": lambda row: row.state,
    "live": lambda row: row.live,
    "run_id": lambda row: row.run_id,
    "call_id": lambda row: row.call_id,
    "job_id": lambda row: row.job_id,
    "automation_id": lambda row: row.automation_id,
    "repo_id": lambda row: row.repo_id,
    "repo": lambda row: row.repo,
    "who": lambda row: row.who,
    "harness": lambda row: row.harness,
    "type": lambda row: row.kind,
    "model": lambda row: row.model,
    "branch": lambda row: row.branch,
    "base_branch": lambda row: row.base_branch,
    "created_at": lambda row: row.created_at,
    "started_at": lambda row: row.started_at,
    "ended_at": lambda row: row.ended_at,
    "duration_ms": lambda row: row.duration_ms,
    "input_tokens": lambda row: row.input_tokens,
    "output_tokens": lambda row: row.output_tokens,
    "cached_tokens": lambda row: row.cached_tokens,
    "tokens": lambda row: row.tokens,
    "cost_usd": lambda row: row.cost,
    "cost_source": lambda row: row.cost_source.value,
    "error": lambda row: row.error,
    "failure_class": lambda row: row.failure_class,
    "cause": lambda row: row.cause,
    "sandbox_id": lambda row: row.sandbox_id,
    "sandbox": lambda row: row.sandbox_name,
    "pull_request": lambda row: row.pull_request,
    "cancel_requested": lambda row: row.cancel_requested or row.state == "cancelling",
    "about": about,
    "prompt": lambda row: row.prompt,
    "unreadable": lambda row: row.unreadable,
    "raw": lambda row: None if row.raw is None else json.loads(row.raw),
}
