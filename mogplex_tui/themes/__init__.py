"""The console's own themes, a dark one and a light one.

Colours for severities, such as the red of errors, are used only for severities. Hex colours are
defined only in this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

DARK: Final = Theme(
    name="mogplex-dark",
    dark=True,
    primary="#6cb2f2",
    secondary="#8a97a6",
    accent="#6cb2f2",
    foreground="#d3d9e0",
    background="#0f1317",
    surface="#161b21",
    panel="#1f262e",
    boost="#262e37",
    success="#7fb58a",
    warning="#e0ad5b",
    error="#ee7d76",
    variables={
        "border": "#39434e",
        "border-blurred": "#2a323b",
        "footer-key-foreground": "#6cb2f2",
        "input-selection-background": "#6cb2f2 30%",
        "block-cursor-background": "#26405a",
        "block-cursor-foreground": "#e7edf3",
        "block-cursor-text-style": "none",
        "scrollbar": "#39434e",
        "scrollbar-background": "#0f1317",
    },
)

LIGHT: Final = Theme(
    name="mogplex-light",
    dark=False,
    primary="#1667b7",
    secondary="#5c6773",
    accent="#1667b7",
    foreground="#1d242b",
    background="#fbfbfa",
    surface="#f3f4f4",
    panel="#e7e9eb",
    boost="#dfe2e5",
    success="#2f7544",
    warning="#8f5c00",
    error="#bf2c24",
    variables={
        "border": "#b9c0c7",
        "border-blurred": "#d3d8dc",
        "footer-key-foreground": "#1667b7",
        "input-selection-background": "#1667b7 25%",
        "block-cursor-background": "#cfe1f4",
        "block-cursor-foreground": "#14202b",
        "block-cursor-text-style": "none",
        "scrollbar": "#b9c0c7",
        "scrollbar-background": "#fbfbfa",
    },
)

THEMES: Final = (DARK, LIGHT)
"""Both themes, the default first."""


def register(app: App[Any]) -> None:
    """Register the console's themes with a Textual app without activating one."""
    for theme in THEMES:
        app.register_theme(theme)


def allowed(name: str, environment: Mapping[str, str], *, no_color: bool = False) -> str:
    """Return `name`, or the name of the dark theme if colours are off.

    Colours are off if `no_color` (`App.no_color`) is True or the environment contains `NO_COLOR`.
    An ANSI theme without colours would draw black on black, so the dark theme is used then.
    """
    if no_color or "NO_COLOR" in environment:
        return DARK.name
    return name
