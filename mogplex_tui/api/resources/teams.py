"""Teams: memberships, members, models, keys, installations and the audit log."""

from __future__ import annotations

from collections.abc import Iterable

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Page, Rows
from mogplex_tui.api.models.invites import RoleDraft
from mogplex_tui.api.models.keys import ProviderKeyDraft, ProviderName
from mogplex_tui.api.models.teams import (
    Allowlist,
    AuditEvent,
    Memberships,
    Roster,
    SlugCheck,
    Team,
    TeamDraft,
    TeamIcon,
    TeamInstallation,
    TeamKeys,
    TeamModels,
)
from mogplex_tui.api.request_checks import installation_number, path_id
from mogplex_tui.api.resources.base import Resource, advice_for_500
from mogplex_tui.api.safe_text import short_id
from mogplex_tui.api.upload import image_format, multipart_form
from mogplex_tui.config.secret import Secret

_FIRST_PAGE_ONLY = "The hosted service cannot read past the first page of the audit log"


class TeamsResource(Resource):
    """Teams, at `/api/memberships` and `/api/teams`.

    The hosted service accepts only a session cookie on these routes. A team id is a UUID. Each
    method with a team id raises NotFound for an unknown team, and NotAllowed if the caller is not a
    member of the team or has a role that does not permit the request.

    Contract: identity.md §7 and §8.
    """

    async def memberships(self) -> Memberships:
        """Return the account and its teams, with the account's role in each team.

        The teams are sorted by name. The service has no other list of teams.
        """
        return (await self._get("/api/memberships", "the teams")).one(Memberships)

    async def create(self, name: str, slug: str) -> Team:
        """Create a team whose owner is the caller, and return the team.

        Raises Conflict if another team has the slug, and BadRequest if the slug is reserved.
        """
        draft = TeamDraft(name=name, slug=slug)
        response = await self._change("POST", "/api/teams", f"team {draft.slug}", body=draft.set_fields())
        return response.one(Team, "team")

    async def check_slug(self, slug: str) -> SlugCheck:
        """Return whether a slug can be used for a new team, and the reason if it cannot."""
        return (await self._get("/api/teams/slug-check", "the slug", slug=slug)).one(SlugCheck)

    async def members(self, team_id: str) -> Roster:
        """Return a team with its members, its open invites and the caller's role."""
        path, resource = _team(team_id, "members")
        return (await self._get(path, resource)).one(Roster)

    async def set_role(self, team_id: str, user_id: str, role: str) -> None:
        """Change the role of another member of a team.

        Admins can change the roles only of developers and viewers. Nobody can change their own role.
        """
        path, resource, draft = *_member(team_id, user_id), RoleDraft(role=role)
        await self._change("PATCH", path, resource, body=draft.set_fields())

    async def remove_member(self, team_id: str, user_id: str) -> None:
        """Remove another member from a team.

        Raises NotFound if the user is not a member of the team, and NotAllowed if the user is the
        caller.
        """
        path, resource = _member(team_id, user_id)
        await self._change("DELETE", path, resource)

    async def models(self, team_id: str) -> TeamModels:
        """Return the ids of the models that a team allows."""
        path, resource = _team(team_id, "models")
        return (await self._get(path, resource)).one(TeamModels)

    async def allow_models(self, team_id: str, model_ids: Iterable[str] | None) -> None:
        """Set the models that a team allows.

        None allows all models, an empty list allows no model. Raises BadRequest for unknown models; the
        message of the error names them.
        """
        path, resource = _team(team_id, "models")
        allowlist = Allowlist(model_allowlist=None if model_ids is None else list(model_ids))
        await self._change("PATCH", path, resource, body=allowlist.body())

    async def keys(self, team_id: str) -> TeamKeys:
        """Return the model providers for which the team has stored a key."""
        path, resource = _team(team_id, "keys")
        return (await self._get(path, resource)).one(TeamKeys)

    async def put_key(self, team_id: str, provider: str, key: Secret | str) -> None:
        """Store a team's key for a model provider, replacing an old key."""
        path, resource = _team(team_id, "keys")
        draft = ProviderKeyDraft(provider=provider, key=Secret(key))
        await self._change("PUT", path, resource, body=draft.body())

    async def delete_key(self, team_id: str, provider: str) -> None:
        """Delete a team's key for a model provider; do nothing if there is no such key."""
        path, resource = _team(team_id, "keys")
        named = ProviderName(provider=provider)
        await self._change("DELETE", path, resource, body=named.set_fields())

    async def audit(self, team_id: str, cursor: str | None = None) -> Page[AuditEvent]:
        """Return one page of 25 entries of a team's audit log, the newest first.

        The hosted service raises ServiceFailed for every cursor, so only the first page can be read
        there. Contract: identity.md §8.
        """
        path, resource = _team(team_id, "audit-events", "the audit log")
        if cursor is None:
            response = await self._get(path, resource)
        else:
            with advice_for_500(_FIRST_PAGE_ONLY):
                response = await self._get(path, resource, cursor=cursor)
        following = response.data.get("nextCursor") if isinstance(response.data, dict) else None
        return Page(response.rows(AuditEvent, "events"), following if isinstance(following, str) else None)

    async def set_icon(self, team_id: str, picture: bytes) -> TeamIcon:
        """Set a team's icon, and return the icon's URL.

        `picture` is the content of a PNG, JPEG, GIF or WEBP file of at most 2 MiB; other content raises
        InvalidInput.
        """
        path, resource = _team(team_id, "icon", "the picture")
        kind = image_format(picture)
        form = multipart_form("file", picture, f"icon.{kind}", f"image/{kind}")
        return (await self._change("POST", path, resource, content=form, extra_wait=30)).one(TeamIcon)

    async def remove_icon(self, team_id: str) -> TeamIcon:
        """Remove a team's icon, and return the URL of the icon, which is then None."""
        path, resource = _team(team_id, "icon", "the picture")
        return (await self._change("DELETE", path, resource)).one(TeamIcon)

    async def installations(self, team_id: str) -> Rows[TeamInstallation]:
        """Return the installations of the GitHub App that belong to a team."""
        path, resource = _team(team_id, "installations")
        return (await self._get(path, resource)).rows(TeamInstallation, "installations")

    async def attach_installation(self, team_id: str, number: int) -> TeamInstallation:
        """Give one of the caller's own GitHub App installations to a team, and return it.

        Raises Conflict if the installation belongs to another team.
        """
        path, resource = _team(team_id, "installations")
        body = {"installation_id": installation_number(number)}
        return (await self._change("POST", path, resource, body=body)).one(TeamInstallation, "attached")

    async def detach_installation(self, team_id: str, number: int) -> None:
        """Take a GitHub App installation away from a team.

        Raises NotFound if the installation does not belong to the team.
        """
        path, resource = _team(team_id, "installations")
        await self._change("DELETE", f"{path}/{installation_number(number)}", resource)

    async def transfer_ownership(self, team_id: str, next_owner_id: str) -> None:
        """Make an admin of a team its owner; the caller becomes an admin."""
        path, resource = _team(team_id, "ownership")
        body = {"next_owner_user_id": path_id(next_owner_id, "member")}
        await self._change("POST", path, resource, body=body)


def _team(team_id: str, part: str, label: str | None = None) -> tuple[str, str]:
    record = path_id(team_id, "team")
    return f"/api/teams/{record}/{part}", f"{label or f'the {part}'} of team {short_id(record)}"


def _member(team_id: str, user_id: str) -> tuple[str, str]:
    path, resource = _team(team_id, "members", "a member")
    if not user_id.strip():
        raise errors.InvalidInput("Choose a member", resource=resource)
    return f"{path}/{path_id(user_id, 'member')}", resource
