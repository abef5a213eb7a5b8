"""Checks whether an account can start runs (identity.md §2).

Each missing item comes with advice on how to fix it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mogplex_tui.api.models.account import User


@dataclass(frozen=True, slots=True)
class ReadinessItem:
    """The account's name, or one thing that runs need, with advice if missing."""

    id: str
    group: str
    name: str
    value: str
    ready: bool
    fix: str = ""


def readiness_items(user: User, base_url: str) -> list[ReadinessItem]:
    """Return the account's name and whether it has each thing that runs need.

    `base_url` is the address of the service, used in the advice for missing items.
    """
    step, access = user.github_primary_action, user.platform_access
    items = [
        ReadinessItem("account", "account", "signed in as", user.label, True),
        _item(
            "github",
            "GitHub",
            user.github_app_connected,
            f"{step.label}: {base_url}{step.href}" if step else "",
            user.github_status_label,
        ),
        _item(
            "platform-ai", "platform models", access.allow_platform_ai, "Add a provider key: :provider-keys"
        ),
        _item(
            "platform-sandbox",
            "platform sandboxes",
            access.allow_platform_sandbox,
            "Ask the operator of the service to allow them",
        ),
    ]
    covered, known = user.github_covered_repo_count, user.github_synced_repo_count
    if covered is not None and known is not None:
        fix = f"Install the GitHub App on them: {base_url}/projects/repositories"
        items.insert(2, _item("coverage", "repositories covered", covered > 0, fix, f"{covered} of {known}"))
    return items


def _item(id: str, name: str, ready: bool, fix: str, value: str = "") -> ReadinessItem:
    shown_value = value or ("allowed" if ready else "not allowed")
    return ReadinessItem(id, "readiness", name, shown_value, ready, "" if ready else fix)
