"""Requests that start, copy and create automations (routing.md §3, v1.md §5.3)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mogplex_tui.operate import change_results, parameter_choices
from mogplex_tui.operate.model import Change, Parameter, Result, Values

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.operate.automation_rows import AutomationRow

_TEMPLATES = ("blank", "pr-review", "dependabot-autopilot", "issue-triage")


def _repo(text: str) -> str | None:
    if not text.strip():
        raise ValueError("Give the id of a repository.")
    return None if text == parameter_choices.ANY_REPOSITORY else text.strip()


def _object(text: str) -> dict[str, object] | None:
    """Parse a JSON object; return None for an empty text.

    Raises ValueError for any other text.
    """
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError("The input must be a JSON object.")
    return value


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("An automation needs a name.")
    return text.strip()


REPO = Parameter(
    "repo",
    "repository to run in",
    _repo,
    live_choices=parameter_choices.repositories_to_run_in,
    choices_are_names=True,
)
INPUT = Parameter(
    "input",
    "JSON object that the steps of the automation can read",
    _object,
    only_in_command=True,
    accepts_stdin=True,
)
NAME = Parameter("name", "name of the automation", _name, positional=True)
TEMPLATE = Parameter("template", "template", str, default="blank", choices=_TEMPLATES)
FOR_REPO = Parameter(
    "repo",
    "repository",
    parameter_choices.parse_installed_repository,
    live_choices=parameter_choices.installed_repositories,
)


async def trigger(change: Change[AutomationRow]) -> Result:
    """Start an automation for the chosen repository.

    If no repository is chosen, the automation is started with a test event, and the service chooses
    the repository.
    """
    from mogplex_tui.api.models.automation_requests import AutomationTrigger

    repo_id, event_input = change.values[REPO], change.values[INPUT]
    if repo_id is None:
        return await test(change)
    run = await change.client.automations.trigger(
        change.key, AutomationTrigger(repo_id=repo_id, input=event_input), change.idempotency_key
    )
    is_success, sentence = change_results.trigger_result(run, is_retry=change.is_retry)
    return Result(is_success, sentence, new_id=run.job_run_id, fields=run.model_dump(mode="json"))


async def test(change: Change[AutomationRow]) -> Result:
    """Start an automation once with a test event."""
    run = await change.client.flows.test(change.key, change.values[INPUT])
    is_success, sentence = change_results.trigger_result(run)
    return Result(is_success, sentence, new_id=run.job_run_id, fields=run.model_dump(mode="json"))


async def duplicate(change: Change[AutomationRow]) -> Result:
    """Create a new automation as a copy of an automation's draft."""
    copy = await change.client.flows.duplicate(change.key)
    return Result(True, f"{{}} is copied as {change_results.escape_braces(copy.name)}.", new_id=copy.id)


async def make_webhook_secret(change: Change[AutomationRow]) -> Result:
    """Create or replace the secret that signs webhook deliveries."""
    secret = await change.client.flows.webhook_secret(change.key)
    return Result(True, "{} has a new webhook secret.", secret)


async def create(client: ClientView, values: Values) -> Result:
    """Create an automation from a template."""
    from mogplex_tui.api.models.flows import FlowDraft

    installation_id, repo = values[FOR_REPO]
    flow = await client.flows.create(
        FlowDraft(
            installation_id=installation_id,
            name=values[NAME],
            template_id=values[TEMPLATE],
            repo_full_name=repo,
        )
    )
    return Result(True, "{} is created, inactive: publish it to activate it.", new_id=flow.id)


async def publish(change: Change[AutomationRow]) -> None:
    """Publish an automation's draft.

    The request uses the same routes, unversioned or v1, as the row was read from.
    """
    routes = change.client.flows if change.row.is_flow else change.client.automations
    await routes.publish(change.key)
