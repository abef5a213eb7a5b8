"""Agents are created and updated by forms, which leave the prompt unchanged."""

from __future__ import annotations

from typing import Any

from mogplex_tui.screens.modals.form import FormModal
from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, wait_for_notice


def _agent(ui: Any, name: str) -> dict[str, Any]:
    query = "SELECT * FROM agents WHERE name = ? AND user_id = ?"
    return dict(ui.server.plane.db.only(query, (name, ui.server.plane.user_id)))


def _own_agent(ui: Any) -> dict[str, Any]:
    """Return an agent of the account that has a prompt."""
    query = "SELECT * FROM agents WHERE user_id = ? AND length(system_prompt) > 0 ORDER BY name LIMIT 1"
    return dict(ui.server.plane.db.only(query, (ui.server.plane.user_id,)))


async def test_agent_is_created_by_a_form(console: Any) -> None:
    async with console() as ui:
        await go_to_list(ui, "agents")
        await ui.press("n")
        text = await ui.sees("Create agent", "name", "model", "category", "description")
        assert "prompt" not in text.partition("Create agent")[2].partition("ctrl+s")[0]
        await ui.press(*"Scribe", "tab", *"acme/nova-1", "tab", *"Code Review", "ctrl+s")
        await ui.sees("Give a category of lower-case letters, digits and hyphens")
        await ui.press(*(["backspace"] * 11), *"api", "ctrl+s")
        await wait_for_notice(ui, "Agent Scribe is created.")
        row = _agent(ui, "Scribe")
        await ui.until(lambda: row["id"] in ui.app.screen.rows.rows, "the new agent in the list")
    assert (row["model"], row["category"], row["system_prompt"]) == ("acme/nova-1", "api", None)


async def test_update_sends_changed_fields_and_no_prompt(console: Any) -> None:
    async with console() as ui:
        before = _own_agent(ui)
        await go_to_row(ui, "agents", before["id"])
        await ui.press("e")
        await ui.sees(f"Update agent {before['name']}", before["model"])
        await ui.press("ctrl+s")
        await ui.sees("Nothing to change: every value is the same as before.")
        await ui.press("tab", *(["backspace"] * len(before["model"])), "ctrl+s")
        await ui.sees("The model cannot be removed; give another one.")
        await ui.press("tab", *"acme/nova-2", "tab", "tab", *" Notes", "ctrl+s")
        await ui.until(lambda: not isinstance(ui.app.screen, FormModal), "the form to close")
        await wait_for_notice(ui, "is changed.")
        after = _agent(ui, before["name"])
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed - {"updated_at"} == {"model", "description"}
    assert (after["model"], after["description"]) == (
        "acme/nova-2",
        f"{before['description'] or ''} Notes".strip(),
    )


async def test_preset_is_not_updated(console: Any) -> None:
    async with console() as ui:
        await go_to_row(ui, "agents", "preset:SEO-AUDIT")
        await ui.press("e")
        await wait_for_notice(ui, "A preset cannot be changed.")
