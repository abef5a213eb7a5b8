"""The reference page of the client, filled in by Sphinx from docstrings."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

from mogplex_tui.api.client import ClientView, _LazyResource

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "client.md"

_HEAD = """\
# Resources of the client

Made by `make docs` from `mogplex_tui.api.client.ClientView`; a test fails when it is not current. How to make a client
is in [The Python client](../client.md), which route each method asks in [Routes of the client](client-routes.md).
"""
_SECTION = """\
## client.{name}

```{{eval-rst}}
.. autoclass:: {module}.{cls}
   :members:
   :inherited-members:
```
"""


def resources() -> dict[str, type]:
    """Return the class of each resource by its name on the client."""
    found = {}
    for name, member in inspect.getmembers_static(ClientView):
        if isinstance(member, _LazyResource):
            module, _, cls = member.import_path.partition(":")
            found[name] = getattr(import_module(f"mogplex_tui.api.resources.{module}"), cls)
    return found


def document() -> str:
    """Return the page as Markdown."""
    sections = (
        _SECTION.format(name=name, module=cls.__module__, cls=cls.__name__)
        for name, cls in sorted(resources().items())
    )
    return "\n".join([_HEAD, *sections])
