"""Where the console keeps its files: the platform's own config, state, cache and log directories."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

APP = "mogplex-tui"


def config_file() -> Path:
    """Return the path of `config.toml`; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path(APP) / "config.toml"


def state_dir(context: str) -> Path:
    """Return the directory of what was started, opened and typed in one context; not yet created."""
    from platformdirs import user_state_path

    safe = "".join(char if char.isalnum() or char in "-_." else "-" for char in context)
    # No name may lead out of the directory, or hide.
    return user_state_path(APP) / (safe.lstrip(".") or "default")


def log_file() -> Path:
    """Return the path of the request log; its directory need not exist."""
    from platformdirs import user_log_path

    return user_log_path(APP) / "mogplex-tui.log"


def read_json(path: Path, default: Any) -> Any:
    """Return the JSON in a file of ours, or the default when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return default


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
