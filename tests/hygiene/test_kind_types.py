"""A misspelt name in the declaration of a kind is an error of the type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.case_share import share_of

ROOT = Path(__file__).resolve().parents[2]
KINDS = ROOT / "mogplex_tui" / "operate" / "kinds"

# module, what stands there, what it is misspelt as
TYPOS = [
    ("mcp_servers", "lambda row: row.transport,", "lambda row: row.transprt,"),
    ("mcp_servers", 'Fact("address", lambda row: row.place)', 'Fact("address", lambda row: row.plce)'),
    ("mcp_servers", "lambda row: row.secret_names,\n", "lambda row: row.name,\n"),
    ("mcp_servers", "lambda row: row.updated_at, formats.AGE", "lambda row: row.name, formats.AGE"),
    (
        "mcp_servers",
        "            lambda row: row.enabled,\n            Family",
        "            lambda row: row.enbled,\n            Family",
    ),
    ("mcp_servers", "client.mcp_servers.delete(", "client.mcp_servers.delte("),
    ("skills", "change.client.skills", "change.clent.skills"),
    ("connections", "connections.test(change.key)", "connections.test(change.row)"),
    ("triggers", "change: Change[TriggerRow]", "change: Change[Trigger]"),
    ("mcp_servers", "Source(Family.MCP, _read_own", "Source(Family.MPC, _read_own"),
    ("mcp_servers", "is_own=True", "is_mine=True"),
    ("mcp_servers", "label=lambda row: row.name", "label=lambda row: row.is_own"),
    ("skills", 'Fact("tags", lambda row: row.tags)', 'Fact("tags", lambda row: row.tag)'),
    ("skills", "formats.count()", "formats.cuont()"),
    (
        "rules",
        'TextBlock("Content", lambda row: row.content)',
        'TextBlock("Content", lambda row: row.contents)',
    ),
    ("rules", "            lambda row: len(row.content),\n", "            lambda row: row.content,\n"),
    ("provider_keys", 'f"provider:={quoted(row.provider)}"', 'f"provider:={quoted(row.provder)}"'),
    ("provider_keys", "_verify,\n", "_verfy,\n"),
    ("api_keys", "scopes=values[SCOPES]", "scopes=values[SCOPE]"),
    ("api_keys", "expires_in_days=values[DAYS]", "expires_in_days=values[NAME]"),
    ("api_keys", "parameters=(NAME, SCOPES, DAYS)", "parameters=(NAME, SCOPES, _days)"),
    ("api_keys", "_days)\n\n\nasync def", "_scopes)\n\n\nasync def"),
    ("jobs", "change.values[VERSION]", "change.values[_VERSIONS]"),
    ("jobs", "lambda row: row.cost_usd, formats.MONEY", "lambda row: row.cost, formats.MONEY"),
    (
        "automations",
        "parameters=(requests.REPO, requests.INPUT)",
        "parameters=(requests.REPOS, requests.INPUT)",
    ),
    ("automations", "row.activity.failed_24h", "row.activity.failed_24"),
    ("approvals", "change.values[NOTE]", "change.values[_note]"),
    ("approvals", "parameters=(NOTE,)", "parameters=(_note,)"),
    ("approvals", "change.row.kind", "change.row.sort"),
    ("approvals", "_read_flows, Family.FLOWS)", "_read_flow, Family.FLOWS)"),
    ("approvals", "open_until=lambda row: row.expires_at", "open_until=lambda row: row.expires"),
    ("api_keys", "warning=_loses_access", "warnings=_loses_access"),
    ("provider_keys", "quoted(row.provider)", "quoted(row.provder)"),
    ("commands", "page_of(await client.commands.list()", "page_of(await client.rules.list()"),
    ("conversations", "Single(_read_single, _merge)", "Single(_merge, _read_single)"),
    ("conversations", "formats.sort_key(row.updated_at)", "formats.sort_key(row.updated)"),
    ("memories", "session.names.repo(row.repo_id)", "session.names.repos(row.repo_id)"),
    ("memories", "repo_name=session", "repo_nam=session"),
    ("installations", "row.missing, formats", "row.misses, formats"),
    ("installations", "tuple[tuple[str, str], ...]\n", "tuple[tuple[int, str], ...]\n"),
    ("triggers", "row.trigger.failed_24h", "row.trigger.failed_24"),
    ("triggers", "tables_are_complete=False", "table_are_complete=False"),
    ("connections", 'fact("health", lambda row: row.health,', 'fact("health", lambda row: row.healthy,'),
    (
        "connections",
        "formats.error_column(lambda row: row.last_test_error",
        "formats.error_column(lambda row: row.tested",
    ),
    ("connections", "change_results.connection_test_result(await", "answers.verification_result(await"),
    (
        "triggers",
        "activity(TriggerRow, lambda row: row.trigger)",
        "activity(TriggerRow, lambda row: row.agent)",
    ),
    (
        "connections",
        "            lambda row: row.is_enabled,\n            Family",
        "            lambda row: row.enabled,\n            Family",
    ),
    ("agents", "{each.agent_id: each", "{each.agent: each"),
    ("agents", "day.runs_24h if day", "day.runs if day"),
    ("agents", "values[CATEGORY]", "values[_category]"),
    (
        "agents",
        'Fact("forked from", lambda row: row.source_template)',
        'Fact("forked from", lambda row: row.template)',
    ),
    ("settings", "settings.default_model", "settings.default_modell"),
    ("settings", "change.values[VALUE]", "change.values[_choices]"),
    ("settings", "initial=lambda row: {VALUE: row.value}", 'initial=lambda row: {"value": row.value}'),
    ("members", "member.joined_at", "member.join_at"),
    ("members", "initial=lambda row: {ROLE: row.role}", "initial=lambda row: {ROLE: row.since}"),
    ("members", "change.row.team_id, change.row.id)", "change.row.team_id)"),
    ("teams", "join=Join(_fill)", "join=Join(_merge)"),
    ("teams", "people=single.people", "people=single.persons"),
    ("failures", "row.diagnostics.attempts", "row.diagnostics.attempt"),
    ("failures", "older=Older(_read_older,", "older=Older(_read,"),
    ("dispatch", 'Related(columns=("owner",))', 'Related(column=("whose",))'),
    ("dispatch", "name_of(row.entry.flow_id)", "name_of(row.entry.metadata)"),
    ("projects", "activity.of(row.id)", "activity.off(row.id)"),
    ("projects", "assigned=assigned[row.id]", "asigned=assigned[row.id]"),
    ("projects", "lambda row: row.day.is_partial", "lambda row: row.day.is_cut"),
    ("assignments", "values[SCHEDULE]", "values[SCHEDUL]"),
    ("models", "row.day.are_tokens_partial", "row.day.tokens_partial"),
    ("models", "replace(row, day=activity.of(row.id))", "replace(row, days=activity.of(row.id))"),
    ("models", "input_price=model.pricing_input", "input_price=model.name"),
    ("dispatch", "row.entry.outcome in _QUIET", "row.outcome in _QUIET"),
    ("contexts", "credentials=context.credential_kinds", "credentials=context.credential_store"),
]


def test_typos_in_kinds_are_errors_of_the_type_checker(tmp_path: Path, every_case: bool) -> None:
    seeded = {}
    for number, (module, right, typo) in enumerate(share_of(TYPOS, every_case)):
        source = (KINDS / f"{module}.py").read_text()
        assert right in source, right
        path = tmp_path / f"{module}_{number}.py"
        path.write_text(source.replace(right, typo, 1))
        seeded[path] = typo
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-pretty", *map(str, seeded)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # By the name alone: of a file that it has checked before, mypy repeats the path of then.
    missed = [typo for path, typo in seeded.items() if f"{path.name}:" not in checked.stdout]
    assert missed == [], checked.stdout + checked.stderr
