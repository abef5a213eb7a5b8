"""Outcomes of agent nodes: drawn at random, or chosen by words in the event.

These words are found in the title of a pull request or issue, in a comment or in the payload
of a webhook, as whole words in upper or lower case:

    fail          the model fails with an unknown error
    timeout       the model takes longer than the node allows
    ratelimit     the provider refuses the request with "too many requests"
    denied        the provider rejects the API key
    quick         the model finishes within seconds, successfully unless another word forbids it
    findings      a review has findings
    no findings   a review has no findings
"""

from __future__ import annotations

import re
from random import Random
from typing import Any, NamedTuple

from ..sample_data.loader import material
from ..workload.call_planner import pick_failure
from ..workload.rng import pick, whole
from ..workload.run_outcomes import RunOutcome, draw_outcome
from ..workload.scenario_odds import Odds
from .running_job import Job

_FAILURES = {
    "fail": "unknown",
    "timeout": "timeout",
    "ratelimit": "rate_limited",
    "denied": "authentication",
}
_CLI_FAILURES = {
    "unknown": "command_failed",
    "timeout": "stream",
    "rate_limited": "rate_limited",
    "authentication": "model_access_denied",
}
# Probability that an automation fails, divided among its agents.
_FAILING = 0.13


class AgentOutcome(NamedTuple):
    """The outcome of one agent node: amount of work, failure, and review findings.

    `failure` is a failure class and its text. `steered` is True if a word of the event chose the
    amount of work or the failure.
    """

    effort: float
    failure: tuple[str, str] | None
    findings: tuple[dict[str, Any], ...]
    steered: bool


def _contains_word(text: str, words: str) -> bool:
    return re.search(rf"\b{words}\b", text, re.IGNORECASE) is not None


def draw(rng: Random, job: Job, effort: float) -> AgentOutcome:
    """Return the outcome of one agent node, drawn at random or chosen by words.

    The words are those of the event that started the job. `effort` is the amount of work of a node
    that is not made quick by a word.
    """
    chance, unlucky, count = rng.random(), pick_failure(rng), whole(rng, 1, 3)
    findings = tuple(rng.sample(material("findings"), k=count)) if rng.random() < 0.6 else ()
    one_or_more = findings or tuple(rng.sample(material("findings"), k=1))
    text = job.event_text()
    asked = next((klass for said, klass in _FAILURES.items() if _contains_word(text, said)), None)
    quick = _contains_word(text, "quick")
    failure = unlucky if chance < _FAILING / max(1, len(job.graph.of_type("agent"))) else None
    if asked is not None:
        failure = (asked, pick(rng, material("errors")[asked]["texts"]))
    elif quick:
        failure = None
    if _contains_word(text, "no findings"):
        findings = ()
    elif _contains_word(text, "findings"):
        findings = one_or_more
    return AgentOutcome(effort * (0.15 if quick else 1.0), failure, findings, quick or asked is not None)


def draw_cli(rng: Random, job: Job, harness: str, odds: Odds) -> RunOutcome:
    """Return the outcome of one coding CLI node: its number of turns and its failure.

    Words in the event take precedence; without them the scenario's `odds` apply.
    """
    drawn, outline = draw_outcome(rng), draw(rng, job, 1.0)
    if not outline.steered:
        return odds.outcome(harness, drawn)
    turns = 1 if _contains_word(job.event_text(), "quick") else min(3, drawn.turns)
    if outline.failure is None:
        return RunOutcome(turns)
    return RunOutcome(turns, passes=False, failure=_CLI_FAILURES[outline.failure[0]])
