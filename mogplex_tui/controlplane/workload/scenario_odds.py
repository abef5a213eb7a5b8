"""Apply a scenario's rules on failures and token counts to random outcomes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

from ..sample_data.loader import material
from ..scenarios.model import ModelFailures, Spend
from .call_plan import CallPlan
from .call_planner import pick_failure
from .rng import pick
from .run_outcomes import RunOutcome

Failure = tuple[str, str]

# The message of a coding CLI for each class; other classes end it like a failed command (v1.md §8.1).
_CLI = {
    "rate_limited": "rate_limited",
    "authentication": "model_access_denied",
    "timeout": "stream",
    "provider_unavailable": "stream",
}


class Odds:
    """The rules of a scenario for the failures and token counts of calls.

    Random numbers are taken from `rng` only for calls to which a rule applies, so that all other
    random outcomes stay the same.
    """

    def __init__(
        self,
        failures: tuple[ModelFailures, ...] = (),
        spend: tuple[Spend, ...] = (),
        rng: Random | None = None,
    ) -> None:
        self._failures, self._spend = failures, spend
        self._rng = rng or Random(0)

    def failure(self, model: str, drawn: Failure | None) -> Failure | None:
        """Return the failure class and error text of a model's call, or None.

        The result is `drawn`, unless a rule of the scenario makes the call fail.
        """
        met, trouble = self._met(model)
        if not met:
            return drawn
        if trouble is None:
            return pick_failure(self._rng)
        return trouble, str(pick(self._rng, material("errors")[trouble]["texts"]))

    def outcome(self, harness: str, drawn: RunOutcome) -> RunOutcome:
        """Return the outcome of a coding CLI's run.

        The result is `drawn`, unless a rule of the scenario makes the run fail.
        """
        met, trouble = self._met(f"harness:{harness}")
        if not met:
            return drawn
        code = "command_failed" if trouble is None else _CLI.get(trouble, "command_failed")
        return drawn._replace(turns=min(2, drawn.turns), passes=False, failure=code)

    def apply_spend(self, model: str, call_plan: CallPlan) -> CallPlan:
        """Return the call plan with its token counts multiplied as the scenario says.

        The factors are those of the rules that apply to `model`.
        """
        for entry in self._spend:
            if fnmatchcase(model, entry.subject):
                call_plan = with_tokens_multiplied(call_plan, entry.times)
        return call_plan

    def _met(self, subject: str) -> tuple[bool, str | None]:
        """Return at random whether a rule makes a call fail, and the rule's failure class."""
        for trouble in self._failures:
            if fnmatchcase(subject, trouble.subject) and self._rng.random() < trouble.share:
                return True, trouble.failure
        return False, None


CALM = Odds()


def with_tokens_multiplied(call_plan: CallPlan, times: float) -> CallPlan:
    """Return a call plan with its token counts multiplied by `times`.

    The total in the plan's last event is multiplied, too.
    """
    if times == 1.0 or call_plan.usage is None:
        return call_plan
    spent = call_plan.usage.scaled(times)
    payload = call_plan.ending.payload
    if "total_tokens" in payload:
        payload = {**payload, "total_tokens": spent.input + spent.output}
    return call_plan._replace(usage=spent, ending=call_plan.ending._replace(payload=payload))
