"""The models of the client as a page: Sphinx fills in the fields from the classes."""

from __future__ import annotations

from pathlib import Path

import mogplex_tui.api.models as package

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "models.md"

_HEAD = """\
# Models of the client

Made by `make docs` from the modules below `mogplex_tui/api/models`; a test fails when it is not current. Methods of the
[resources](client.md) return and take these. Unknown fields of a response are ignored, and a value that the service may
extend is text.
"""
_SECTION = """\
## models.{module}

```{{eval-rst}}
.. automodule:: {package}.{module}
   :members:
   :undoc-members:
   :exclude-members: model_config
```
"""


def modules() -> list[Path]:
    """Return the modules that define models."""
    return sorted(path for path in Path(package.__path__[0]).glob("*.py") if path.stem != "__init__")


def document() -> str:
    """Return the page as Markdown."""
    sections = (_SECTION.format(package=package.__name__, module=path.stem) for path in modules())
    return "\n".join([_HEAD, *sections])
