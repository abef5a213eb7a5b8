from __future__ import annotations

import logging
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, wait_for_notice


def _written(place: Path) -> str:
    files = [path for path in place.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.jsonl" for path in files)
    return "".join(path.read_text(errors="replace") for path in files)


async def test_new_key_is_shown_once_and_not_stored(
    console: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "mogplex")
    async with console() as ui:
        screen = await go_to_list(ui, "api-keys")
        known = set(screen.rows.rows)
        await ui.press("n")
        await ui.sees("Create API key", "Without a number of days it never expires.", "read-write")
        await ui.press("ctrl+s")
        await ui.sees("The name must have 1 to 100 characters.")
        await ui.press(*"ci", "tab", "enter", "down", "enter", "tab", *"90x", "enter")
        await ui.sees("Enter 1 to 36500 days, or leave it empty for a key that never")
        await ui.press("backspace", "enter")
        text = await ui.sees("Secret of the new API key", "It is shown only once")
        token = next(word for word in text.split() if word.startswith("mog_") and len(word) == 28)
        await ui.press("enter")
        await wait_for_notice(ui, "Copied the secret.")
        assert ui.app.clipboard == token
        await ui.press("escape")
        await ui.loses(token)
        await wait_for_notice(ui, "API key ci is created.")
        (key,) = set(screen.rows.rows) - known
        row = ui.server.plane.db.only("SELECT scopes, expires_at FROM user_api_keys WHERE id = ?", (key,))
        assert "write" not in row["scopes"]
        assert row["expires_at"] is not None
        await go_to_row(ui, "api-keys", key)
        await ui.press("enter", "j")
        await ui.sees('"prefix"')
        assert token not in ui.text
        assert not any(token in notice.message for notice in ui.app._notifications)
        ledger = [(each.subject, each.state) for each in ui.app.session.ledger.entries]
        assert ledger == [("API key ci", "sent"), ("API key ci", "done")]
    # The start of it, which every list shows, is no secret.
    assert token[12:] not in caplog.text
    assert token[12:] not in _written(tmp_path)


async def test_creating_a_key_in_a_protected_context_asks_for_its_name(console: Any) -> None:
    async with console(protected=True) as ui:
        screen = await go_to_list(ui, "api-keys")
        known = set(screen.rows.rows)
        await ui.press("n")
        await ui.sees("Create API key")
        await ui.press(*"ci", "ctrl+s")
        text = await ui.sees("Create API key?", "test is protected")
        assert any(line.strip(" │") == "ci" for line in text.split("\n"))
        await ui.press(*"test", "enter")
        await ui.sees("Secret of the new API key")
        assert len(set(screen.rows.rows) - known) == 1


@pytest.mark.parametrize("protected", [False, True], ids=["unprotected", "protected"])
async def test_revoking_the_key_in_use_warns_and_names_the_context(console: Any, protected: bool) -> None:
    async with console(protected=protected) as ui:
        screen = await go_to_list(ui, "api-keys")
        rows = {item.row.context is not None: key for key, item in screen.rows.rows.items()}
        ours = ui.server.plane.db.value(
            "SELECT id FROM user_api_keys WHERE token_prefix = ?", (ui.server.token[:12],)
        )
        assert rows[True] == ours
        for key, warned in ((rows[True], True), (rows[False], False)):
            await go_to_row(ui, "api-keys", key)
            await ui.press("x")
            text = " ".join((await ui.sees("Revoke API key?", "loses access immediately")).split())
            assert ("This console uses the key: the context test loses its access too." in text) is warned
            await ui.press("escape")
            await ui.loses("Revoke API key?")
        assert not ui.app.session.ledger.entries


async def test_create_is_refused_where_keys_cannot_be_listed(console: Any) -> None:
    async with console(cookie=False, gate=True) as ui:
        await ui.app.parts.navigation.go("api-keys")
        await ui.sees("API keys need a browser session")
        await ui.press("n")
        await wait_for_notice(ui, "API keys need a browser session")
        assert "Create API key" not in ui.text
        assert not ui.app.session.ledger.entries


@pytest.mark.parametrize(
    ("display", "browser", "opens"),
    [(":0", "firefox", True), (":0", "lynx", False), ("", "firefox", False)],
    ids=["graphical browser", "text browser", "no display"],
)
async def test_page_opens_in_a_browser_or_its_url_is_copied(
    console: Any, monkeypatch: pytest.MonkeyPatch, display: str, browser: str, opens: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("WSL_DISTRO_NAME", raising=False)
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser(f"/usr/bin/{browser}"))
    async with console() as ui:
        monkeypatch.setattr(ui.app, "open_url", opened.append)
        await go_to_list(ui, "api-keys")
        await ui.press("o")
        address = f"{ui.app.session.target.base_url}/settings/api-keys"
        await wait_for_notice(
            ui, f"Opened {address}" if opens else f"No graphical browser found. Copied {address}"
        )
        assert opened == ([address] if opens else [])
        assert opens or ui.app.clipboard == address


async def test_embedded_plane_has_no_web_page_to_open(console: Any) -> None:
    async with console() as ui:
        ui.app.parts.embedded = True
        await go_to_list(ui, "api-keys")
        await ui.press("o")
        await wait_for_notice(ui, "The embedded control plane has no web pages.")
