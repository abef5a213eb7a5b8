"""How a coding run goes, drawn by chance or asked for by words in its prompt.

Whole words that a person (or a test) may put into the prompt of a run started through the API, any case:

    fail          the tests never pass; the run fails with "Agent run exited with code 1."
    ratelimit     the model provider refuses; failure_code rate_limited
    denied        the model may not be used; failure_code model_access_denied
    crash         the stream breaks in the middle, as when the sandbox stops
    boot error    the sandbox cannot be launched; the run fails before any command runs
    no changes    the run ends well and delivers nothing
    quick         two or three turns of work; a success unless another word says otherwise
    long          many turns of work, some minutes
    forever       works for more than half an hour unless somebody cancels it

Without any of these the run ends well four times out of five.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from .rng import pick


class Course(NamedTuple):
    """The outline of one coding run: amount of work and end."""

    turns: int
    passes: bool = True
    changes: bool = True
    failure: str | None = None
    boots: bool = True
    endless: bool = False


def draw_course(rng: Random) -> Course:
    """Draw the outline of a run whose prompt has none of the words."""
    turns = pick(rng, (3, 4, 4, 5, 6, 8))
    draw = rng.random()
    if draw < 0.78:
        return Course(turns, changes=rng.random() < 0.88)
    if draw < 0.9:
        return Course(turns, passes=False, failure="command_failed")
    if draw < 0.94:
        return Course(max(1, turns // 2), passes=False, failure="stream")
    if draw < 0.98:
        return Course(1, passes=False, failure="rate_limited")
    return Course(1, passes=False, failure="model_access_denied")


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
    """Return whether a prompt has any of the words above."""
    return any(_says(prompt, word) for word in _WORDS)


def steered_course(rng: Random, prompt: str) -> Course:
    """Return the outline that the words of a prompt ask for."""
    course = draw_course(rng)
    failure = next((code for word, code in _FAILURES.items() if _says(prompt, word)), None)
    if failure is not None:
        course = Course(min(course.turns, 3), passes=False, failure=failure)
    elif any(_says(prompt, word) for word in ("quick", "no changes", "long", "forever")):
        course = Course(course.turns)
    if _says(prompt, "no changes"):
        course = course._replace(changes=False)
    if _says(prompt, "quick"):
        course = course._replace(turns=1)
    elif _says(prompt, "long"):
        course = course._replace(turns=14)
    return course._replace(boots=not _says(prompt, "boot error"), endless=_says(prompt, "forever"))
