"""Teams (identity.md §7, §8). Hosted: browser session alone. A team id is a UUID.

Every method of one team raises NotFound for an unknown team and NotAllowed for no member or too small a role.
"""

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
from mogplex_tui.api.request_rules import installation_number, path_id
from mogplex_tui.api.resources.base import Resource, advice_for_500
from mogplex_tui.api.safe_text import short_id
from mogplex_tui.api.upload import multipart_form, picture_format
from mogplex_tui.config.secret import Secret

_FIRST_PAGE_ONLY = "The hosted service cannot read past the first page of a trail"


class TeamsResource(Resource):
    """`/api/memberships` and `/api/teams`."""

    async def memberships(self) -> Memberships:
        """Return the account and its teams by name, with the role in each: the only list of teams there is."""
        return (await self._get("/api/memberships", "the teams")).one(Memberships)

    async def create(self, name: str, slug: str) -> Team:
        """Make a team and own it; raises Conflict for a taken slug, BadRequest for a reserved one."""
        draft = TeamDraft(name=name, slug=slug)
        response = await self._change("POST", "/api/teams", f"team {draft.slug}", body=draft.set_fields())
        return response.one(Team, "team")

    async def check_slug(self, slug: str) -> SlugCheck:
        """Say whether a team may be called so, and if not, why."""
        return (await self._get("/api/teams/slug-check", "the slug", slug=slug)).one(SlugCheck)

    async def roster(self, team_id: str) -> Roster:
        """Return the team, what the caller is in it, its members and its open invites."""
        path, about = _team(team_id, "members")
        return (await self._get(path, about)).one(Roster)

    async def set_role(self, team_id: str, user_id: str, role: str) -> None:
        """Give another member another role; admins move developers and viewers only, nobody moves themselves."""
        path, about, draft = *_member(team_id, user_id), RoleDraft(role=role)
        await self._change("PATCH", path, about, body=draft.set_fields())

    async def remove_member(self, team_id: str, user_id: str) -> None:
        """Take another member out of the team; raises NotFound for no member, NotAllowed for oneself."""
        path, about = _member(team_id, user_id)
        await self._change("DELETE", path, about)

    async def models(self, team_id: str) -> TeamModels:
        """Return the models that the team allows."""
        path, about = _team(team_id, "models")
        return (await self._get(path, about)).one(TeamModels)

    async def allow_models(self, team_id: str, model_ids: Iterable[str] | None) -> None:
        """Allow these models only, none with an empty list, all with None; BadRequest names unknown ids."""
        path, about = _team(team_id, "models")
        wanted = Allowlist(model_allowlist=None if model_ids is None else list(model_ids))
        await self._change("PATCH", path, about, body=wanted.body())

    async def keys(self, team_id: str) -> TeamKeys:
        """Return the providers that the team has a key of."""
        path, about = _team(team_id, "keys")
        return (await self._get(path, about)).one(TeamKeys)

    async def put_key(self, team_id: str, provider: str, key: Secret | str) -> None:
        """Store the team's key of a provider, or replace it."""
        path, about = _team(team_id, "keys")
        draft = ProviderKeyDraft(provider=provider, key=Secret(key))
        await self._change("PUT", path, about, body=draft.body())

    async def delete_key(self, team_id: str, provider: str) -> None:
        """Forget the team's key of a provider, there or not."""
        path, about = _team(team_id, "keys")
        named = ProviderName(provider=provider)
        await self._change("DELETE", path, about, body=named.set_fields())

    async def audit(self, team_id: str, cursor: str | None = None) -> Page[AuditEvent]:
        """Return 25 events of the trail, the newest first, behind the cursor of the page before.

        The hosted service fails on every cursor, so there only the first page can be read (identity.md §8).
        """
        path, about = _team(team_id, "audit-events", "the trail")
        if cursor is None:
            response = await self._get(path, about)
        else:
            with advice_for_500(_FIRST_PAGE_ONLY):
                response = await self._get(path, about, cursor=cursor)
        following = response.data.get("nextCursor") if isinstance(response.data, dict) else None
        return Page(response.rows(AuditEvent, "events"), following if isinstance(following, str) else None)

    async def set_icon(self, team_id: str, picture: bytes) -> TeamIcon:
        """Give the team a picture: PNG, JPEG, GIF or WEBP of at most 2 MiB; raises InvalidInput for others."""
        path, about = _team(team_id, "icon", "the picture")
        kind = picture_format(picture)
        form = multipart_form("file", picture, f"icon.{kind}", f"image/{kind}")
        return (await self._change("POST", path, about, content=form, extra_wait=30)).one(TeamIcon)

    async def remove_icon(self, team_id: str) -> TeamIcon:
        """Leave the team without a picture."""
        path, about = _team(team_id, "icon", "the picture")
        return (await self._change("DELETE", path, about)).one(TeamIcon)

    async def installations(self, team_id: str) -> Rows[TeamInstallation]:
        """Return the GitHub installations that work for the team."""
        path, about = _team(team_id, "installations")
        return (await self._get(path, about)).rows(TeamInstallation, "installations")

    async def attach_installation(self, team_id: str, number: int) -> TeamInstallation:
        """Let one of the caller's own installations work for the team; Conflict when another team has it."""
        path, about = _team(team_id, "installations")
        body = {"installation_id": installation_number(number)}
        return (await self._change("POST", path, about, body=body)).one(TeamInstallation, "attached")

    async def detach_installation(self, team_id: str, number: int) -> None:
        """Take an installation out of the team; raises NotFound when it is not there."""
        path, about = _team(team_id, "installations")
        await self._change("DELETE", f"{path}/{installation_number(number)}", about)

    async def hand_over(self, team_id: str, next_owner_id: str) -> None:
        """Make an admin the owner; the caller, who was it, becomes an admin."""
        path, about = _team(team_id, "ownership")
        body = {"next_owner_user_id": path_id(next_owner_id, "member")}
        await self._change("POST", path, about, body=body)


def _team(team_id: str, part: str, said: str | None = None) -> tuple[str, str]:
    record = path_id(team_id, "team")
    return f"/api/teams/{record}/{part}", f"{said or f'the {part}'} of team {short_id(record)}"


def _member(team_id: str, user_id: str) -> tuple[str, str]:
    path, about = _team(team_id, "members", "a member")
    if not user_id.strip():
        raise errors.InvalidInput("Choose a member", resource=about)
    return f"{path}/{path_id(user_id, 'member')}", about
