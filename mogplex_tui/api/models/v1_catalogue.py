"""Repositories and agents as the lists of the token API contain them.

Contract: v1.md §1 and §2.
"""

from mogplex_tui.api.models.base import Flag, Inbound, Int64, Text


class Repo(Inbound):
    """An imported repository.

    Several of them may have the same full name, if they have different root directories; `id` tells
    them apart.
    """

    id: str
    full_name: Text = ""
    installation_id: Int64 | None = None
    default_branch: str | None = None
    root_directory: str | None = None


class AgentSummary(Inbound):
    """An agent of the account, or a preset (a built-in agent).

    The id of a preset is `preset:NAME`.
    """

    id: str
    name: Text = ""
    slug: str | None = None
    model: str | None = None
    description: str | None = None
    category: str | None = None
    preset: Flag = False
