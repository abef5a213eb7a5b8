"""Capabilities of the team roles (identity.md §1.5, auth.md §10)."""

from __future__ import annotations

from typing import NamedTuple

ROLES = ("owner", "admin", "developer", "viewer")
MANAGERS = ("owner", "admin")

# What each role may do; "*" is everything and "a.*" covers a, a.b and a.b.c.
ROLE_CAPABILITIES: dict[str, tuple[str, ...]] = {
    "owner": ("*",),
    "admin": ("*",),
    "developer": (
        "models.*",
        "tools.bash",
        "tools.write_file",
        "tools.web_search",
        "tools.web_fetch",
        "tools.virtual_exec",
        "tools.github_api",
        "tools.memories",
        "connections.create",
        "projects.write",
    ),
    "viewer": ("models.*", "tools.web_search", "tools.web_fetch", "tools.virtual_exec"),
}


class ActiveTeam(NamedTuple):
    """The id of a request's team and the caller's role in it.

    The role is None if the caller is not a member.
    """

    id: str
    role: str | None


def may(role: str | None, capability: str) -> bool:
    """Return whether a role has a capability.

    A role has the capabilities in its list: "*" stands for all of them, "a.*" for "a" and everything
    below "a".
    """
    for held in ROLE_CAPABILITIES.get(role or "", ()):
        if held in ("*", capability):
            return True
        stem = held.removesuffix(".*")
        if stem != held and (capability == stem or capability.startswith(stem + ".")):
            return True
    return False
