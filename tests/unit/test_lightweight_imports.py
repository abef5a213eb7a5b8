"""Modules below the screens import no heavy package, so that start is fast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "mogplex_tui"
HEAVY = {"httpx", "pydantic", "textual", "rich", "platformdirs"}


@pytest.mark.parametrize("layer", ["live", "operate", "config"])
def test_lower_layers_import_no_heavy_package(layer: str) -> None:
    modules = [
        f"mogplex_tui.{layer}.{path.stem}"
        for path in (PACKAGE / layer).glob("*.py")
        if path.stem != "__init__"
    ]
    assert modules
    code = f"import sys, {', '.join(modules)}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY
