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

    The hosted service requires a session. A team id is a UUID. Each method with a team id raises
    NotFound for an unknown team, and NotAllowed if the caller is not a member or the caller's role
    is not sufficient.

    Contract: identity.md §7 and §8.
    """

    async def memberships(self) -> Memberships:
        """Return the account, and its teams by name with the account's role in each.

        The service has no other list of teams.
        """
        return (await self._get("/api/memberships", "the teams")).one(Memberships)

    async def create(self, name: str, slug: str) -> Team:
        """Create a team, owned by the caller, and return it.

        Raises Conflict if the slug is in use, and BadRequest if it is reserved.
        """
        draft = TeamDraft(name=name, slug=slug)
        response = await self._change("POST", "/api/teams", f"team {draft.slug}", body=draft.set_fields())
        return response.one(Team, "team")

    async def check_slug(self, slug: str) -> SlugCheck:
        """Return whether a slug is free, and if not, why."""
        return (await self._get("/api/teams/slug-check", "the slug", slug=slug)).one(SlugCheck)

    async def members(self, team_id: str) -> Roster:
        """Return the team, the caller's role, the members and the open invites."""
        path, resource = _team(team_id, "members")
        return (await self._get(path, resource)).one(Roster)

    async def set_role(self, team_id: str, user_id: str, role: str) -> None:
        """Change the role of another member.

        Admins may change only developers and viewers. Members cannot change their own role.
        """
        path, resource, draft = *_member(team_id, user_id), RoleDraft(role=role)
        await self._change("PATCH", path, resource, body=draft.set_fields())

    async def remove_member(self, team_id: str, user_id: str) -> None:
        """Remove another member from the team.

        Raises NotFound if the user is not a member, and NotAllowed if the user is the caller.
        """
        path, resource = _member(team_id, user_id)
        await self._change("DELETE", path, resource)

    async def models(self, team_id: str) -> TeamModels:
        """Return the models that the team allows."""
        path, resource = _team(team_id, "models")
        return (await self._get(path, resource)).one(TeamModels)

    async def allow_models(self, team_id: str, model_ids: Iterable[str] | None) -> None:
        """Set the models that the team allows; None allows all models, an empty list none.

        Raises BadRequest for unknown models; its message names them.
        """
        path, resource = _team(team_id, "models")
        allowlist = Allowlist(model_allowlist=None if model_ids is None else list(model_ids))
        await self._change("PATCH", path, resource, body=allowlist.body())

    async def keys(self, team_id: str) -> TeamKeys:
        """Return the model providers for which the team has stored a key."""
        path, resource = _team(team_id, "keys")
        return (await self._get(path, resource)).one(TeamKeys)

    async def put_key(self, team_id: str, provider: str, key: Secret | str) -> None:
        """Set or replace the team's key for a model provider."""
        path, resource = _team(team_id, "keys")
        draft = ProviderKeyDraft(provider=provider, key=Secret(key))
        await self._change("PUT", path, resource, body=draft.body())

    async def delete_key(self, team_id: str, provider: str) -> None:
        """Delete the team's key for a model provider.

        Does nothing if the team has no key for it.
        """
        path, resource = _team(team_id, "keys")
        named = ProviderName(provider=provider)
        await self._change("DELETE", path, resource, body=named.set_fields())

    async def audit(self, team_id: str, cursor: str | None = None) -> Page[AuditEvent]:
        """Return one page of 25 events of the audit log, the newest first.

        The hosted service raises ServiceFailed for every cursor, so there only the first page can be read. Contract:
        identity.md §8.
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
        """Set the team's icon, and return the icon's URL.

        The picture is a PNG, JPEG, GIF or WEBP file of at most 2 MiB; others raise InvalidInput.
        """
        path, resource = _team(team_id, "icon", "the picture")
        kind = image_format(picture)
        form = multipart_form("file", picture, f"icon.{kind}", f"image/{kind}")
        return (await self._change("POST", path, resource, content=form, extra_wait=30)).one(TeamIcon)

    async def remove_icon(self, team_id: str) -> TeamIcon:
        """Remove the team's icon, and return the icon's URL, which is then empty."""
        path, resource = _team(team_id, "icon", "the picture")
        return (await self._change("DELETE", path, resource)).one(TeamIcon)

    async def installations(self, team_id: str) -> Rows[TeamInstallation]:
        """Return the GitHub installations of the team."""
        path, resource = _team(team_id, "installations")
        return (await self._get(path, resource)).rows(TeamInstallation, "installations")

    async def attach_installation(self, team_id: str, number: int) -> TeamInstallation:
        """Attach one of the caller's own installations to the team, and return it.

        Raises Conflict if it belongs to another team.
        """
        path, resource = _team(team_id, "installations")
        body = {"installation_id": installation_number(number)}
        return (await self._change("POST", path, resource, body=body)).one(TeamInstallation, "attached")

    async def detach_installation(self, team_id: str, number: int) -> None:
        """Detach an installation from the team. Raises NotFound."""
        path, resource = _team(team_id, "installations")
        await self._change("DELETE", f"{path}/{installation_number(number)}", resource)

    async def transfer_ownership(self, team_id: str, next_owner_id: str) -> None:
        """Make an admin the owner of the team. The caller becomes an admin."""
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
