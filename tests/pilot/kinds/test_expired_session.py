"""A refused session cookie takes nothing away from the token beside it."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.live import session
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import AnyKind
from mogplex_tui.screens.list_screen import ListScreen
from tests.case_share import share_of
from tests.pilot.kinds.kind_screens import collection_in, reads_service, wait_for_list, wait_until

ASKING = [kind for kind in kinds().values() if reads_service(kind)]
EXPIRED = "better-auth.session_token=expired"


def _seen(ui: Any, screen: ListScreen, kind: AnyKind) -> tuple[str, list[str], str, str]:
    """The content of a list: source, rows, key bar and what it reports as closed."""
    source = collection_in(screen).source
    closed = " ".join(screen.model.closed_lines()).replace(f"{session.SESSION_EXPIRED} ", "")
    return (
        source.family if source else "",
        sorted(collection_in(screen).set.rows),
        ui.text.splitlines()[-1],
        closed,
    )


async def _walk(ui: Any, asking: list[AnyKind]) -> dict[str, Any]:
    # The plane of these tests has no limit; the console's own would hold the last kinds back for a minute.
    ui.app.session.budget.limit = 1000
    found = {}
    for kind in asking:
        await ui.app.parts.navigation.go(kind.name)
        screen = await wait_for_list(ui, kind)
        closed = screen.model.closed_lines()
        if not closed:
            await wait_until(ui, lambda: collection_in(screen).set.rows, f"rows of {kind.name}")
            await wait_until(ui, lambda: "⏎ open" in ui.text.splitlines()[-1], f"the actions of {kind.name}")
        found[kind.name] = _seen(ui, screen, kind)
    return found


@pytest.mark.sampled(2)
@pytest.mark.parametrize("gate", [True, False], ids=["hosted", "tokens-everywhere"])
async def test_lists_show_the_same_rows_as_with_a_token_alone(
    console: Any, gate: bool, every_case: bool
) -> None:
    asking = share_of(ASKING, every_case, step=2)
    async with console(gate=gate, cookie=False) as ui:
        by_token = await _walk(ui, asking)
    async with console(gate=gate, cookie=EXPIRED) as ui:
        await wait_until(ui, lambda: ui.app.session.account, "the account")
        assert await _walk(ui, asking) == by_token
        await ui.sees("session expired", "● connected")


async def test_every_list_reports_an_expired_cookie_without_a_token(console: Any) -> None:
    async with console(gate=True, token=False, cookie=EXPIRED) as ui:
        for kind in ("runs", "sandboxes", "jobs"):
            await ui.app.parts.navigation.go(kind)
            text = await ui.sees(
                "● not signed in",
                "The browser session has expired.",
                "Sign in again: mogplex-tui login --session.",
            )
            assert "There is no token" not in text


async def test_header_reports_an_expired_session_until_it_is_accepted(
    console: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "RETRY_ACCESS_EVERY", 0.2)
    monkeypatch.setattr(session, "LONGEST_RETRY_PAUSE", 0.2)
    plane = server.plane

    def ends(at: str) -> None:
        with plane.db.transaction() as tx:
            tx.execute(f"UPDATE sessions SET expires_at = {at}")

    ends("-expires_at")
    async with console(gate=True, size=(80, 24)) as ui:
        await ui.app.parts.navigation.go("jobs")
        await ui.sees("session expired")
        # Once everything has been asked, the tests of the cookie make no family ask again.
        for _ in range(20):
            asked, tested = len(ui.edge.turned_away), ui.edge.passed.count("/api/auth/user")
            await ui.until(
                lambda: ui.edge.passed.count("/api/auth/user") >= tested + 3,
                "tests of the cookie",
            )
            if len(ui.edge.turned_away) == asked:
                break
        assert len(ui.edge.turned_away) == asked
        ends("-expires_at")
        await ui.loses("session expired")
        await ui.loses("browser session")
        await wait_until(
            ui,
            lambda: collection_in(ui.app.screen).source is kinds()["jobs"].sources[0],
            "the jobs, all of them",
        )
