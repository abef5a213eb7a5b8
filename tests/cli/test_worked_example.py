"""The worked examples of CONTRIBUTING.md, as commands against the embedded plane."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate.kinds import skills
from tests.cli.support import CommandRunner
from tests.cli.worked_example import RENAME


async def test_guide_action_is_a_verb_with_options(
    operator: CommandRunner, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skills, "KIND", replace(skills.KIND, actions=(*skills.KIND.actions, RENAME)))
    async with httpx.AsyncClient(base_url=plane.base_url, headers={"cookie": plane.session_cookie}) as client:
        draft = {"name": "triage", "content": "Read the log.", "is_public": True}
        made = (await client.post("/api/skills", json=draft)).json()
    renamed = await operator("skills", "rename", "triage", "--name", "triage-flaky")
    assert (renamed.code, renamed.err) == (0, "Skill triage is renamed.\n")
    after = (await operator("skills", "get", made["id"], "--json")).only_object
    # Parameters that are not given keep the row's values.
    assert (after["name"], after["is_public"]) == ("triage-flaky", True)
    refused = await operator("skills", "rename", "triage-flaky", "--name", " ")
    assert (refused.code, refused.err) == (2, "name: Type a name.\n")
    unknown = await operator("skills", "rename", "triage-flaky", "--name", "a", "--visibility", "all")
    assert unknown.code == 2
    assert "choose from own, public" in unknown.err


async def test_guide_column_and_filters_are_list_options(
    operator: CommandRunner,
) -> None:
    words = ["age:<2h", "reason:quota", "outcome:failed"]
    listed = await operator("dispatch", "list", "--sort", "age", "-o", "csv", *words)
    assert (listed.code, listed.err) == (0, "No matching dispatch log entries.\n")
    assert "created_at" in listed.out.split(",")
    unknown = await operator("dispatch", "list", "colour:red")
    assert unknown.code == 2
    assert "outcome, owner, reason, repo" in unknown.err
