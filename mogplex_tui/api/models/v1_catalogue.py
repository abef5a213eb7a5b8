"""Repositories and agents as the token API lists them.

Contract: v1.md §1 and §2.
"""

from mogplex_tui.api.models.base import Flag, Inbound, Int64, Text


class Repo(Inbound):
    """A repository. Several may have the same full name; `id` tells them apart."""

    id: str
    full_name: Text = ""
    installation_id: Int64 | None = None
    default_branch: str | None = None
    root_directory: str | None = None


class AgentSummary(Inbound):
    """An agent of the account or a preset, whose id is `preset:NAME`."""

    id: str
    name: Text = ""
    slug: str | None = None
    model: str | None = None
    description: str | None = None
    category: str | None = None
    preset: Flag = False
