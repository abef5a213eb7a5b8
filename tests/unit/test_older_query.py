"""The part of a filter that the service applies when older records are read.

It never excludes more than the filter itself.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from mogplex_tui.operate.kinds.registry import load_kind
from mogplex_tui.operate.model import Window
from mogplex_tui.operate.older_query import window_of
from tests.unit.fakes import START, FakeSession, uuid

API, WEB, WEB_TOOLS = uuid(1), uuid(2), uuid(3)


@pytest.mark.parametrize(
    ("text", "since", "filters"),
    [
        ("", None, {}),
        ("web", None, {}),
        ("outcome:suppressed", None, {"outcome": "suppressed"}),
        ("outcome:suppr repo:web", None, {"outcome": "suppressed"}),
        ("outcome:=failed", None, {"outcome": "failed"}),
        # Three outcomes contain the word, and the route takes one.
        ("outcome:failed", None, {}),
        ("!outcome:suppressed", None, {}),
        ("outcome:nonsense", None, {}),
        ("age:<2h", timedelta(hours=2), {}),
        ("age:<2h age:<30m", timedelta(minutes=30), {}),
        ("age:>2h", None, {}),
        ("age:<", None, {}),
    ],
)
def test_window_of_a_filter(
    session: FakeSession, text: str, since: timedelta | None, filters: dict[str, str]
) -> None:
    older = load_kind("dispatch").older
    assert older is not None
    window = window_of(text, older, session)
    assert window == Window(None if since is None else START - since, None, filters)


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("state:success", {"status": "success"}),
        ("state:=running", {"status": "streaming"}),
        # "cancelling" is not a state of the service.
        ("state:cancelling", {}),
        (f"project:{API}", {"repo_id": API}),
        ("repo:acme/api", {"repo_id": API}),
        ("repo:acme/ap", {}),
        # Another name contains it.
        ("repo:acme/web", {}),
        ("repo:acme/web-tools", {"repo_id": WEB_TOOLS}),
        ("!repo:acme/api", {}),
    ],
)
def test_window_of_a_run_filter(session: FakeSession, text: str, filters: dict[str, str]) -> None:
    session.names.repos.update({API: "acme/api", WEB: "acme/web", WEB_TOOLS: "Acme/Web-Tools"})
    older = load_kind("runs").older
    assert older is not None
    assert window_of(text, older, session) == Window(None, None, filters)
