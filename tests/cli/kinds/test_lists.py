"""The verbs `list` and `get` of all kinds: formats, filters, names and access."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, serving
from tests.cli.support import TOKEN, UNKNOWN_ID, CommandRunner
from tests.controlplane.automation.automation_rows import assignment, control_approval, insert_wait
from tests.controlplane.row_factory import RowFactory

LISTS = (
    "repos",
    "agents",
    "models",
    "sandboxes",
    "automations",
    "assignments",
    "jobs",
    "approvals",
)
# Kinds that the hosted edge closes to tokens and that the token API does not have (auth.md §4).
SESSION_ONLY = ("assignments", "approvals")
WAIT_CONFIG = {"kind": "manual_approval", "prompt": "Ship it?"}


def add_row_of_every_kind(factory: RowFactory) -> dict[str, str]:
    """Add a row of every kind, and return its ids by the kind's name."""
    factory.model("acme/nova-1", pricing_input=0.000003, pricing_output="0.000015")
    repo, agent = factory.repo("acme/api"), factory.agent("Reviewer")
    flow = factory.flow(agent)
    job = factory.job(flow, repo, start=True)
    return {
        "repos": repo,
        "agents": agent,
        "models": "acme/nova-1",
        "sandboxes": factory.sandbox(repo),
        "automations": flow,
        "assignments": assignment(factory, repo, agent),
        "jobs": job,
        "approvals": insert_wait(factory, job, wait_config=WAIT_CONFIG),
    }


async def test_every_list_has_its_row_in_every_format(operator: CommandRunner, factory: RowFactory) -> None:
    rows = add_row_of_every_kind(factory)
    for name, row_id in rows.items():
        as_json = await operator(name, "list", "--json")
        assert as_json.code == 0, (name, as_json.err)
        assert row_id in {each.get("id") for each in as_json.objects}, name
        assert len({each["object"] for each in as_json.objects}) == 1
        table = await operator(name, "list")
        assert table.lines[0].startswith("ID  "), name
        assert (row_id if name == "models" else row_id[:8]) in table.out
        assert name == "models" or row_id not in table.out
        wide = await operator(name, "list", "--output", "wide")
        assert row_id in wide.out and len(wide.lines) == len(table.lines)
        assert len(wide.lines[0]) > len(table.lines[0])
        found = list(csv.DictReader(io.StringIO((await operator(name, "list", "-o", "csv")).out)))
        assert row_id in {each["id"] for each in found}, name


async def test_record_is_found_by_id_prefix_and_name(operator: CommandRunner, factory: RowFactory) -> None:
    rows = add_row_of_every_kind(factory)
    named = {"repos": "ACME/api", "agents": "reviewer", "models": "nova-1", "automations": "Review"}
    for name, row_id in rows.items():
        texts = [
            row_id,
            *([row_id[:13]] if name != "models" else []),
            *([named[name]] if name in named else []),
        ]
        for text in texts:
            result = await operator(name, "get", text, "--json")
            assert (result.code, result.only_object["id"]) == (0, row_id), (name, text, result.err)
        facts = await operator(name, "get", row_id)
        assert facts.lines[0].split() == ["id", row_id]


async def test_unknown_record_fails(operator: CommandRunner, factory: RowFactory) -> None:
    add_row_of_every_kind(factory)
    for name in LISTS[:-1]:
        result = await operator(name, "get", UNKNOWN_ID)
        assert (result.code, result.out) == (1, ""), name
        assert result.err
        result = await operator(name, "get", "no such thing")
        assert (result.code, result.out) == (1, "")
        assert "no such thing" in result.err


async def test_empty_name_matches_nothing(operator: CommandRunner, factory: RowFactory) -> None:
    factory.sandbox(factory.repo("acme/small"), sandbox_id="")
    empty = await operator("sandboxes", "get", " ")
    assert (empty.code, empty.out, empty.err) == (2, "", "The name of the sandbox is empty.\n")
    factory.flow()
    for kind in ("automations", "sandboxes", "repos"):
        assert (await operator(kind, "get", "none")).code == 1


async def test_ambiguous_name_is_refused_with_ids(operator: CommandRunner, factory: RowFactory) -> None:
    first, second = factory.repo("acme/api"), factory.repo("acme/api", root_directory="web")
    assert (await operator("repos", "get", "acme/api", "--json")).only_object["id"] == first
    assert (await operator("repos", "get", "acme/api web", "--json")).only_object["id"] == second
    result = await operator("repos", "get", "acme/")
    assert (result.code, result.out) == (2, "")
    assert first in result.err and second in result.err


async def test_token_uses_token_api_behind_edge(
    token_only: CommandRunner, factory: RowFactory, profile: str
) -> None:
    rows = add_row_of_every_kind(factory)
    for name, row_id in rows.items():
        result = await token_only(name, "list", "--json")
        if profile == "hosted" and name in SESSION_ONLY:
            assert (result.code, result.out) == (3, ""), name
            assert "login --session" in result.err
            continue
        assert result.code == 0, (name, result.err)
        assert row_id in {each.get("id") for each in result.objects}
        notice = "With a token alone this list has names and categories;"
        detour = profile == "hosted" and name == "agents"
        assert (notice in result.err) is detour, (name, result.err)
        assert (await token_only(name, "get", row_id, "--json")).only_object["id"] == row_id


@pytest.mark.parametrize("profile", ["hosted"])
async def test_job_over_token_api_has_cost_of_its_calls(
    token_only: CommandRunner, factory: RowFactory
) -> None:
    job, unpriced = (factory.job(factory.flow(), start=True) for _ in range(2))
    for cost in (0.25, 0.5):
        factory.call(job_run_id=job, status="success", cost_usd=cost, cost_source="gateway")
    factory.call(job_run_id=unpriced, status="success", cost_usd=0.25, cost_source="gateway")
    factory.call(job_run_id=unpriced, status="failed")
    listed = await token_only("jobs", "list", "--json")
    assert {row["id"] for row in listed.objects} == {job, unpriced}
    assert "other jobs, agents, costs and actions on jobs need a browser session" in listed.err
    assert (await token_only("jobs", "get", job, "--json")).only_object["cost_usd"] == "0.75"
    # The price of one call is unknown, so the cost of the job is too.
    assert (await token_only("jobs", "get", unpriced, "--json")).only_object["cost_usd"] is None


@pytest.mark.parametrize("profile", ["hosted"])
async def test_job_not_listed_by_v1_is_found_by_id(token_only: CommandRunner, factory: RowFactory) -> None:
    factory.flow()
    flow = factory.flow()
    jobs = [factory.job(flow, number=number) for number in range(52)]
    for at, job in enumerate(jobs):
        with factory.plane.db.transaction() as tx:
            tx.execute("UPDATE job_runs SET created_at = created_at + ? WHERE id = ?", (at, job))
    listed = await token_only("jobs", "list", "--limit", "99", "--json")
    assert {row["id"] for row in listed.objects} == set(jobs[2:])
    assert (await token_only("jobs", "get", jobs[0], "--json")).only_object["id"] == jobs[0]
    missing = await token_only("jobs", "get", UNKNOWN_ID)
    assert (missing.code, missing.out) == (1, "")
    assert "the token API" in missing.err.replace("The", "the")


@pytest.mark.parametrize("profile", ["hosted"])
async def test_jobs_over_token_api_report_left_out_automations(
    token_only: CommandRunner, factory: RowFactory
) -> None:
    for number in range(22):
        factory.job(factory.flow(), number=number)
    listed = await token_only("jobs", "list", "--json")
    assert len(listed.objects) == 20
    assert "runs of the newest 20 automations" in " ".join(listed.err.split())


async def test_field_has_same_name_from_every_source(
    operator: CommandRunner, token_only: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    rows = add_row_of_every_kind(factory)
    expected = {"agents": ("name", "category"), "jobs": ("status",)}
    for cookie in (None, plane.session_cookie):
        operator.use(plane.base_url, token=plane.token, cookie=cookie)
        for name, fields in expected.items():
            found = (await operator(name, "list", "--json")).objects
            row = next(each for each in found if each["id"] == rows[name])
            assert set(fields) <= set(row), (name, cookie)
            assert set(fields) <= set((await operator(name, "get", rows[name], "--json")).only_object)
        # The two routes call the field `is_preset` and `preset`; CSV has the columns of the kind.
        agents = csv.DictReader(io.StringIO((await operator("agents", "list", "-o", "csv")).out))
        presets = {row["id"]: row["is_preset"] for row in agents}
        assert (presets[rows["agents"]], presets["preset:PR-REVIEWER"]) == ("no", "yes"), cookie


async def test_missing_scope_ends_with_4_and_its_name(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, profile: str
) -> None:
    rows = add_row_of_every_kind(factory)
    mogplex.use(plane.base_url, token=factory.token(scopes=("write",)))
    result = await mogplex("agents", "list")
    # Only the token API checks scopes (auth.md §5.1).
    assert result.code == (4 if profile == "hosted" else 0)
    assert ("read scope" in result.err) is (profile == "hosted")
    mogplex.use(plane.base_url, token=plane.read_only_token)
    result = await mogplex("automations", "trigger", rows["automations"], "--repo", rows["repos"])
    assert (result.code, result.out) == (4, "")
    assert "write scope" in result.err


async def test_rejected_token_ends_every_list_with_3(mogplex: CommandRunner, plane: PlaneServer) -> None:
    mogplex.use(plane.base_url, token=TOKEN)
    for name in LISTS:
        result = await mogplex(name, "list")
        assert (result.code, result.out) == (3, ""), (name, result.err)
        assert result.err


async def test_service_filters_apply(operator: CommandRunner, factory: RowFactory) -> None:
    api, web = factory.repo("acme/api"), factory.repo("acme/web", is_hidden=1)
    agent = factory.agent()
    running = factory.sandbox(api)
    paused = factory.sandbox(web, status="paused", sandbox_id="mogplex-vm-2")
    flow = factory.flow(agent)
    pending, started = factory.job(flow, api), factory.job(flow, api, start=True, number=2)
    assignment_id = assignment(factory, api, agent)
    assignment(factory, web, agent)

    async def ids(*argv: str) -> set[str]:
        result = await operator(*argv, "--json")
        assert result.code == 0, result.err
        return {each["id"] for each in result.objects}

    assert await ids("repos", "list") == {api}
    assert await ids("repos", "list", "--show-hidden") == {api, web}
    assert await ids("repos", "list", "--show-hidden", "--query", "WEB") == {web}
    assert await ids("sandboxes", "list") == {running, paused}
    assert await ids("sandboxes", "list", "--status", "paused") == {paused}
    assert await ids("sandboxes", "list", "--repo", "acme/api") == {running}
    assert await ids("jobs", "list", "--status", "pending") == {pending}
    assert await ids("jobs", "list", "--repo", "acme/api", "--since", "1h") == {pending, started}
    assert await ids("jobs", "list", "--since", "2100-01-01") == set()
    assert await ids("jobs", "list", "status:running") == {started}
    with factory.plane.db.transaction() as tx:
        tx.execute("UPDATE job_runs SET cost_usd = 1.5 WHERE id = ?", (started,))
    assert await ids("jobs", "list", "cost:>1") == {started}
    assert await ids("jobs", "list", "cost:<1") == set()
    assert await ids("assignments", "list", "--repo", "acme/api") == {assignment_id}
    assert await ids("repos", "list", "--show-hidden", "!api", "hidden:yes") == {web}


async def test_limit_reports_total(operator: CommandRunner, factory: RowFactory) -> None:
    flow = factory.flow(factory.agent())
    for number in range(3):
        factory.job(flow, start=True, number=number)
    result = await operator("jobs", "list", "--limit", "2", "--json")
    assert len(result.objects) == 2
    assert result.err == "Listed: 2 of 3; --limit N shows more.\n"
    nothing = await operator("jobs", "list", "needle")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "No matching jobs.\n")
    assert (await operator("assignments", "list")).err == "There are no assignments.\n"


async def test_unusable_models_are_in_catalogue_only(operator: CommandRunner, factory: RowFactory) -> None:
    factory.model("acme/nova-1", pricing_input=0.000003, pricing_output=0.000015)
    factory.model("acme/old", is_available=0)
    usable = await operator("models", "list", "usable:yes", "--json")
    assert {each["id"] for each in usable.objects} == {"acme/nova-1"}
    assert usable.only_object["pricing_input"] == 0.000003
    every = await operator("models", "list", "--all")
    assert "acme/old" in every.out
    assert "$3.00" in every.out and "$15.00" in every.out


async def test_secrets_are_masked_unless_revealed(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api", sandbox_env_vars='{"API_KEY":"sk-abcdefghijk","OTHER":"quiet"}')
    assert "sk-abcdefghijk" not in (await operator("repos", "get", repo, "-o", "csv")).out
    for options in ([], ["--json"]):
        result = await operator("repos", "get", repo, *options)
        assert "sk-abcdefghijk" not in result.out and "quiet" not in result.out
        assert "[hidden]" in result.out
        shown = await operator("repos", "get", repo, "--reveal", "API_KEY", *options)
        assert "sk-abcdefghijk" in shown.out, options
        assert "quiet" not in shown.out
    assert "quiet" not in (await operator("repos", "list", "--json")).out
    wrong = await operator("repos", "get", repo, "--reveal", "NOTHING")
    assert "There is no secret named NOTHING. Available: API_KEY, OTHER." in wrong.err


async def test_text_from_service_is_escaped(operator: CommandRunner, factory: RowFactory) -> None:
    factory.agent("Ev\x1b[31mil\u202e")
    for options in ([], ["--json"], ["-o", "csv"], ["-o", "wide"]):
        result = await operator("agents", "list", *options, "ev")
        assert "il" in result.out
        assert "\x1b" not in result.out and "\u202e" not in result.out


async def test_approvals_of_both_sources_are_listed(operator: CommandRunner, factory: RowFactory) -> None:
    job = factory.job(factory.flow(factory.agent()), factory.repo(), start=True)
    flow_approval = insert_wait(factory, job, wait_config=WAIT_CONFIG)
    agent_approval = control_approval(factory)
    rows = {each["id"]: each for each in (await operator("approvals", "list", "--json")).objects}
    assert rows[flow_approval]["wait_config"]["prompt"] == "Ship it?"
    assert rows[agent_approval]["summary"] == "Start a fix run"
    only = await operator("approvals", "list", "kind:control", "--json")
    assert [each["id"] for each in only.objects] == [agent_approval]


@pytest.mark.parametrize(
    "argv", [["jobs", "list", "--status", "odd"], ["repos", "list", "--limit", "0"], ["jobs"]], ids=" ".join
)
async def test_invalid_option_is_a_usage_error(operator: CommandRunner, argv: list[str]) -> None:
    result = await operator(*argv)
    assert (result.code, result.out) == (2, "")


async def test_setting_is_read_by_name(operator: CommandRunner) -> None:
    rows = (await operator("settings", "list", "--json")).objects
    for row in rows:
        assert (await operator("settings", "get", row["id"], "--json")).only_object == row
    assert {"default_model", "theme", "github"} <= {row["id"] for row in rows}
    model = next(row["value"] for row in rows if row["id"] == "default_model")
    assert (await operator("settings", "get", "default_model")).lines[-1] == f"value  {model}"
    # Without a name, as in earlier versions, it prints the service's own object.
    whole = (await operator("settings", "get", "--json")).only_object
    assert set(whole) == {"object", "default_model", "theme"}
    assert (await operator("settings", "get", "theme", "--json")).only_object["theme"] == whole["theme"]
    assert (await operator("settings", "get")).lines[0] == f"default_model  {model}"


async def test_job_duration_is_rounded_in_tables_only(operator: CommandRunner, factory: RowFactory) -> None:
    job = factory.job(factory.flow())
    with factory.plane.db.transaction() as tx:
        tx.execute("UPDATE job_runs SET status = 'success', duration_ms = 97123 WHERE id = ?", (job,))
    assert ["duration", "1m37s"] in [line.split() for line in (await operator("jobs", "get", job)).lines]
    assert (await operator("jobs", "list", "--json")).only_object["duration_ms"] == 97_123


async def test_job_cost_is_in_dollars_with_provenance(operator: CommandRunner, factory: RowFactory) -> None:
    priced, unpriced = factory.job(factory.flow()), factory.job(factory.flow())
    with factory.plane.db.transaction() as tx:
        tx.execute("UPDATE job_runs SET cost_usd = 1.2345 WHERE id = ?", (priced,))
    result = await operator("jobs", "list")
    # The service sums the calls of a job without saying which of them were billed.
    assert {line[:8]: [cell for cell in line.split() if "$" in cell] for line in result.lines[1:]} == {
        priced[:8]: ["~$1.23"],
        unpriced[:8]: [],
    }
    whole = {each["id"]: each for each in (await operator("jobs", "list", "--json")).objects}
    assert Decimal(str(whole[priced]["cost_usd"])) == Decimal("1.2345")
    assert whole[unpriced]["cost_usd"] is None
    titles, *rows = csv.reader(io.StringIO((await operator("jobs", "list", "-o", "csv")).out))
    at = titles.index("cost_usd")
    assert {row[0]: row[at] for row in rows} == {priced: "1.2345", unpriced: ""}


@pytest.mark.parametrize(
    ("argv", "suggestion"),
    [
        (("jobz",), "did you mean jobs?"),
        (("runs", "lst"), "did you mean list?"),
        (("jobs", "list", "--status", "sucess"), "did you mean success?"),
        (
            ("jobs", "list", "--status", "x"),
            "choose from pending, approval, waiting, parked, live, running, success, failed, cancelled",
        ),
    ],
    ids=["command", "verb", "value", "no similar value"],
)
async def test_mistyped_word_gives_suggestion(
    mogplex: CommandRunner, argv: tuple[str, ...], suggestion: str
) -> None:
    result = await mogplex(*argv)
    assert result.code == 2
    assert result.err.rstrip().endswith(f"({suggestion})")


async def test_unknown_argument_prints_usage_of_verb(mogplex: CommandRunner) -> None:
    result = await mogplex("repos", "hide", "acme/docs", "--yes")
    assert result.code == 2
    assert result.err.startswith("usage: mogplex-tui projects hide ")
    assert result.err.endswith("mogplex-tui projects hide: error: unrecognized arguments: --yes\n")


async def test_empty_list_is_reported(operator: CommandRunner, factory: RowFactory) -> None:
    flow = factory.flow()
    result = await operator("automations", "runs", flow)
    assert (result.code, result.out, result.err) == (0, "", "There are no jobs.\n")


@pytest.mark.parametrize("refused", ["flows", "control"])
async def test_approvals_are_listed_if_one_source_is_refused(mogplex: CommandRunner, refused: str) -> None:
    stamp = "2026-08-05T10:00:00Z"
    row = {"id": UNKNOWN_ID, "kind": "manual_approval", "status": "pending", "created_at": stamp}

    async def answer(seen: Seen, _: object) -> bytes:
        if refused in seen.path:
            return http(403, {"error": "Forbidden"})
        return http(200, {"approvals": [row], "hasMore": False})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("approvals", "list", "--json")
    assert (result.code, [each["id"] for each in result.objects]) == (0, [UNKNOWN_ID])
    expected = "automations" if refused == "flows" else "the orchestrator"
    assert f"Approvals of {expected} " in result.err
