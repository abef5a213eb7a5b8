"""Pictures of the widgets on one stage, in several sizes and themes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.snapshots.frozen_console import SIZES, size_id
from tests.snapshots.widget_stage import Stage


@pytest.mark.parametrize("theme", ["mogplex-dark", "mogplex-light"])
@pytest.mark.parametrize("size", SIZES, ids=size_id)
@pytest.mark.parametrize("scene", ["table", "run", "observability"])
def test_scene(snap_compare: Any, scene: str, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(
        Stage(scene, theme), terminal_size=size, press=["down", "down"] if scene == "table" else []
    )


@pytest.mark.parametrize("scene", ["stale", "empty"])
def test_stale_and_empty_tables(snap_compare: Any, scene: str) -> None:
    assert snap_compare(Stage(scene, "mogplex-dark"), terminal_size=(120, 40))


def test_scrolled_tail_with_wrapped_lines(snap_compare: Any) -> None:
    assert snap_compare(Stage("run", "mogplex-dark"), terminal_size=(120, 40), press=["pageup", "w", "up"])


def test_table_in_the_ansi_theme(snap_compare: Any) -> None:
    assert snap_compare(Stage("table", "ansi-dark"), terminal_size=(120, 40), press=["down"])


def test_table_without_colours(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Stage("table", "mogplex-dark"), terminal_size=(120, 40), press=["down"])
