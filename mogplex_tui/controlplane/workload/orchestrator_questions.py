"""Questions that orchestrators ask a person, drawn from the sample data."""

from __future__ import annotations

from random import Random
from typing import Any

from ..sample_data.loader import material
from .account import SeededAccount
from .rng import pick, whole


def draw_question(rng: Random, world: SeededAccount) -> dict[str, Any]:
    """Draw a question with tool, input, summary and urgency (routing.md §3.16)."""
    told = pick(rng, material("questions"))
    about = {"repo": pick(rng, world.own()).full_name, "n": whole(rng, 210, 1900)}
    given = {
        name: about["n"] if text == "{n}" else text.format(**about) for name, text in told["input"].items()
    }
    return {**told, "summary": told["summary"].format(**about), "input": given}
