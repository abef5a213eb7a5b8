"""`settings edit` reads only the lists that its choices need."""

from __future__ import annotations

from pathlib import Path

from mogplex_tui.controlplane.core.plane import Settings
from tests.cli.support import CommandRunner
from tests.pilot.kinds.kind_screens import running_plane
from tests.recording import recording

READ = ["GET /api/auth/user", "GET /api/settings"]
CHANGE = ["PATCH /api/settings"]


async def test_edit_reads_choices_of_given_setting_only(
    seeded_database: Path, tmp_path: Path, mogplex: CommandRunner
) -> None:
    settings = Settings(speed=0, rate_limit=None)
    async with (
        running_plane(settings, seeded_database, tmp_path) as plane,
        recording(plane.base_url) as service,
    ):
        mogplex.use(service.base_url, token=plane.token, cookie=plane.session_cookie)

        async def asked_by(*words: str, code: int = 0) -> list[str]:
            service.forget()
            result = await mogplex("settings", "edit", *words)
            assert result.code == code, result.err
            return sorted(service.asked)

        assert await asked_by("theme", "light") == sorted([*READ, *CHANGE, *READ])
        # A second time there would be no change to wait for.
        assert await asked_by("theme", "light") == sorted([*READ, *CHANGE, *READ])
        models = [row["id"] for row in (await mogplex("models", "list", "usable:yes", "--json")).objects]
        model = ["GET /api/models"]
        assert await asked_by("default_model", models[0]) == sorted([*READ, *model, *CHANGE, *READ])
        assert await asked_by("default_model", "acme/unknown", code=2) == sorted([*READ, *model])
