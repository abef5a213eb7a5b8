"""The action registry has unique ids and keys, and complete texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.api.errors import NotAllowed
from mogplex_tui.api.route_access import Family
from mogplex_tui.live import run_row as make
from mogplex_tui.operate.action_registry import (
    ACTIONS,
    BY_ID,
    disabled_reason,
    footer,
    in_scope,
    register_kind,
    shown_key,
)
from mogplex_tui.operate.kinds.registry import kinds
from tests.unit.fakes import FakeSession, run

SCOPES = sorted({scope for action in ACTIONS for scope in action.scopes})


def test_action_ids_are_unique() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    # Actions of kinds are registered when a kind's screen is first created.
    assert {action.id for action in ACTIONS} <= BY_ID.keys()


@pytest.mark.parametrize("scope", SCOPES)
def test_keys_are_unique_on_each_screen(scope: str) -> None:
    keys = [key for action in in_scope(scope) for key in action.keys]
    assert sorted(keys) == sorted(set(keys))


def test_every_action_has_title_help_key_and_screen() -> None:
    for action in ACTIONS:
        assert action.keys
        assert action.scopes
        assert action.title
        assert action.help.endswith(".")


@pytest.mark.parametrize("scope", SCOPES)
def test_help_quit_and_palette_are_on_every_screen(scope: str) -> None:
    ids = {action.id for action in in_scope(scope)}
    assert {"app.help", "app.quit", "app.palette", "view.refresh"} <= ids


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("by", ["flag", "token"])
def test_writing_actions_are_hidden_without_write_access(tmp_path: Path, scope: str, by: str) -> None:
    writers = {action.title for action in in_scope(scope) if action.writes and action.footer}
    free = FakeSession(tmp_path)
    assert writers <= {title for _, title in footer(scope, free)}
    closed = FakeSession(tmp_path, read_only=by == "flag")
    if by == "token":
        closed.access.learn(
            Family.V1, NotAllowed("Missing scope: write", status=403, missing_scope="write"), method="POST"
        )
    assert not writers & {title for _, title in footer(scope, closed)}
    for action in ACTIONS:
        why = disabled_reason(action, closed, [make.from_run(run(1))])
        assert (why is not None) == action.writes
        if why:
            assert "read-only" in why if by == "flag" else "write" in why


def test_footer_shows_first_key_of_each_action(tmp_path: Path) -> None:
    shown = dict(footer("runs", FakeSession(tmp_path)))
    assert shown["x"] == "cancel"
    assert shown["n"] == "new run"
    assert shown["/"] == "filter"
    assert shown["⏎"] == "open"
    assert "quit" not in shown.values()
    plain = dict(footer("runs", FakeSession(tmp_path), ascii_only=True))
    assert plain["enter"] == "open"
    assert all(key.isascii() for key in plain)


def test_keys_are_shown_as_they_are_typed() -> None:
    assert [shown_key(key) for key in ("question_mark", "colon", "escape", "ctrl+p", "G")] == [
        "?",
        ":",
        "esc",
        "ctrl+p",
        "G",
    ]


def test_cancel_is_enabled_for_live_runs_only(tmp_path: Path) -> None:
    session, action = FakeSession(tmp_path), BY_ID["runs.cancel"]
    assert disabled_reason(action, session, [make.from_run(run(1))]) is None
    assert disabled_reason(action, session, [])
    assert "already finished" in (
        disabled_reason(action, session, [make.from_run(run(1, status="success"))]) or ""
    )


def test_help_has_title_matches_beginning_of_help() -> None:
    for kind in kinds().values():
        register_kind(kind)
    wrong = [
        action.id
        for action in BY_ID.values()
        if action.help_has_title
        != action.help.lower().startswith((f"{action.title.lower()} ", f"{action.title.lower()}."))
    ]
    assert wrong == []
