"""Write the generated reference pages: `make docs`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mogplex_tui.controlplane.route_listing import Entry, entries, unserved_router
from tests.facts import (
    client_models,
    client_resources,
    client_routes,
    command_page,
    keys,
    kinds,
    settings_page,
)
from tests.facts.routes import EXTRA, Fact, facts, unnamed

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "control-plane-routes.md"

_HEAD = """\
# Routes of the embedded control plane

Made by `make docs`; a test fails when it is not current.

One row for each method of each route: who calls it, where the contract describes it, and the module below
`mogplex_tui/controlplane/` that answers. *operator* routes are what a console or a script uses, *browser* routes are
where only a browser ends up, and *machine* routes are called by webhooks, schedulers and workers.
"""
_EXTRA_HEAD = """\
## Beyond the contract's route lists

"""


def _table(rows: Iterable[tuple[str, ...]], head: tuple[str, ...]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _contract_row(fact: Fact, answering: dict[tuple[str, str], Entry]) -> tuple[str, ...]:
    entry = answering.get(fact.key)
    module = "nobody" if entry is None else f"`{entry.module}`"
    return fact.method, f"`{fact.path}`", fact.caller, fact.section.replace("§", " §"), module


def document() -> str:
    """The Markdown text of the route table."""
    found = entries(unserved_router().routes)
    answering = {(entry.method, unnamed(entry.path)): entry for entry in found}
    wanted = facts()
    known = {fact.key for fact in wanted}
    families: dict[str, list[Fact]] = {}
    for fact in wanted:
        families.setdefault(fact.section.partition("§")[0], []).append(fact)
    parts = [
        _HEAD,
        f"{len(known & answering.keys())} of {len(known)} methods of the contract are answered.\n",
    ]
    head = ("method", "path", "caller", "contract", "module")
    for family, members in families.items():
        parts.append(f"## {family}\n\n" + _table((_contract_row(fact, answering) for fact in members), head))
    more = [entry for key, entry in answering.items() if key not in known]
    rows = (
        (
            entry.method,
            f"`{entry.path}`",
            EXTRA.get(unnamed(entry.path), "no reason is given"),
            f"`{entry.module}`",
        )
        for entry in more
    )
    parts.append(_EXTRA_HEAD + _table(rows, ("method", "path", "why it is there", "module")))
    return "\n".join(parts)


def main() -> None:
    """Write every document."""
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document())
    client_routes.DOCUMENT.write_text(client_routes.document())
    kinds.DOCUMENT.write_text(kinds.document())
    keys.DOCUMENT.write_text(keys.document())
    command_page.DOCUMENT.write_text(command_page.document())
    settings_page.DOCUMENT.write_text(settings_page.document())
    client_models.DOCUMENT.write_text(client_models.document())
    client_resources.DOCUMENT.write_text(client_resources.document())


if __name__ == "__main__":
    main()
