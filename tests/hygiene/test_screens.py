"""Check that at most one class of ours lies between a screen and Textual's."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
from textual.app import App
from textual.screen import Screen

PACKAGE = Path(__file__).resolve().parents[2] / "mogplex_tui"
MODULES = [PACKAGE / "app.py", *sorted((PACKAGE / "screens").rglob("*.py"))]


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _screen_classes() -> list[type]:
    found: set[type] = set()
    for path in MODULES:
        module = importlib.import_module(_module_name(path))
        found |= {
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, App | Screen)
            and value.__module__ == module.__name__
        }
    return sorted(found, key=lambda each: each.__qualname__)


@pytest.mark.parametrize("screen", _screen_classes(), ids=lambda screen: screen.__qualname__)
def test_at_most_one_own_class_between_screen_and_textual(screen: type) -> None:
    ours = [base for base in screen.__mro__[1:] if base.__module__.split(".")[0] == "mogplex_tui"]
    assert len(ours) <= 1, [base.__qualname__ for base in ours]


def test_app_has_no_own_base_class() -> None:
    from mogplex_tui.app import ConsoleApp

    assert [base for base in ConsoleApp.__mro__[1:] if base.__module__.startswith("mogplex_tui")] == []


@pytest.mark.parametrize("path", MODULES, ids=_module_name)
def test_no_screen_leaves_a_method_to_its_subclasses(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and node.exc is not None:
            assert "NotImplementedError" not in ast.unparse(node.exc), f"line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=_module_name)
def test_no_class_is_made_at_run_time(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type":
            assert len(node.args) == 1, f"line {node.lineno}"
