"""Modules that an import of the client layer loads, and names that it exports."""

from __future__ import annotations

from pathlib import Path

import pytest

import mogplex_tui.api as api
from mogplex_tui.api import resources
from tests.api.loaded_modules import modules_loaded_by


@pytest.mark.parametrize(
    "module",
    [
        "",
        ".budget",
        ".route_access",
        ".errors",
        ".retry",
        ".target",
        ".clock",
        ".realtime_messages",
        ".connection_state",
        ".request_checks",
    ],
)
def test_light_modules_import_no_heavy_library(module: str) -> None:
    assert not modules_loaded_by(f"import mogplex_tui.api{module}") & {"httpx", "pydantic", "textual", "rich"}


def test_client_imports_no_terminal_library() -> None:
    loaded = modules_loaded_by("import mogplex_tui.api.client")
    assert {"httpx", "pydantic"} <= loaded
    assert not loaded & {"textual", "rich", "starlette", "uvicorn", "httpx_sse", "click", "pygments"}


def test_families_import_neither_terminal_nor_plane() -> None:
    modules = sorted(path.stem for path in Path(resources.__path__[0]).glob("[a-z]*.py"))
    loaded = modules_loaded_by(f"from mogplex_tui.api.resources import {', '.join(modules)}")
    assert {f"mogplex_tui.api.resources.{module}" for module in modules} <= loaded
    assert not loaded & {"textual", "rich", "starlette", "uvicorn", "mogplex_tui.controlplane", "keyring"}


def test_exported_names_match_modules() -> None:
    assert sorted(api.__all__) == api.__all__ == sorted(api._MODULES)
    for name in api.__all__:
        assert getattr(api, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = api.Nothing
