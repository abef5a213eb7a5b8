"""Check sizes of files and functions, layers, and what an import loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mogplex_tui"
SOURCES = sorted(PACKAGE.rglob("*.py"))

FILE_LINES = 600
FUNCTION_LINES = 60
# An exception carries its reason.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_files_are_small() -> None:
    for path in SOURCES:
        lines = len(path.read_text().splitlines())
        assert lines <= FILE_LINES or _name(path) in LONG_FILES, f"{_name(path)} has {lines} lines"


def _functions(within: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The outermost functions; what is inside one is shorter than it."""
    for node in ast.iter_child_nodes(within):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif not isinstance(node, ast.expr):
            yield from _functions(node)


def test_functions_are_small() -> None:
    for path in SOURCES:
        for node in _functions(ast.parse(path.read_text())):
            where = f"{_name(path)}:{node.name}"
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES or where in LONG_FUNCTIONS, f"{where} has {length} lines"


def test_every_change_goes_through_the_executor() -> None:
    opening = {_name(path) for path in SOURCES if "ledger.open(" in path.read_text()}
    assert opening == {"mogplex_tui/operate/executor.py"}


def _loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("mogplex_tui.api", {"textual", "rich"}),
        ("mogplex_tui.live", {"textual", "rich"}),
        ("mogplex_tui.operate", {"textual", "rich"}),
        ("mogplex_tui.config", {"textual", "rich", "httpx", "pydantic"}),
        ("mogplex_tui.controlplane", {"textual", "rich", "httpx", "pydantic", "mogplex_tui.api"}),
        ("mogplex_tui.cli", {"textual", "rich", "httpx", "pydantic", "starlette", "uvicorn"}),
        # Most people choose no keys of their own.
        (
            "mogplex_tui.app",
            {"mogplex_tui.config.keymap", "mogplex_tui.operate.key_overrides", "httpx", "pydantic"},
        ),
    ],
)
def test_module_imports_no_forbidden_package(module: str, never: set[str]) -> None:
    assert not _loaded_by(module) & never


def test_no_committed_file_names_a_package_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    # Spelled in pieces so that this file does not name one itself.
    hosts = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs"]))
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".gif"}:
            assert not hosts.search(path.read_text(errors="replace")), name


def test_constraints_pin_every_version_and_hold_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 20
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.\-+!]+", line) for line in pins)
