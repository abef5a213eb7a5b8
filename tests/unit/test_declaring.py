"""How kinds are declared: what a path, a sentence, a fact, a link and a verb made of texts come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from mogplex_tui.api.models.base import BadRow, Rows
from mogplex_tui.api.models.jobs import Job
from mogplex_tui.live import rows as make
from mogplex_tui.live.collection import Item
from mogplex_tui.live.view import SortedView
from mogplex_tui.operate.filters import compile_filter
from mogplex_tui.operate.job_rows import JobRow
from mogplex_tui.operate.kinds import RUNS
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Context, dressed, with_more
from mogplex_tui.operate.kinds.mcp_servers import McpServerRow
from mogplex_tui.operate.kinds.models import ModelRow
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.kinds.sandboxes import SandboxRow
from mogplex_tui.operate.kinds.settings import SettingRow
from mogplex_tui.operate.kinds.teams import TeamRow
from mogplex_tui.operate.kinds.verb import verb
from mogplex_tui.operate.words import DASH
from mogplex_tui.screens.table_models import RowTableModel
from mogplex_tui.widgets.tones import Tone
from tests.unit.fakes import call

NOW = datetime(2026, 8, 5, 10, 0, tzinfo=UTC)


def item(**record: Any) -> Item:
    return Item("k1", record)


@pytest.mark.parametrize(
    ("sentence", "record", "told"),
    [
        ("{name|id}", {"id": "i", "name": "n"}, "n"),
        ("{name|id}", {"id": "i", "name": None}, "i"),
        ("{repo.full_name} {branch}", {"repo": {"full_name": "acme/api"}}, "acme/api"),
        ("{repo_name or sandbox} {branch}", {"branch": "main"}, "sandbox main"),
        ("{repo_name or sandbox} {branch}", {"repo_name": "", "branch": "main"}, "sandbox main"),
        ("job {id:8}", {"id": "0123456789"}, "job 01234567"),
        ("“{says:12}”", {"says": "Which is the old one?"}, "“Which is th…”"),
        ("“{says:12}”", {"says": "Which is old"}, "“Which is old”"),
        ("{n}", {"n": 0}, "0"),
        # What a record says is never read as a sentence.
        ("{name}", {"name": "{id}", "id": "i"}, "{id}"),
        ("", {}, ""),
    ],
)
def test_a_sentence_is_filled_from_a_record(sentence: str, record: dict[str, Any], told: str) -> None:
    assert c.named(sentence)(record) == told


def test_a_sentence_that_must_be_whole_is_none_when_something_lacks() -> None:
    assert c.filled(item(slug="core"), "team:{slug}") == "team:core"
    assert c.filled(item(slug=None), "team:{slug}") is None
    # A filter without a word would show everything.
    assert c.filled(item(slug=""), "team:{slug}") is None
    assert c.filled(item(), "team:{slug or own}") == "team:own"


def test_facts_are_told_by_what_they_are() -> None:
    record = item(
        on=True,
        made=NOW - timedelta(hours=3),
        ends=NOW + timedelta(days=2),
        tokens=48213,
        agent_id=48213,
        cost=Decimal("0.42"),
        tags=["a", "b"],
        none=[],
        price=Decimal("0.000003"),
        code="ACTIVE_DUPLICATE",
    )
    spec = (
        "on; made; ends; spent: tokens; agent: agent_id; cost; tags; none; gone; no: error.first|second",
        "per token: price as price; why: code as reason; other: gone as reason; never?: gone; still?: code as reason",
    )
    first, second = c.groups(*spec)(record, Context(NOW))
    told = {label: text for label, text, _ in (*first, *second)}
    assert told["made"].startswith("3h ago, ")
    assert told["ends"].startswith("in 2d, ")
    assert {label: text for label, text in told.items() if label not in ("made", "ends")} == {
        "on": "yes",
        "spent": "48,213",
        "agent": "48213",
        "cost": "$0.42",
        "tags": "a, b",
        "none": DASH,
        "gone": DASH,
        "no": DASH,
        "per token": "$3.00 a million",
        "why": "the same work is waiting or running already",
        "other": DASH,
        "still": "the same work is waiting or running already",
    }
    assert [tone for label, _, tone in first if label in ("none", "on")] == ["plain", "dim"]


def test_links_lead_where_the_record_leads_and_no_further() -> None:
    links = p.links(
        p.to("{parent_kind}", "from", "parent", "source"),
        p.to("jobs", "retry of", "retry_of"),
        p.among("runs", "runs", "its runs", "repo:{repo}"),
        p.among("models", "models", "all", lambda each: "" if c.value(each, "repo") else None),
    )
    whole = links(item(parent="f" * 36, parent_kind="automations", source="Nightly", repo="acme/api"))
    assert [(link.label, link.text, link.kind, link.key, link.filter) for link in whole] == [
        ("from", "Nightly", "automations", "f" * 36, ""),
        ("runs", "its runs", "runs", None, "repo:acme/api"),
        ("models", "all", "models", None, ""),
    ]
    # A key without a name is called by its beginning.
    assert [link.text for link in links(item(retry_of="0123456789"))] == ["01234567"]
    assert links(item()) == []


def test_texts_that_are_there_are_shown_and_lists_line_by_line() -> None:
    texts = c.texts(
        ("Content", "content"), ("Lines", "lines"), ("Told", "rows", lambda each, _: each.upper())
    )
    assert texts(item(content="a", lines=["b", "c"], rows=["d"]), Context(NOW)) == [
        ("Content", "a"),
        ("Lines", "b\nc"),
        ("Told", "D"),
    ]
    assert texts(item(content="", lines=[]), Context(NOW)) == []


async def _sent(*_: Any) -> None: ...


def test_a_verb_says_the_first_reason_against_it() -> None:
    stop = (
        verb("stop", "x", "Stop it.")
        .sends(_sent)
        .only(p.having("may", "Ask an owner."), p.lacking("mine", "It is yours."), p.while_in("running"))
    )
    assert stop.why_not(item(may=True, status="running")) is None
    assert stop.why_not(item(may=False, mine=True, status="running")) == "Ask an owner."
    assert stop.why_not(item(may=True, mine=True)) == "It is yours."
    assert (
        stop.why_not(item(may=True, status="paused")) == "It is paused; this works only while it is running."
    )
    assert stop.why_not(item(may=True)) == "It is unknown; this works only while it is running."
    again = verb("again", "a", "Again.").sends(_sent).only(p.while_not_in("over", why="It is {status}."))
    assert [again.why_not(item(status=status)) for status in ("over", "idle")] == ["It is over.", None]


def test_a_verb_is_what_its_sentence_says() -> None:
    plain = verb("stop", "x", "Stop it.").sends(_sent)
    assert (plain.title, plain.keyed, plain.many, plain.footer, plain.means) == (
        "stop",
        False,
        False,
        True,
        (),
    )
    whole = (
        verb("run", "n", "Run it.", "run now")
        .sends_keyed(_sent)
        .asks("It costs.", "It is final.", go="Run it")
        .wants("How often", value=lambda _: "1", check=p.wanted("Say how often."))
        .says("running", "{} ran.")
        .for_many()
        .aside()
    )
    assert (whole.title, whole.keyed, whole.many, whole.footer) == ("run now", True, True, False)
    assert (whole.means, whole.go) == (("It costs.", "It is final."), "Run it")
    assert (whole.doing, whole.done) == ("running", "{} ran.")
    assert whole.wish is not None
    assert (whole.wish.label, whole.wish.value(item())) == ("How often", "1")
    assert [whole.wish.check(text) for text in (" ", "2")] == ["Say how often.", None]


def test_a_switch_is_off_or_on_and_asks_only_before_off() -> None:
    enable, disable = p.switches(_sent, means="Nothing new is started.")
    on, off = item(enabled=True), item(enabled=False)
    assert [enable.why_not(on), enable.why_not(off)] == ["It is enabled already.", None]
    assert [disable.why_not(on), disable.why_not(off)] == [None, "It is disabled already."]
    assert (enable.means, disable.means) == ((), ("Nothing new is started.",))


def test_a_dressed_row_has_its_properties_and_what_is_beside_it() -> None:
    class Row:
        def __init__(self) -> None:
            self.id, self.name = "i", "own"

        @property
        def status(self) -> str:
            return "idle"

    assert dressed(Row(), "status health", name="shown") == {
        "id": "i",
        "name": "shown",
        "status": "idle",
        "health": None,
    }


def test_an_item_read_by_itself_keeps_what_the_list_said() -> None:
    listed = Item("k", {"name": "n", "state": "old"}, {"raw": 1})
    more = with_more(listed, {"state": "new", "said": ["hello"]})
    assert (more.record, more.raw) == ({"name": "n", "state": "new", "said": ["hello"]}, {"raw": 1})
    assert with_more(Item("k", None), {"state": "new"}, {"raw": 2}).raw == {"raw": 2}


def test_the_runs_of_a_model_are_not_those_of_one_that_is_called_alike() -> None:
    nothing = dict.fromkeys(
        ("is_enabled", "is_default", "context_length", "input_price", "output_price"), None
    )
    row = ModelRow(
        id="openai/gpt-5",
        name="GPT-5",
        provider="openai",
        is_usable=True,
        is_available=True,
        capabilities=(),
        **nothing,
    )
    (runs,) = kinds()["models"].links(Item(row.id, row))
    assert (runs.kind, runs.key) == ("runs", None)
    fits = compile_filter(runs.filter, RUNS.fields_at(NOW))
    assert fits is not None
    told = {
        model: fits(make.from_call(call(1, model=model))) for model in ("openai/gpt-5", "openai/gpt-5-mini")
    }
    assert told == {"openai/gpt-5": True, "openai/gpt-5-mini": False}


def test_what_is_over_and_well_is_quiet_beside_what_is_not() -> None:
    jobs, context = kinds()["jobs"], Context(NOW)
    found = [Job(id=state, status=state, source_type="push") for state in ("running", "success", "failed")]
    rows = {job.id: Item(job.id, JobRow(job.id, job, None)) for job in found}
    view = SortedView(rows, jobs.default_sort)
    source = RowTableModel(jobs, rows, view, context)
    at = [field.key for field in jobs.fields].index("source")
    assert {state: source.cells(state)[at] for state in rows} == {
        "running": ("push", Tone.PLAIN),
        "success": ("push", Tone.DIM),
        "failed": ("push", Tone.PLAIN),
    }


def sandbox(*, error: str | None, stop_reason: str | None) -> Item:
    """Return the row of a sandbox that is not there any more."""
    nothing = dict.fromkeys(("root_directory", "preview_url", "runtime", "paid_by", "created_at"))
    row = SandboxRow(
        id="k1",
        status="stopped",
        health=None,
        error=error,
        stop_reason=stop_reason,
        repo_id="r1",
        machine="vm",
        base_branch="main",
        working_branch="main",
        last_active_at=None,
        **nothing,
    )
    return Item("k1", row)


def test_a_sandbox_says_what_went_wrong_or_else_why_it_stopped_in_words() -> None:
    why, context = kinds()["sandboxes"].field("error"), Context(NOW)
    told = [
        (sandbox(error="clone failed", stop_reason="manual"), ("clone failed", "error")),
        (sandbox(error=None, stop_reason="vm_gone"), ("the machine is gone", "dim")),
        (sandbox(error=None, stop_reason="from_the_future"), ("from the future", "dim")),
        (sandbox(error=None, stop_reason=None), (DASH, "dim")),
    ]
    assert [why.cell(row, context) for row, _ in told] == [cell for _, cell in told]
    fits = compile_filter("why:vm_gone", kinds()["sandboxes"].fields_at(NOW))
    assert fits is not None
    assert [fits(row) for row, _ in told] == [False, True, False, False]


def test_a_gap_stands_out_with_what_mends_it_and_what_is_ready_has_nothing_to_mend() -> None:
    settings, context = kinds()["settings"], Context(NOW)
    gap, ready = (
        Item("github", SettingRow("github", "readiness", "GitHub", value, fix is None, fix))
        for value, fix in (("OAuth only", "Install it"), ("Ready", None))
    )
    assert settings.field("ready").cell(gap, context) == ("▲ gap", "warn")
    assert settings.field("value").cell(gap, context)[0] == "OAuth only · Install it"
    assert [fact[0] for fact in settings.facts(gap, context)[0]] == ["name", "value", "ready", "fix"]
    assert [fact[0] for fact in settings.facts(ready, context)[0]] == ["name", "value", "ready"]


def test_a_credential_that_an_error_or_a_text_quotes_is_not_shown() -> None:
    each = item(said="git push https://x-access-token:s3cr3t@github.com/acme/web failed")
    shown = [
        c.trouble("said").cell(each, Context(NOW))[0],
        c.text("said", "MESSAGE", tone="error").cell(each, Context(NOW))[0],
        c.groups("error: said as error")(each, Context(NOW))[0][0][1],
        c.texts(("Message", "said"))(each, Context(NOW))[0][1],
    ]
    assert set(shown) == {"git push https://x-access-token:[redacted]@github.com/acme/web failed"}


def test_a_server_that_is_merged_of_several_sources_is_not_changed_by_its_name() -> None:
    merged, own = (
        Item("k1", McpServerRow("k1", "files", True, "stdio", "npx files", (), is_own=each))
        for each in (False, True)
    )
    for each in kinds()["mcp-servers"].verbs:
        assert "need a browser session" in (each.why_not(merged) or "")
        assert each.why_not(own) == ("It is enabled already." if each.id == "enable" else None)


async def test_of_a_team_no_person_is_lost_because_a_row_cannot_be_read() -> None:
    member = SimpleNamespace(role="owner", label="Ada", email="ada@acme.dev")
    roster = SimpleNamespace(
        team=SimpleNamespace(name="Acme", slug="acme"),
        viewer=SimpleNamespace(can_manage=True),
        members=Rows([member], [BadRow({}, "role: not a text")]),
        invites=Rows(),
    )

    async def read(_: str) -> SimpleNamespace:
        return roster

    teams = kinds()["teams"]
    assert teams.one is not None
    client: Any = SimpleNamespace(teams=SimpleNamespace(roster=read))
    record = (await teams.one(client, Item("k1", TeamRow("k1", "Acme", "acme", "owner")))).record
    assert (record.people, record.invited) == (2, 0)
    assert record.roster == ("owner      Ada  ada@acme.dev", "unreadable role: not a text")
