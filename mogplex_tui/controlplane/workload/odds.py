"""What a scenario adds to chance: which models and harnesses fail more often than usual, and which spend more."""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

from ..sample_data.loader import material
from ..scenarios.model import Spend, Trouble
from .call_plan import Story
from .call_planner import pick_failure
from .rng import pick
from .run_outcomes import Course

Failure = tuple[str, str]

# What a coding CLI says of each class; the others end it like a failed command (v1.md §8.1).
_CLI = {
    "rate_limited": "rate_limited",
    "authentication": "model_access_denied",
    "timeout": "stream",
    "provider_unavailable": "stream",
}


class Odds:
    """Draws from `rng` where the scenario says something about a call, and from nothing otherwise.

    So a scenario that says nothing shifts nobody's story.
    """

    def __init__(
        self, failures: tuple[Trouble, ...] = (), spend: tuple[Spend, ...] = (), rng: Random | None = None
    ) -> None:
        self._failures, self._spend = failures, spend
        self._rng = rng or Random(0)

    def failure(self, model: str, drawn: Failure | None) -> Failure | None:
        """The class and text of a call's failure; `drawn` is what it would have been."""
        met, trouble = self._met(model)
        if not met:
            return drawn
        if trouble is None:
            return pick_failure(self._rng)
        return trouble, str(pick(self._rng, material("errors")[trouble]["texts"]))

    def course(self, harness: str, drawn: Course) -> Course:
        """How a run of a coding CLI goes; `drawn` is how it would have gone."""
        met, trouble = self._met(f"harness:{harness}")
        if not met:
            return drawn
        code = "command_failed" if trouble is None else _CLI.get(trouble, "command_failed")
        return drawn._replace(turns=min(2, drawn.turns), passes=False, failure=code)

    def spent(self, model: str, story: Story) -> Story:
        """The story with what its call really spends."""
        for entry in self._spend:
            if fnmatchcase(model, entry.subject):
                story = dearer(story, entry.times)
        return story

    def _met(self, subject: str) -> tuple[bool, str | None]:
        """Whether the call fails by the scenario, and with which class."""
        for trouble in self._failures:
            if fnmatchcase(subject, trouble.subject) and self._rng.random() < trouble.share:
                return True, trouble.failure
        return False, None


CALM = Odds()


def dearer(story: Story, times: float) -> Story:
    """The story with `times` its tokens, in its last event, too."""
    if times == 1.0 or story.usage is None:
        return story
    spent = story.usage.scaled(times)
    payload = story.ending.payload
    if "total_tokens" in payload:
        payload = {**payload, "total_tokens": spent.input + spent.output}
    return story._replace(usage=spent, ending=story.ending._replace(payload=payload))
