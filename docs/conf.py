"""Sphinx configuration of the documentation site, which `make site` builds."""

from __future__ import annotations

import re
from typing import Any

from mogplex_tui import __version__

project = "mogplex-tui"
author = "The mogplex-tui authors"
copyright = "The mogplex-tui authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
# Headings get anchors, as on a code host, so that `page.md#heading` is a link in both places.
myst_heading_anchors = 4
# Blocks without a language hold terminal output and file names.
highlight_language = "none"
# A shortened JSON document is no valid JSON, which is no fault.
# The annotation `type` is Python's own, though several models have a field of that name.
suppress_warnings = ["misc.highlighting_failure", "ref.python"]

html_theme = "furo"
html_title = "mogplex-tui"
html_copy_source = False
html_show_copyright = False

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_display_short_literal_types = True
python_maximum_signature_line_length = 88

_CODE = re.compile(r"(`+[^`]+`+)")


def _escape_docstring(*event: Any) -> None:
    """Escape reStructuredText markup: docstrings are plain text with `code`."""
    lines: list[str] = event[-1]
    for number, line in enumerate(lines):
        parts = _CODE.split(line)
        parts[::2] = [re.sub(r"([*|]|_\b)", r"\\\1", part) for part in parts[::2]]
        lines[number] = "".join(parts)


def _hide_constructor(*event: Any) -> tuple[str, None] | None:
    """Show resources without a constructor: the client creates them."""
    _, what, name, *_ = event
    return ("", None) if what == "class" and name.startswith("mogplex_tui.api.resources.") else None


def setup(app: Any) -> None:
    """Register the hooks on docstrings and signatures."""
    app.connect("autodoc-process-docstring", _escape_docstring)
    app.connect("autodoc-process-signature", _hide_constructor)
