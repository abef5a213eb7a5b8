"""Every id that a record names is a link that leads to a record or a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mogplex_tui.live.collection import Entry
from mogplex_tui.operate import run_facts
from mogplex_tui.operate.model import AnyKind
from mogplex_tui.operate.record_page import links_of
from tests.pilot.kinds.kind_lists import KindLists
from tests.pilot.kinds.records import fields_of

# What is named and is no link of its own: the nodes of a drawing, the model beside the agent of a job, the repositories
# of an installation, which are a list; and the ledger, where records of all kinds name their newest entry.
NO_LINK = {
    ("automations", "agents"),
    ("automations", "models"),
    ("installations", "projects"),
    ("jobs", "models"),
}
LEDGER = ("dispatch", "failures")
# The seed names a model and a repository that no longer exist; the console says so.
GONE = {("conversations", "models"), ("sandboxes", "projects")}


def _names(value: Any) -> Iterator[str]:
    """Yield every string in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _names(each)
    elif isinstance(value, str):
        yield value


def _records(kind_lists: KindLists) -> Iterator[tuple[str, AnyKind, Entry[Any]]]:
    for name, kind in kind_lists.kinds.items():
        for item in kind_lists.rows[name] if name != "runs" else ():
            if item.row is not None:
                yield name, kind, item


async def test_every_id_of_another_record_is_a_link(kind_lists: KindLists) -> None:
    # A key such as `account` is a word as well.
    where = {
        row.key: name
        for name, rows in kind_lists.rows.items()
        if name not in LEDGER
        for row in rows
        if len(row.key) >= 36 or name == "models"
    }
    met, lacking = set(), set()
    for name, kind, item in _records(kind_lists):
        shown = [value for value in fields_of(item.row).values() if isinstance(value, str)]
        named = {text for text in _names([item.raw, shown]) if text in where} - {item.key}
        met |= {(name, where[text]) for text in named}
        lacking |= {
            (name, where[text]) for text in named - {link.key for link in links_of(kind.links, item.row)}
        }
    assert lacking == NO_LINK
    assert len(met - lacking) > 20, met


async def test_link_to_a_record_opens_that_record(kind_lists: KindLists) -> None:
    """Every linked record is in its kind's list or can be read by id."""
    there = {name: {row.key for row in rows} for name, rows in kind_lists.rows.items()}
    met, nowhere = set(), set()
    for name, kind, item in _records(kind_lists):
        for link in links_of(kind.links, item.row):
            if link.key is None or link.kind == "runs":
                continue
            met.add((name, link.kind))
            if link.key not in there[link.kind] and kind_lists.kinds[link.kind].single is None:
                nowhere.add((name, link.kind))
    assert nowhere == GONE
    assert len(met) > 20, met


async def test_run_links_to_every_record_that_it_names(kind_lists: KindLists) -> None:
    there = {name: {row.key for row in rows} for name, rows in kind_lists.rows.items()}
    met = set()
    for row in kind_lists.rows["runs"]:
        ways = {(link.kind, link.key) for link in links_of(run_facts.LINKS, row)}
        named = {
            "projects": row.repo_id,
            "agents": row.agent_id,
            "jobs": row.job_id,
            "sandboxes": row.sandbox_id,
            "models": row.model,
        }
        for kind, key in named.items():
            if key in there[kind]:
                met.add(kind)
                assert (kind, key) in ways, row
    assert met == set(named)
