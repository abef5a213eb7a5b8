"""The built-in agents that every account has (v1.md §2)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

_PROMPTS = Path(__file__).with_name("preset_prompts.json")


class Preset(NamedTuple):
    """A built-in agent.

    `prompt` returns its system prompt, which is stored in a file.
    """

    category: str
    name: str
    description: str


PRESETS = (
    Preset("nextjs", "NEXTJS-REVIEWER", "Reads Next.js changes for what breaks between server and client."),
    Preset("nextjs", "APP-ROUTER-PATTERNS", "Checks layouts, loading states and route groups."),
    Preset("nextjs", "NEXT-CACHING", "Finds pages that are cached too long or not at all."),
    Preset("nextjs", "MIDDLEWARE-PATTERNS", "Reviews matchers, redirects and what runs on every request."),
    Preset("nextjs", "IMAGE-OPTIMIZATION", "Finds images sent larger than they are shown."),
    Preset("performance", "ASYNC-WATERFALL", "Finds awaits that could run side by side."),
    Preset("performance", "BUNDLE-SIZE", "Names the imports that make the bundle heavy."),
    Preset("performance", "SERVER-PERF", "Looks for slow work on the request path."),
    Preset("performance", "CLIENT-FETCH", "Finds data fetched twice or too late in the browser."),
    Preset("performance", "RERENDER-OPT", "Finds components that render without a reason."),
    Preset("performance", "RENDERING-PERF", "Looks at layout shifts and long paints."),
    Preset("performance", "JS-PERF", "Finds hot loops and needless copies."),
    Preset("performance", "ADVANCED-PATTERNS", "Suggests streaming, deferral and splitting where they pay."),
    Preset("performance", "REACT-PERF", "Reviews memo, keys and state that sits too high."),
    Preset("api", "API-DESIGN", "Reviews names, status codes and the shape of answers."),
    Preset("api", "SERVER-ACTIONS", "Checks that server actions validate and authorise."),
    Preset("api", "RATE-LIMITING", "Finds routes that anyone may call without end."),
    Preset("api", "WEBHOOK-SECURITY", "Checks signatures, replay and time-outs of webhooks."),
    Preset("api", "API-VALIDATION", "Finds input that reaches the database unchecked."),
    Preset("security", "SECURITY-SCAN", "Looks for reachable weaknesses in a change."),
    Preset("security", "AUTH-PATTERNS", "Reviews sessions, tokens and who may do what."),
    Preset("security", "SECRETS-AUDIT", "Finds credentials in code, logs and history."),
    Preset("security", "CORS-CSP", "Checks origins and content policies."),
    Preset("data", "SUPABASE-PATTERNS", "Reviews row policies and client keys."),
    Preset("data", "POSTGRES-OPT", "Finds missing indexes and slow plans."),
    Preset("data", "EDGE-FUNCTIONS", "Checks limits and cold starts of edge code."),
    Preset("frontend", "A11Y-AUDIT", "Finds what a keyboard or a screen reader cannot reach."),
    Preset("frontend", "TAILWIND-CLEANUP", "Removes classes that cancel each other out."),
    Preset("frontend", "DESIGN-SYSTEM", "Finds components that bypass the design system."),
    Preset("frontend", "ANIMATION-PERF", "Finds animations that cost layout."),
    Preset("frontend", "RESPONSIVE-DESIGN", "Checks narrow and very wide screens."),
    Preset("frontend", "FORM-PATTERNS", "Reviews labels, errors and lost input."),
    Preset("code-review", "PR-REVIEWER", "Reviews a pull request like a careful colleague."),
    Preset("code-quality", "TYPESCRIPT-STRICT", "Replaces any and silent casts by types."),
    Preset("code-quality", "DOCUMENTATION", "Keeps comments and guides true to the code."),
    Preset("code-quality", "AI-SDK-PATTERNS", "Reviews model calls, streaming and tool use."),
    Preset("code-quality", "ERROR-HANDLING", "Finds errors that are swallowed or shown raw."),
    Preset("code-quality", "CODE-ORGANIZATION", "Suggests where code belongs."),
    Preset("seo", "SEO-AUDIT", "Checks titles, links and structured data."),
    Preset("seo", "CORE-WEB-VITALS", "Explains what moves the vitals of a page."),
    Preset("seo", "ANALYTICS-SETUP", "Checks that events are named and sent once."),
)


# The categories that every account has without owning them (library.md §4).
CATEGORIES = {
    "nextjs": "Next.js",
    "performance": "Performance",
    "api": "API & Backend",
    "security": "Security",
    "data": "Data & Databases",
    "frontend": "Frontend & Design",
    "code-review": "PR Review",
    "code-quality": "Code Quality",
    "seo": "SEO & Marketing",
}


@cache
def _by_name() -> dict[str, Preset]:
    return {preset.name: preset for preset in PRESETS}


def by_name(name: str) -> Preset | None:
    """Return the preset with the name `name`, or None if there is none."""
    return _by_name().get(name)


@cache
def _prompts() -> dict[str, str]:
    parts = json.loads(_PROMPTS.read_text(encoding="utf-8"))
    return {name: _written(**part) for name, part in parts.items()}


def _written(role: str, look: list[str], leave: list[str]) -> str:
    """Return the text of a system prompt from its parts.

    `role` is the first paragraph, `look` lists what to look for and `leave` what to ignore. A last
    section, the same for all prompts, says how to report.
    """
    bullets = ["\n".join(f"- {line}" for line in lines) for lines in (look, leave)]
    return (
        f"{role}\n\n## Look for\n{bullets[0]}\n\n## Leave alone\n{bullets[1]}\n\n## Report\n"
        "Name the file and the line, say what a person would notice, and give the smallest change that"
        " helps. Order by harm. If nothing is wrong, say so in one sentence."
    )


def prompt(preset: Preset) -> str:
    """Return the system prompt of a preset; the file of prompts is read only once."""
    return _prompts()[preset.name]
