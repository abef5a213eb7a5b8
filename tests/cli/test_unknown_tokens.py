"""An unknown token count is unknown in every output format, never 0."""

from __future__ import annotations

from mogplex_tui.controlplane.calls.pricing import Tokens
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory


def _add_call_without_tokens(factory: RowFactory, **columns: object) -> str:
    return factory.call(repo_id=factory.repo("acme/api"), status="success", **columns)


async def test_runs_without_token_counts_have_none(operator: CommandRunner, factory: RowFactory) -> None:
    call = _add_call_without_tokens(factory)
    row = (await operator("runs", "list", "--json")).only_object
    names = ("tokens", "input_tokens", "output_tokens", "cached_tokens")
    assert [row[name] for name in names] == [None] * 4
    head, cells = (line.split(",") for line in (await operator("runs", "list", "--output", "csv")).lines)
    assert [cells[head.index(name)] for name in names[1:]] == [""] * 3
    assert "tokens      –" in (await operator("runs", "get", call)).out


async def test_calls_of_job_without_token_counts_have_none(
    operator: CommandRunner, factory: RowFactory
) -> None:
    job = factory.job(factory.flow(), factory.repo("acme/api"), start=True)
    _add_call_without_tokens(factory, job_run_id=job)
    shown = (await operator("jobs", "get", job, "--json")).only_object
    assert [call["total_tokens"] for call in shown["ai_calls"]] == [None]
    assert shown["latest_ai_call"]["total_tokens"] is None
    factory.call(job_run_id=job, status="success", tokens=Tokens(70, 7), started_at=factory.clock.us + 1)
    shown = (await operator("jobs", "get", job, "--json")).only_object
    assert [call["total_tokens"] for call in shown["ai_calls"]] == [None, 77]


async def test_stats_of_calls_without_token_counts_have_none(
    operator: CommandRunner, factory: RowFactory
) -> None:
    empty = (await operator("stats", "--json")).only_object["usage"]
    assert (empty["tokens"], empty["tokens_today"]) == (0, 0)
    _add_call_without_tokens(factory)
    stats = (await operator("stats", "--json")).only_object
    assert (stats["usage"]["tokens"], stats["usage"]["tokens_today"]) == (None, None)
    assert stats["by_model"] == [{"model": "harness:codex", "count": 1, "tokens": None}]
    text = (await operator("stats")).out
    assert "– tokens" not in text
    assert any(line.split() == ["tokens", "–", "(–", "today)"] for line in text.splitlines())
    assert any(line.split() == ["harness:codex", "1", "–"] for line in text.splitlines())
    csv = (await operator("stats", "--output", "csv")).lines
    assert "usage.tokens," in csv
    assert "by_model.harness:codex.tokens," in csv
