"""The reference page of settings and environment variables."""

from __future__ import annotations

from pathlib import Path

from mogplex_tui.config.settings import _NUMBER, _OF_A_CONTEXT, _SECRET, _TABLE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"

MEANINGS = {
    "base_url": "Address of the service. Plain http is accepted for loopback only.",
    "token": "Personal access token (`mog_…`).",
    "session_cookie": "Cookie of a browser session, `name=value`, for the routes that a token does not open.",
    "read_only": "Hide and refuse everything that changes something.",
    "theme": "Colours of the console: `dark` or `light`.",
    "ascii": "Letters instead of glyphs.",
    "reduced_motion": "Nothing blinks or spins.",
    "tab_line": "Show the line of tabs.",
    "team": "ID of the team to act for; without it the personal scope.",
    "protected": "Ask for the context's name before a change that cannot be undone.",
    "colour": "Colour of the context's name in the header: `accent`, `success`, `warning` or `error`.",
    "max_answer_mb": "Largest response that is read, in megabytes after decompression.",
}
OTHER_VARIABLES = {
    "MOGPLEX_CONTEXT": "Context to work in. `--context` comes before it.",
    "MOGPLEX_WEBHOOK_SECRET": "Webhook secret of the plane that `control-plane --webhook` sends to.",
    "CRON_SECRET": "Secret that opens `/api/cron/*` and the workers' routes of an embedded plane.",
    "NO_COLOR": "Any value: no colours.",
}

_HEAD = """\
# Settings and environment variables

Made by `make docs` from `mogplex_tui/config/settings.py`; a test fails when it is not current.

The command line comes before the environment, then the context, then `config.toml`, then the default.
`mogplex-tui info` prints each value and where it came from. `config.toml` is in the configuration directory of your
platform; `info` prints its path. Credentials are never read from it.

Flags take `1`, `true`, `yes` or `on`, and `0`, `false`, `no` or `off`.

"""
_KEYS = """\

## Keys

The table `[keys]` of `config.toml` gives actions other keys: see [Keys](keys.md).

## Columns

The table `[columns]` has the columns of lists by kind, from the left: see [Find things](../guide/find.md#columns).
"""


def _row(name: str) -> str:
    variables, default = _TABLE[name]
    names = ", ".join(f"`{variable}`" for variable in variables) or "–"
    shown = "–" if default is None else f"`{str(default).lower()}`"
    in_file = "no" if name in _SECRET else "yes"
    in_context = "yes" if name in _OF_A_CONTEXT else "stored" if name in _SECRET else "no"
    meaning = MEANINGS[name]
    if name in _NUMBER:
        meaning += f" From {_NUMBER[name][0]} to {_NUMBER[name][1]}."
    return f"| `{name}` | {meaning} | {names} | {in_context} | {in_file} | {shown} |\n"


def document() -> str:
    """Return the page as Markdown."""
    rows = "".join(map(_row, _TABLE))
    others = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in OTHER_VARIABLES.items())
    return (
        f"{_HEAD}## Settings\n\n"
        "| setting | meaning | environment variable | in a context | in `config.toml` | default |\n"
        f"| --- | --- | --- | --- | --- | --- |\n{rows}\n"
        f"## Other environment variables\n\n| variable | meaning |\n| --- | --- |\n{others}{_KEYS}"
    )
