"""Filters on the lists of a seeded plane, typed and followed from links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mogplex_tui.live.collection import Entry
from mogplex_tui.operate import formatting, kind_rows
from mogplex_tui.operate.filters import parse
from mogplex_tui.operate.job_rows import JobRow
from mogplex_tui.operate.kinds.assignments import AssignmentRow
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.record_page import links_of
from tests.pilot.kinds.kind_lists import KindLists
from tests.pilot.kinds.kind_navigation import go_to_list

# Links to lists that may be empty for every record of the seed: nothing is wrong then.
EMPTY = {("triggers", "jobs"), ("agents", "runs"), ("agents", "assignments")}


async def test_filter_example_of_every_kind_finds_its_own_row(kind_lists: KindLists) -> None:
    now = kind_lists.session.clock.now()
    for name, kind in kinds().items():
        if name == "contexts":
            continue  # This console has none.
        examples = [(row, kind_rows.example_filter(kind, row, now)) for row in kind_lists.rows[name]]
        examples_found = [(row, example) for row, example in examples if example is not None]
        assert len(examples_found) > len(examples) / 2, f"{name} has no example"
        for row, example in examples_found:
            assert parse(example)[0].field is not None
            assert row in kind_lists.found(name, example), (name, example)


async def test_every_column_filters_by_its_key_and_its_title(kind_lists: KindLists) -> None:
    for name, kind in kinds().items():
        for field in kind.columns:
            names = kind_rows.FilterFields(kind, kind_lists.session.clock.now()).values_of(Entry("k", None))
            by_column = kind_rows.filter_names(field)
            assert by_column and set(by_column) <= set(names), (name, field.name)


async def test_links_to_a_list_select_exactly_the_rows_of_the_record(
    kind_lists: KindLists,
) -> None:
    somewhere: dict[tuple[str, str], bool] = {}
    for name, kind in kinds().items():
        for item in kind_lists.rows[name]:
            for link in links_of(kind.links, item.row) if item.row is not None else ():
                if link.key is None and link.filter:
                    way = (name, link.kind)
                    somewhere[way] = somewhere.get(way, False) or bool(
                        kind_lists.found(link.kind, link.filter)
                    )
    assert {way for way, found in somewhere.items() if not found} <= EMPTY
    assert len(somewhere) >= 14

    def followed(kind: str, label: str, fits: Callable[[Any], bool]) -> tuple[Any, list[Any]]:
        item = next(item for item in kind_lists.rows[kind] if fits(item))
        link = next(link for link in links_of(kind_lists.kinds[kind].links, item.row) if link.label == label)
        return item.row, kind_lists.found(link.kind, link.filter)

    account, repos = followed("installations", "repos", lambda item: item.row.synced_repo_count)
    owner = account.account_login
    mine = [item for item in kind_lists.rows["projects"] if item.row.full_name.split("/")[0] == owner]
    assert repos == mine
    assert mine

    # Another repository that is called alike is another repository.
    kind_lists.rows["runs"] += [run._replace(repo="acme/web-docs") for run in kind_lists.rows["runs"]]
    project, runs = followed("projects", "runs", lambda item: item.row.full_name == "acme/web")
    assert {run.repo for run in runs} == {project.full_name}


async def test_filter_separates_the_projects_of_a_monorepo(
    kind_lists: KindLists,
) -> None:
    separated, since = set(), kind_lists.session.clock.now() - timedelta(hours=24)
    sharing = Counter(item.row.full_name for item in kind_lists.rows["projects"])
    for item in kind_lists.rows["projects"]:
        name, links = (
            item.row.full_name,
            {link.kind: link for link in links_of(kinds()["projects"].links, item.row)},
        )
        for kind in ("runs", "sandboxes", "assignments", "jobs"):
            narrowed = links[kind].filter
            assert narrowed.split() == [f"repo:={name}", *[f"project:{item.key[:8]}"] * (sharing[name] > 1)]
            found = kind_lists.found(kind, narrowed)
            its = [row for row in kind_lists.rows[kind] if item.key == _repo(row)]
            assert found == its, (narrowed, kind)
            if sharing[name] > 1 and its:
                separated.add(kind)
        day = [
            row for row in kind_lists.found("runs", links["runs"].filter) if row.began and row.began >= since
        ]
        assert item.row.day.runs == (len(day) or (None if item.row.day.is_partial else 0))
    assert {"runs", "sandboxes"} <= separated, "the seed has no monorepo with work in it"


def _repo(row: Any) -> str | None:
    record = row.row
    if isinstance(record, JobRow):
        return None if record.job.repo is None else record.job.repo.id
    repo_id: str | None = (record.assignment if isinstance(record, AssignmentRow) else record).repo_id
    return repo_id


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("kind", "text", "column", "word"),
    [
        ("jobs", "repo:acme", "repo", "acme"),
        ("projects", "repo:acme", "repo", "acme"),
        ("assignments", "enabled:on", "enabled", "on"),
        ("assignments", "on:off", "enabled", "off"),
        ("assignments", "enabled:true", "enabled", "on"),
        ("approvals", "state:approval", "status", "approval"),
        ("approvals", "state:waiting", "status", "approval"),
        ("members", "who:a", "name", "a"),
        ("dispatch", "outcome:completed", "outcome", "completed"),
    ],
)
async def test_filter_matches_the_text_that_a_column_shows(
    kind_lists: KindLists, kind: str, text: str, column: str, word: str
) -> None:
    found = kind_lists.found(kind, text)
    assert found
    assert found == [
        row for row in kind_lists.rows[kind] if word in kind_lists.cell(kind, column, row).lower()
    ]


async def test_list_is_filtered_by_the_age_that_it_shows(kind_lists: KindLists) -> None:
    now = kind_lists.session.clock.now()
    old = [row for row in kind_lists.rows["jobs"] if (now - row.row.job.created_at).total_seconds() > 7200]
    assert 0 < len(old) < len(kind_lists.rows["jobs"])
    assert kind_lists.found("jobs", "age:>2h") == old
    assert all(float(row.row.cost_usd) > 0.1 for row in kind_lists.found("jobs", "cost:>0.1"))


async def test_filter_example_is_taken_from_the_cursor_row(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "jobs")
        await ui.until(lambda: screen.table.cursor_key, "a row under the cursor")
        await ui.press("slash")
        word = formatting.state(screen.cursor_row().row.state)[1].split(" ")[0]
        await ui.sees(f"a word, or state:{word} !other")
