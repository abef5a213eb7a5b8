"""Compose the draft of an agent from a description, without a model.

library.md §2.
"""

from __future__ import annotations

import re
from typing import Any

from . import preset_agents

_LONGEST_NAME = 30
_LONGEST_DESCRIPTION = 80
_MOST_HEADINGS = 6
_CONTEXT = 200
_WORD = re.compile(r"[a-z][a-z0-9]+")
_HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
_IDLE_WORDS = (
    "a about agent all an and any are as at be by can do each every everything find finds for from give had has"
    " have help i in into is it its look looks make makes me my new of on or our please should some so that the"
    " their them then there they this to up us use want wants we when where which who will with without would you"
    " your"
)
_IDLE = frozenset(_IDLE_WORDS.split())

# Words that speak for a category; the first category with the most of them wins.
_SIGNS = {
    "nextjs": "nextjs next router middleware layout layouts",
    "performance": "fast faster slow speed latency bundle performance render renders memory cache profile",
    "api": "api apis endpoint endpoints route routes webhook webhooks rest graphql rate limit validation",
    "security": "security secure secret secrets token tokens auth vulnerability vulnerabilities injection xss csrf",
    "data": "data database sql postgres query queries migration migrations schema index indexes",
    "frontend": "frontend css design accessibility form forms component components animation responsive screen",
    "code-review": "review reviews reviewer pull pr diff merge change changes",
    "code-quality": "test tests flaky types typescript lint docs documentation refactor errors error quality",
    "seo": "seo search sitemap meta analytics marketing vitals",
}


def _name(words: list[str]) -> str:
    """Return a name for an agent, made from up to three words of its description.

    It has at most 30 characters, in upper case, with hyphens between the words.
    """
    chosen = [word for word in words if word not in _IDLE] or ["custom"]
    name = ""
    for word in dict.fromkeys(chosen):
        longer = f"{name}-{word}" if name else word[:_LONGEST_NAME]
        if len(longer) > _LONGEST_NAME or longer.count("-") > 2:
            break
        name = longer
    return name.upper()


def _category(words: list[str]) -> str:
    scores = {slug: sum(word in signs.split() for word in words) for slug, signs in _SIGNS.items()}
    best = max(scores, key=lambda slug: scores[slug])
    return best if scores[best] else "code-quality"


def _short(text: str) -> str:
    """Return the first sentence of a text on one line, cut to 80 characters."""
    line = " ".join(re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0].split())
    if len(line) <= _LONGEST_DESCRIPTION:
        return line
    return line[: _LONGEST_DESCRIPTION - 1].rpartition(" ")[0] + "…" if " " in line[:79] else line[:79] + "…"


def _context(existing: Any) -> dict[str, str]:
    """Return the name, description and category of an existing agent as far as usable.

    Name and description are cut to 200 characters. A category that is not built in is left out.
    The result is empty if `existing` is not an object.
    """
    if not isinstance(existing, dict):
        return {}
    kept = {key: value for key, value in existing.items() if isinstance(value, str) and value}
    found = {key: kept[key][:_CONTEXT] for key in ("name", "description") if key in kept}
    if kept.get("category") in preset_agents.CATEGORIES:
        found["category"] = kept["category"]
    return found


def _headings(existing: Any) -> list[str]:
    prompt = existing.get("system_prompt") if isinstance(existing, dict) else None
    return _HEADING.findall(prompt)[:_MOST_HEADINGS] if isinstance(prompt, str) else []


def _checks(category: str, words: list[str]) -> str:
    """Return the bullet points on what to look for, for a system prompt.

    They are copied from the preset of the category whose name and description share most words
    with `words`. If no preset shares a word, there is one general bullet point.
    """
    wanted = set(words) - _IDLE

    def nearness(preset: preset_agents.Preset) -> int:
        return len(wanted & set(_WORD.findall(f"{preset.name} {preset.description}".lower())))

    kin = max((preset for preset in preset_agents.PRESETS if preset.category == category), key=nearness)
    if not nearness(kin):
        return "- What the task names, where it is reachable and what it leads to"
    return preset_agents.prompt(kin).partition("## Look for\n")[2].partition("\n\n")[0]


def draft(description: str, existing: Any) -> dict[str, str]:
    """Return the name, description, category and system prompt of a drafted agent.

    If `existing` is an agent's JSON object, the draft improves that agent: it keeps the agent's
    name, its category if that is built in, and the headings of its system prompt.
    """
    words, context = _WORD.findall(description.lower()), _context(existing)
    category = context.get("category") or _category(words)
    checks = _checks(category, words)
    sections = {"Task": description.strip(), "Look for": checks}
    for heading in _headings(existing):
        sections.setdefault(
            heading, "Keep what this section asked for, as far as the task above leaves it true."
        )
    sections.setdefault("Report", "Name the file and the line, and give the smallest change that helps.")
    label = preset_agents.CATEGORIES[category]
    parts = [f"You are an agent for {label} work in this repository."]
    parts += [f"## {heading}\n{text}" for heading, text in sections.items()]
    return {
        "name": context.get("name", "")[:_LONGEST_NAME] or _name(words),
        "description": _short(description),
        "category": category,
        "system_prompt": "\n\n".join(parts),
    }
