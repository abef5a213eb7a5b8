"""Repositories and agents as the token API lists them (v1.md §1, §2)."""

from mogplex_tui.api.models.base import Flag, Inbound, Int64, Text


class Repo(Inbound):
    """A repository row; several rows may share a full name, so the key is always the id."""

    id: str
    full_name: Text = ""
    installation_id: Int64 | None = None
    default_branch: str | None = None
    root_directory: str | None = None


class AgentSummary(Inbound):
    """A preset (id `preset:NAME`) or an agent of the user's own."""

    id: str
    name: Text = ""
    slug: str | None = None
    model: str | None = None
    description: str | None = None
    category: str | None = None
    preset: Flag = False
