"""Random questions that orchestrators ask a person, taken from the sample data."""

from __future__ import annotations

from random import Random
from typing import Any

from ..sample_data.loader import material
from .account import SeededAccount
from .rng import pick, whole


def draw_question(rng: Random, world: SeededAccount) -> dict[str, Any]:
    """Return a random question: tool, input, summary and urgency (routing.md §3.16)."""
    question = pick(rng, material("questions"))
    values = {"repo": pick(rng, world.own()).full_name, "n": whole(rng, 210, 1900)}
    given = {
        name: values["n"] if text == "{n}" else text.format(**values)
        for name, text in question["input"].items()
    }
    return {**question, "summary": question["summary"].format(**values), "input": given}
