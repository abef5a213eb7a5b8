"""No command prints a number or a yes or no that the service did not send.

A missing count is not 0.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import CommandRunner, serve_behind_edge
from tests.controlplane.row_factory import RowFactory
from tests.recording import recording, snake

KINDS = (
    "repos", "agents", "models", "sandboxes", "automations", "assignments", "jobs", "approvals", "settings",
)  # fmt: skip


def _empty_fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return the fields of a JSON object that are 0, no or "", with their paths."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _empty_fields(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _empty_fields(inner, path)
    elif value == "" or value is False or (isinstance(value, int | float) and value == 0):
        yield path, value


@pytest.mark.parametrize(
    ("profile", "cookie"), [("documented", True), ("hosted", False)], ids=["session", "token alone"]
)
async def test_no_value_is_printed_that_was_not_sent(
    mogplex: CommandRunner,
    seeded_database: Path,
    tmp_path: Path,
    profile: str,
    cookie: bool,
    every_case: bool,
) -> None:
    shutil.copy(seeded_database, tmp_path / "plane.db")
    invented: list[str] = []
    settings = Settings(speed=0, rate_limit=None, profile=profile)
    async with (
        PlaneServer(settings, tmp_path / "plane.db") as plane,
        recording(plane.base_url) as recorded,
    ):
        mogplex.use(recorded.base_url, token=plane.token, cookie=plane.session_cookie if cookie else None)

        async def printed(*argv: str) -> list[dict[str, Any]]:
            recorded.forget()
            result = await mogplex(*argv, "--json")
            for each in result.objects:
                for path, value in _empty_fields(each):
                    if snake(path.rpartition(".")[2]) not in recorded.keys:
                        invented.append(f"{' '.join(argv[:2])}: {path} = {value}")
            return result.objects

        for kind in KINDS:
            rows = await printed(kind, "list")
            # A token alone does not open approvals.
            for row in rows[: 3 if every_case else 1]:
                await printed(kind, "get", row["id"])
            if kind == "automations":
                await printed(kind, "runs", rows[0]["id"])
    assert sorted(set(invented)) == []


@pytest.mark.parametrize("cookie", [True, False], ids=["session", "token alone"])
@pytest.mark.parametrize("profile", ["documented"])
async def test_facts_leave_out_unknown_values(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, profile: str, cookie: bool
) -> None:
    flow = factory.flow(factory.agent())
    async with serve_behind_edge(plane) as token_only:
        base_url = plane.base_url if cookie else token_only.base_url
        mogplex.use(base_url, token=plane.token, cookie=plane.session_cookie if cookie else None)
        result = await mogplex("automations", "get", flow)
        as_json = await mogplex("automations", "get", flow, "--json")
    assert result.code == 0, result.err
    facts = {line.split("  ")[0]: line.split()[-1] for line in result.lines}
    assert facts["version"] == "1"
    counts = ("running_count", "pending_count", "failed_24h", "suppressed_24h", "deferred_24h")
    if not cookie:
        assert not facts.keys() & {"running", "pending", "failed 24 h", "suppressed", "deferred"}
        assert {as_json.only_object.get(name) for name in counts} == {None}
    assert "–" not in facts.values()
