"""Outcomes of coding runs: chosen at random, or by words in the prompt."""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from .rng import pick


class RunOutcome(NamedTuple):
    """The outcome of one coding run: its number of turns and how the run ends.

    `passes` says whether the last tests pass, `changes` whether there are changes to deliver,
    `boots` whether the sandbox boots, and `endless` whether the number of turns is practically
    unlimited. `failure` is the code of the failure, or None for a success.
    """

    turns: int
    passes: bool = True
    changes: bool = True
    failure: str | None = None
    boots: bool = True
    endless: bool = False


def draw_outcome(rng: Random) -> RunOutcome:
    """Return a random outcome of a coding run."""
    turns = pick(rng, (3, 4, 4, 5, 6, 8))
    draw = rng.random()
    if draw < 0.78:
        return RunOutcome(turns, changes=rng.random() < 0.88)
    if draw < 0.9:
        return RunOutcome(turns, passes=False, failure="command_failed")
    if draw < 0.94:
        return RunOutcome(max(1, turns // 2), passes=False, failure="stream")
    if draw < 0.98:
        return RunOutcome(1, passes=False, failure="rate_limited")
    return RunOutcome(1, passes=False, failure="model_access_denied")


_FAILURES = {
    "fail": "command_failed",
    "ratelimit": "rate_limited",
    "denied": "model_access_denied",
    "crash": "stream",
}


def _says(prompt: str, words: str) -> bool:
    return re.search(rf"\b{words}\b", prompt, re.IGNORECASE) is not None


_WORDS = (*_FAILURES, "boot error", "no changes", "quick", "long", "forever")


def is_steered(prompt: str) -> bool:
    """Return whether a prompt contains words that determine the outcome of its run."""
    return any(_says(prompt, word) for word in _WORDS)


def steered_outcome(rng: Random, prompt: str) -> RunOutcome:
    """Return the outcome that is determined by words in a prompt.

    What the words do not determine is random.
    """
    outcome = draw_outcome(rng)
    failure = next((code for word, code in _FAILURES.items() if _says(prompt, word)), None)
    if failure is not None:
        outcome = RunOutcome(min(outcome.turns, 3), passes=False, failure=failure)
    elif any(_says(prompt, word) for word in ("quick", "no changes", "long", "forever")):
        outcome = RunOutcome(outcome.turns)
    if _says(prompt, "no changes"):
        outcome = outcome._replace(changes=False)
    if _says(prompt, "quick"):
        outcome = outcome._replace(turns=1)
    elif _says(prompt, "long"):
        outcome = outcome._replace(turns=14)
    return outcome._replace(boots=not _says(prompt, "boot error"), endless=_says(prompt, "forever"))
