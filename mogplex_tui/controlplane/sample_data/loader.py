"""Load the sample data of the seeded account from its JSON files.

Each file is read only once.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

_DATA = Path(__file__).parent


@cache
def material(name: str) -> Any:
    """Return the parsed content of `<name>.json`; callers must not change it."""
    return json.loads((_DATA / f"{name}.json").read_text(encoding="utf-8"))


class Model(NamedTuple):
    """One model of the catalogue.

    Prices are in USD per token; a price that is not known is None (observability.md §6).
    """

    id: str
    name: str
    context: int
    price_in: float | None
    price_out: float | None
    price_read: float | None
    price_write: float | None
    capabilities: tuple[str, ...]
    enabled: bool
    bucket: str | None
    rank: int | None
    reason: str | None

    @property
    def provider(self) -> str:
        """The provider's id: the part of the model id before the slash."""
        return self.id.partition("/")[0]


class Script(NamedTuple):
    """The files, search terms and commands of one repository, for simulated agents."""

    paths: tuple[str, ...]
    terms: tuple[str, ...]
    test: str
    lint: str
    tests: int


class Prompt(NamedTuple):
    """One task for a coding CLI, with the files it changes."""

    repo: str
    slug: str
    text: str
    focus: tuple[str, ...] = ()
    term: str = ""


@cache
def models() -> tuple[Model, ...]:
    """Return every model of the catalogue."""
    return tuple(
        Model(
            id=row["id"],
            name=row["name"],
            context=row["context"],
            price_in=row["in"],
            price_out=row["out"],
            price_read=row["read"],
            price_write=row["write"],
            capabilities=tuple(row["caps"]),
            enabled=not row.get("disabled", False),
            bucket=row.get("bucket"),
            rank=row.get("rank"),
            reason=row.get("reason"),
        )
        for row in material("models")
    )


@cache
def script(repo_key: str) -> Script:
    """Return the script of a repository; an unknown key gives that of "api"."""
    rows = material("repos")
    row = rows.get(repo_key, rows["api"])
    return Script(tuple(row["paths"]), tuple(row["terms"]), row["test"], row["lint"], row["tests"])


@cache
def prompts() -> tuple[Prompt, ...]:
    """Return every sample task."""
    return tuple(
        Prompt(row["repo"], row["slug"], row["prompt"], tuple(row["focus"]), row["term"])
        for row in material("prompts")
    )


def work(name: str) -> list[Any]:
    """Return a list of sample texts by name, such as pull request titles or authors."""
    return cast("list[Any]", material("work")[name])


def work_text(name: str) -> str:
    """Return a longer sample text by name, such as an install log."""
    text: str = "".join(work(name))
    return text
