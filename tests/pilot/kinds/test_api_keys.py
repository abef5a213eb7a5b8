from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.pilot.kinds.story import on, server, shown, told

__all__ = ["server"]


def _written(place: Path) -> str:
    files = [path for path in place.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.jsonl" for path in files)
    return "".join(path.read_text(errors="replace") for path in files)


async def test_a_new_key_is_shown_once_and_kept_nowhere(
    console: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "mogplex")
    async with console() as ui:
        screen = await shown(ui, "api-keys")
        known = set(screen.rows_of().rows)
        await ui.press("n")
        await ui.sees("Create API key", "With a name alone it may read and write, and never ends.")
        await ui.press(*"ci,admin", "enter")
        await ui.sees("Invalid scope value. Allowed: read, write.")
        await ui.press(*["backspace"] * 5, *"read,90", "enter")
        text = await ui.sees("The secret of the new API key", "It is shown this once")
        token = next(word for word in text.split() if word.startswith("mog_") and len(word) == 28)
        await ui.press("enter")
        assert ui.app.clipboard == token
        await told(ui, "Copied the secret.")
        await ui.press("escape")
        await ui.loses(token)
        await told(ui, "API key ci is made.")
        (key,) = set(screen.rows_of().rows) - known
        row = ui.server.plane.db.only("SELECT scopes, expires_at FROM user_api_keys WHERE id = ?", (key,))
        assert "write" not in row["scopes"]
        assert row["expires_at"] is not None
        await on(ui, "api-keys", key)
        await ui.press("enter", "j")
        await ui.sees('"prefix"')
        assert token not in ui.text
        assert not any(token in said.message for said in ui.app._notifications)
        ledger = [(each.subject, each.state) for each in ui.app.session.ledger.entries]
        assert ledger == [("API key ci", "sent"), ("API key ci", "done")]
    # The start of it, which every list shows, is no secret.
    assert token[12:] not in caplog.text
    assert token[12:] not in _written(tmp_path)


async def test_a_protected_context_wants_its_name_before_a_key_is_made(console: Any) -> None:
    async with console(protected=True) as ui:
        screen = await shown(ui, "api-keys")
        known = set(screen.rows_of().rows)
        await ui.press("n")
        await ui.sees("Create API key")
        await ui.press(*"ci", "enter")
        text = await ui.sees("Create API key?", "test is protected")
        assert any(line.strip(" │") == "ci" for line in text.split("\n"))
        await ui.press(*"test", "enter")
        await ui.sees("The secret of the new API key")
        assert len(set(screen.rows_of().rows) - known) == 1


async def test_where_the_keys_cannot_be_seen_none_is_made_and_the_way_is_told(console: Any) -> None:
    async with console(cookie=False, gate=True) as ui:
        await ui.app.go("api-keys")
        await ui.sees("API keys need a browser session")
        await ui.press("n")
        await told(ui, "API keys need a browser session")
        assert "Create API key" not in ui.text
        assert not ui.app.session.ledger.entries
