"""Pictures of the widgets on one stage, in several sizes and themes."""

from __future__ import annotations

from typing import Any

import pytest

from .widget_stage import Stage

SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.mark.parametrize("theme", ["mogplex-dark", "mogplex-light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", ["table", "run", "observability"])
def test_scene(snap_compare: Any, scene: str, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(
        Stage(scene, theme), terminal_size=size, press=["down", "down"] if scene == "table" else []
    )


@pytest.mark.parametrize("scene", ["stale", "empty"])
def test_old_and_empty(snap_compare: Any, scene: str) -> None:
    assert snap_compare(Stage(scene, "mogplex-dark"), terminal_size=(120, 40))


def test_looking_back(snap_compare: Any) -> None:
    assert snap_compare(Stage("run", "mogplex-dark"), terminal_size=(120, 40), press=["pageup", "w", "up"])


def test_on_a_terminal_with_its_own_colours(snap_compare: Any) -> None:
    assert snap_compare(Stage("table", "ansi-dark"), terminal_size=(120, 40), press=["down"])


def test_without_colours(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Stage("table", "mogplex-dark"), terminal_size=(120, 40), press=["down"])
