"""Which part of a filter the service applies when older records are read: never more than the filter itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mogplex_tui.operate.kinds.registry import kind_called
from mogplex_tui.operate.model import Window
from mogplex_tui.operate.older_query import window_of

NOW = datetime(2026, 8, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since", "filters"),
    [
        ("", None, {}),
        ("web", None, {}),
        ("outcome:suppressed", None, {"outcome": "suppressed"}),
        ("outcome:suppr repo:web", None, {"outcome": "suppressed"}),
        ("outcome:=failed", None, {"outcome": "failed"}),
        # Three outcomes have the word, and the route takes one.
        ("outcome:failed", None, {}),
        ("!outcome:suppressed", None, {}),
        ("outcome:nonsense", None, {}),
        ("age:<2h", timedelta(hours=2), {}),
        ("age:<2h age:<30m", timedelta(minutes=30), {}),
        ("age:>2h", None, {}),
        ("age:<", None, {}),
    ],
)
def test_window_of_a_filter(text: str, since: timedelta | None, filters: dict[str, str]) -> None:
    older = kind_called("dispatch").older
    assert older is not None
    assert window_of(text, older, NOW) == Window(None if since is None else NOW - since, None, filters)
