"""Actions of the kinds' commands: success, refusal, confirmation and ledger."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mogplex_tui.controlplane.db.clock import MINUTE_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import http, serving
from tests.cli.support import Mogplex
from tests.controlplane.automation.automation_rows import (
    assignment,
    control_approval,
    insert_failed_job,
    insert_wait,
    installation,
)
from tests.controlplane.row_factory import RowFactory

REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"


def texts_at_home() -> dict[str, str]:
    """Return the texts of the files that commands have stored, by file name."""
    files = [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
    return {path.name: path.read_text() for path in files}


@pytest.fixture
def hosted(profile: str) -> bool:
    return profile == "hosted"


async def test_an_agent_is_made_changed_and_deleted(operator: Mogplex, world: RowFactory) -> None:
    world.model("acme/nova-1")
    made = await operator(
        *("agents", "create", "--name", "Scribe", "--model", "acme/nova-1", "--category", "api"),
        *("--prompt", "-", "--json"),
        stdin="Write it down.",
    )
    assert made.code == 0, made.err
    agent = made.one["id"]
    row = world.row("agents", agent)
    assert (row["name"], row["system_prompt"]) == ("Scribe", "Write it down.")
    assert made.one["action"] == "create"
    changed = await operator("agents", "update", "scribe", "--description", "Notes")
    assert (changed.code, changed.out) == (0, f"{agent}\n")
    assert world.row("agents", agent)["description"] == "Notes"
    unsaid = await operator("agents", "delete", "scribe")
    assert (unsaid.code, unsaid.out) == (2, "")
    assert "--yes" in unsaid.err
    gone = await operator("agents", "delete", "scribe", "--yes", "--json")
    assert (gone.code, gone.one) == (0, {"object": "agent", "id": agent, "action": "delete"})
    assert world.plane.db.value("SELECT count(*) FROM agents WHERE id = ?", (agent,)) == 0


async def test_an_update_of_an_agent_changes_what_is_given(operator: Mogplex, world: RowFactory) -> None:
    agent = world.agent("Scribe", system_prompt="Write it down.\n", description="Notes")
    for options, says in (
        (("--description", "Notes"), "Scribe: Nothing to change: every value is the same as before."),
        (("--name", "x" * 61), "Give a name of at most 60 characters."),
        (("--category", "Code Review"), "Give a category of lower-case letters"),
        (("--prompt", "x" * 50_001), "Give at most 50,000 characters."),
    ):
        refused = await operator("agents", "update", agent, *options)
        assert (refused.code, refused.out, says in refused.err) == (2, "", True), refused.err
    renamed = await operator("agents", "update", agent, "--name", "Clerk")
    assert (renamed.code, renamed.out, renamed.err) == (0, f"{agent}\n", "Agent Scribe is changed.\n")
    row = world.row("agents", agent)
    # An agent without a category stays without one.
    assert (row["name"], row["system_prompt"], row["category"]) == ("Clerk", "Write it down.\n", None)
    cleared = await operator("agents", "update", agent, "--prompt", "", "--description", "")
    assert cleared.code == 0, cleared.err
    row = world.row("agents", agent)
    assert (row["system_prompt"], row["description"]) == (None, None)
    written = await operator("agents", "update", agent, "--prompt", "-", stdin="Line one\n\nLine two\n")
    assert written.code == 0, written.err
    assert world.row("agents", agent)["system_prompt"] == "Line one\n\nLine two\n"
    preset = await operator("agents", "update", "preset:SEO-AUDIT", "--name", "Mine")
    assert (preset.code, "A preset cannot be changed." in preset.err) == (1, True)


async def test_what_cannot_be_is_refused_before_it_leaves(mogplex: Mogplex) -> None:
    refused = (
        ("agents", "create", "--name", "x" * 61, "--model", "m", "--category", "api"),
        ("sandboxes", "launch", "--repo", "a/b", "--new-branch"),
        ("settings", "set"),
        ("approvals", "approve", "some", "--note", "x" * 2001, "--yes"),
        ("automations", "test", "some", "--input", "[]"),
        ("automations", "webhook-secret", "some", "--yes"),
        ("repos", "import", "no-slash"),
        ("agents", "update", REPO),
        ("sandboxes", "extend", REPO, "--minutes", "301"),
        ("sandboxes", "launch", "--repo", "a/b", "--new-branch", "maybe"),
    )
    async with serving(http(200, {})) as service:
        mogplex.use(service.base_url)
        for argv in refused:
            done = await mogplex(*argv)
            assert (done.code, done.out) == (2, ""), argv
            assert done.err, argv
        assert service.seen == []


async def test_read_only_sends_no_action(mogplex: Mogplex) -> None:
    actions = (
        ("repos", "hide", REPO),
        ("agents", "delete", REPO, "--yes"),
        ("models", "enable", "a/b"),
        ("sandboxes", "stop", REPO, "--yes"),
        ("automations", "pause", REPO),
        ("assignments", "enable", REPO),
        ("jobs", "repair", REPO),
        ("approvals", "deny", REPO, "--yes"),
        ("settings", "set", "--theme", "dark"),
    )
    async with serving(http(200, {})) as service:
        mogplex.use(service.base_url)
        for argv in actions:
            done = await mogplex("--read-only", *argv)
            assert (done.code, done.out) == (4, ""), argv
            assert "read-only" in done.err
        assert service.seen == []


async def test_a_question_is_asked_and_no_means_no(operator: Mogplex, world: RowFactory) -> None:
    sandbox = world.sandbox(world.repo("acme/api"))
    done = await operator("sandboxes", "stop", sandbox, stdin="n\n", terminal=True)
    assert (done.code, done.out) == (1, "")
    assert "snapshots are destroyed" in done.err and "[y/N]" in done.err
    assert world.row("sandboxes", sandbox)["status"] == "running"
    done = await operator("sandboxes", "stop", sandbox, stdin="y\n", terminal=True)
    assert (done.code, done.out) == (0, f"{sandbox}\n")
    assert world.row("sandboxes", sandbox)["status"] == "stopped"


async def test_what_takes_long_is_shown_to_a_terminal_and_to_nothing_else(
    operator: Mogplex, world: RowFactory
) -> None:
    sandbox = world.sandbox(world.repo("acme/api"))
    seen = await operator("sandboxes", "health", sandbox, terminal=True)
    assert "Checking sandbox mogplex-vm-1 …" in seen.err
    assert "\r\x1b[K" in seen.err and "…" not in seen.out
    quiet = await operator("sandboxes", "health", sandbox)
    assert (quiet.code, quiet.err) == (0, "")


async def test_a_sandbox_is_launched_and_waited_for(operator: Mogplex, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    launch = ("sandboxes", "launch", "--repo", "acme/api", "--branch", "topic", "--new-branch")
    done = await operator(*launch, "--json")
    assert (done.code, done.err) == (0, "The sandbox runs.\n")
    key = done.one["id"]
    row = world.row("sandboxes", key)
    assert (row["repo_id"], row["status"], row["working_branch"]) == (repo, "running", "topic")
    # An existing sandbox is found.
    assert (await operator("sandboxes", "launch", "--repo", repo, "--branch", "topic")).out == f"{key}\n"
    paused = await operator("sandboxes", "pause", row["sandbox_id"])
    assert (paused.out, paused.err) == (f"{key}\n", "Sandbox acme/api topic is paused.\n")
    woken = await operator("sandboxes", "resume", key)
    assert (woken.code, woken.out, woken.err) == (0, f"{key}\n", "Sandbox acme/api topic runs.\n")
    twice = await operator("sandboxes", "resume", key)
    assert (twice.code, twice.out) == (1, "")
    assert "It is running; this works only while it is paused." in twice.err
    longer = await operator("sandboxes", "extend", key, "--minutes", "5")
    assert (longer.code, longer.err) == (0, "Sandbox acme/api topic lives 5m00s longer.\n")
    gone = await operator("sandboxes", "delete", key, "--yes")
    assert (gone.code, gone.err) == (0, "Sandbox acme/api topic is deleted.\n")
    assert (await operator("sandboxes", "list", "--json")).out == ""


async def test_a_command_in_a_sandbox_is_heard_while_it_runs(operator: Mogplex, world: RowFactory) -> None:
    sandbox = world.sandbox(world.repo("acme/api"))
    done = await operator("sandboxes", "exec", sandbox, "--", "echo", "hello  there")
    assert (done.code, done.out) == (0, "hello  there\n"), done.err
    failed = await operator("sandboxes", "exec", sandbox, "--json", "--", "cat", "no-such-file")
    assert failed.code == 1
    *lines, last = failed.objects
    assert {each["object"] for each in lines} == {"output"}
    assert last["exit_code"] > 0
    assert f"exit code {last['exit_code']}" in failed.err


async def test_the_logs_of_a_sandbox_are_lines(
    operator: Mogplex, by_token: Mogplex, world: RowFactory
) -> None:
    sandbox = world.sandbox(world.repo(), install_log="Cloning\nDone", dev_log="  Ready")
    done = await by_token("sandboxes", "logs", sandbox)
    assert [line.split() for line in done.lines] == [
        ["install", "Cloning"],
        ["install", "Done"],
        ["dev", "Ready"],
    ]
    assert done.lines[-1].endswith("  Ready")
    as_json = await by_token("sandboxes", "logs", sandbox, "--json")
    assert as_json.one["install_log"] == "Cloning\nDone"


async def test_an_automation_is_paused_resumed_and_its_runs_are_listed(
    operator: Mogplex, world: RowFactory
) -> None:
    flow = world.flow(world.agent())
    job = world.job(flow, world.repo("acme/api"), start=True)
    paused = await operator("automations", "pause", "review")
    assert (paused.code, paused.out) == (0, f"{flow}\n")
    assert world.row("flows", flow)["status"] == "inactive"
    resumed = await operator("automations", "resume", flow, "--json")
    assert (resumed.one["id"], resumed.one["action"]) == (flow, "activate")
    assert world.row("flows", flow)["status"] == "active"
    runs = await operator("automations", "runs", "review", "--json")
    assert [(each["object"], each["id"]) for each in runs.objects] == [("job", job)]
    table = await operator("automations", "runs", flow)
    assert "acme/api" in table.out


async def test_a_token_alone_pauses_nothing_behind_the_edge(
    by_token: Mogplex, world: RowFactory, hosted: bool
) -> None:
    flow = world.flow(world.agent())
    done = await by_token("automations", "pause", flow)
    assert done.code == (3 if hosted else 0)
    assert world.row("flows", flow)["status"] == ("active" if hosted else "inactive")
    if hosted:
        assert "login --session" in done.err


async def test_an_automation_is_set_off_once_for_a_key(by_token: Mogplex, world: RowFactory) -> None:
    flow, repo = world.flow(world.agent()), world.repo("acme/api")
    ask = ("automations", "trigger", flow, "--repo", "acme/api", "--idempotency-key", "ours-1", "--json")
    first = await by_token(*ask, "--input", '{"why":"test"}')
    assert first.code == 0, first.err
    job = first.one["job_run_id"]
    assert json.loads(world.row("job_runs", job)["metadata"])["repo_id"] == repo
    again = await by_token(*ask)
    assert (again.code, again.one["outcome"], again.one["job_run_id"]) == (1, "suppressed", job)
    assert "Not started: this key was used before, for job" in again.err
    assert again.one["reason"] == "IDEMPOTENT_DUPLICATE"


async def test_a_webhook_secret_is_shown_only_when_it_is_named(operator: Mogplex, world: RowFactory) -> None:
    flow = world.flow(world.agent())
    done = await operator("automations", "webhook-secret", flow, "--yes", "--reveal")
    assert done.code == 0, done.err
    (secret,) = done.lines
    assert len(secret) > 20 and secret not in done.err
    assert not any(secret in text for text in texts_at_home().values())


async def test_an_assignment_is_switched_off_and_on_and_deleted(operator: Mogplex, world: RowFactory) -> None:
    mine = assignment(world, world.repo(), world.agent())
    for verb, enabled in (("disable", 0), ("enable", 1)):
        assert (await operator("assignments", verb, mine[:8])).code == 0
        assert world.row("assignments", mine)["enabled"] == enabled
    assert (await operator("assignments", "delete", mine, "--yes")).code == 0
    assert (await operator("assignments", "list", "--json")).out == ""


async def test_an_assignment_is_made_where_the_service_still_makes_them(
    operator: Mogplex, world: RowFactory, hosted: bool
) -> None:
    world.repo("acme/api")
    world.agent("Reviewer")
    ask = (
        "assignments",
        "create",
        "--repo",
        "acme/api",
        "--agent",
        "reviewer",
        "--type",
        "pr_review",
        "--json",
    )
    done = await operator(*ask)
    if hosted:
        assert (done.code, done.out) == (1, "")
        return
    assert done.code == 0, done.err
    row = world.row("assignments", done.one["id"])
    assert (row["type"], row["enabled"]) == ("pr_review", 1)
    off = await operator(*ask[:-2], "push_review", "--disabled")
    assert off.code == 0, off.err
    assert world.row("assignments", off.out.strip())["enabled"] == 0


async def test_jobs_are_cancelled_repaired_and_sent_again(operator: Mogplex, world: RowFactory) -> None:
    flow = world.flow(world.agent())
    failed = insert_failed_job(world, flow)
    again = await operator("jobs", "requeue", failed, "--version", "same_version")
    assert again.code == 0, again.err
    new = again.out.split()[0]
    assert new != failed
    assert world.row("job_runs", new)["retry_of_job_run_id"] == failed
    cancelled = await operator("jobs", "cancel", new, "--yes")
    assert (cancelled.code, cancelled.out) == (0, f"{new}\n")
    twice = await operator("jobs", "cancel", new, "--yes")
    assert (twice.code, twice.out) == (1, "")
    young = world.job(flow, number=9)
    refused = await operator("jobs", "repair", young)
    assert refused.code == 1
    assert "It can be repaired from" in refused.err
    with world.plane.db.transaction() as tx:
        tx.update("job_runs", young, created_at=world.clock.us - 5 * MINUTE_US)
    assert (await operator("jobs", "repair", young)).code == 0


async def test_questions_are_answered_with_a_note(operator: Mogplex, world: RowFactory) -> None:
    job = world.job(world.flow(world.agent()), world.repo(), start=True)
    theirs = control_approval(world)
    done = await operator("approvals", "deny", theirs, "--note", "-", "--yes", stdin="Not today")
    assert (done.code, done.out) == (0, f"{theirs}\n")
    row = world.row("control_approvals", theirs)
    assert (row["status"], row["resolution_note"]) == ("denied", "Not today")
    ours = insert_wait(world, job, wait_config={"kind": "manual_approval", "prompt": "Ship it?"})
    assert (await operator("approvals", "approve", ours, "--yes")).code == 0
    assert (await operator("approvals", "list", "--json")).out == ""
    late = await operator("approvals", "approve", ours, "--yes")
    assert (late.code, late.out) == (1, "")


async def test_models_are_switched_and_made_the_default(by_token: Mogplex, world: RowFactory) -> None:
    world.model("acme/nova-1")
    world.model("acme/nova-2")
    assert (await by_token("models", "disable", "acme/nova-2")).out == "acme/nova-2\n"
    assert "acme/nova-2" not in (await by_token("models", "list", "usable:yes", "--json")).out
    assert (await by_token("models", "enable", "nova-2")).code == 0
    assert (await by_token("models", "default", "acme/nova-2")).code == 0
    setting = await by_token("settings", "get", "default_model", "--json")
    assert setting.one["value"] == "acme/nova-2"


async def test_settings_are_listed_and_set(by_token: Mogplex, world: RowFactory) -> None:
    world.model("acme/nova-1")
    world.model("acme/nova-2")

    async def listed() -> dict[str, str]:
        rows = (await by_token("settings", "list", "--json")).objects
        return {each["id"]: each["value"] for each in rows}

    done = await by_token("settings", "edit", "theme", "light", "--json")
    assert (done.code, done.one) == (0, {"object": "setting", "id": "theme", "action": "edit"})
    assert (await by_token("settings", "edit", "default_model", "acme/nova-2")).code == 0
    assert (await listed()).items() >= {"theme": "light", "default_model": "acme/nova-2"}.items()
    # The former name of the command, which the help does not list.
    both = ("settings", "set", "--theme", "dark", "--default-model", "acme/nova-1")
    done = await by_token(*both, "--json")
    assert (done.code, done.one["theme"], done.one["default_model"]) == (0, "dark", "acme/nova-1")
    assert "dark" in (await by_token(*both)).out
    assert (await listed()).items() >= {"theme": "dark", "default_model": "acme/nova-1"}.items()
    refused = await by_token("settings", "set", "--default-model", "acme/unknown")
    assert (refused.code, refused.out) == (1, "")
    refused = await by_token("settings", "edit", "default_model", "acme/unknown")
    assert (refused.code, refused.out) == (2, "")
    assert "'acme/unknown' is not among the choices" in refused.err
    assert (await listed())["default_model"] == "acme/nova-1"
    told = await by_token("settings", "edit", "github", "yes")
    assert (told.code, told.out) == (1, "")
    assert "cannot be set here" in told.err


async def test_repositories_are_hidden_where_the_service_stores_it(
    operator: Mogplex, world: RowFactory, hosted: bool
) -> None:
    repo = world.repo("acme/api")
    done = await operator("repos", "hide", "acme/api")
    if hosted:
        # The hosted service answers every such change with 500.
        assert (done.code, done.out) == (1, "")
        return
    assert (done.code, done.out) == (0, f"{repo}\n")
    assert (await operator("repos", "list", "--json")).out == ""
    assert (await operator("repos", "show", "acme/api")).code == 0
    assert (await operator("repos", "delete", "acme/api", "--yes")).code == 0
    assert (await operator("repos", "list", "--show-hidden", "--json")).out == ""


async def test_repositories_of_an_installation_are_imported(operator: Mogplex, world: RowFactory) -> None:
    installation(world)
    world.repo("acme/api")
    done = await operator("repos", "sync")
    assert done.code == 0, done.err
    assert "Synced with GitHub: " in done.err
    assert "acme/api" in (await operator("repos", "list")).out


async def test_every_action_is_in_the_ledger_with_its_end(operator: Mogplex, world: RowFactory) -> None:
    sandbox = world.sandbox(world.repo())
    assert (await operator("sandboxes", "exec", sandbox, "--", "false")).code == 1
    assert (await operator("sandboxes", "reconcile", sandbox)).code == 0
    entries = [json.loads(line) for line in texts_at_home()["ledger.jsonl"].splitlines()]
    told = [(entry["action"], entry["subject"], entry["state"]) for entry in entries]
    subject = f"sandbox {sandbox}"
    assert told == [
        ("sandboxes.exec", subject, "sent"),
        ("sandboxes.exec", subject, "done"),
        ("sandboxes.reconcile", subject, "sent"),
        ("sandboxes.reconcile", subject, "done"),
    ]


async def test_a_token_at_its_limit_ends_with_5(mogplex: Mogplex, plane: PlaneServer) -> None:
    limited = http(
        429,
        {"ok": False, "error": {"code": "RATE_LIMITED", "message": "Rate limit exceeded. Retry after 60s."}},
        Retry_After="60",
    )
    async with serving(limited) as service:
        mogplex.use(service.base_url, token=plane.token)
        done = await mogplex("agents", "list")
    assert (done.code, done.out) == (5, "")


async def test_what_a_boot_says_cannot_act_on_the_terminal_or_name_a_token(mogplex: Mogplex) -> None:
    evil = "\x1b[31mred\u202e\n\x1b]0;title\x07 ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    told = ({"type": "warning", "message": evil}, {"type": "error", "message": evil})
    events = "".join(f"data: {json.dumps(each)}\n\n" for each in told)
    async with serving(http(200, events.encode(), "text/event-stream")) as service:
        mogplex.use(service.base_url)
        done = await mogplex("sandboxes", "launch", "--repo", REPO)
    assert (done.code, done.out) == (1, "")
    assert "The service warns: " in done.err and "The sandbox did not boot: " in done.err
    assert "red" in done.err and "title" in done.err
    for never in ("\x1b", "\x07", "\u202e", "ghp_"):
        assert never not in done.err


@pytest.mark.parametrize(
    ("verb", "says", "never"),
    [
        ("stop", "Not confirmed: Remote VM mogplex-vm-1 could not be confirmed stopped.", "is stopped."),
        ("delete", "Not deleted: Remote VM could not be verified as deleted.", "is deleted."),
    ],
)
async def test_an_unconfirmed_stop_or_delete_is_no_success(
    operator: Mogplex, world: RowFactory, verb: str, says: str, never: str
) -> None:
    sandbox = world.sandbox(world.repo("acme/api"), provider_view="silent")
    done = await operator("sandboxes", verb, sandbox, "--yes")
    assert done.code == 1
    assert done.err.startswith(says)
    assert ".." not in done.err and never not in done.err
    assert done.out.split()[0] == sandbox
    as_json = await operator("sandboxes", verb, sandbox, "--yes", "--json")
    assert (as_json.code, as_json.one["action"]) == (1, verb)


async def test_a_broken_sandbox_is_stopped_though_it_keeps_its_state(
    operator: Mogplex, world: RowFactory
) -> None:
    sandbox = world.sandbox(world.repo("acme/api"), status="error", error="Boot failed")
    done = await operator("sandboxes", "stop", sandbox, "--yes")
    assert (done.code, done.err) == (0, "Sandbox acme/api main is stopped.\n")


async def test_the_run_of_an_orchestrators_question_is_not_called_a_job(
    operator: Mogplex, world: RowFactory
) -> None:
    run = "7b1c0000-0000-4000-8000-000000000003"
    theirs = control_approval(world, run_id=run)
    job = world.job(world.flow(world.agent()), world.repo(), start=True)
    ours = insert_wait(world, job, wait_config={"kind": "manual_approval", "prompt": "Ship it?"})
    shown = [(await operator("approvals", "get", key, "--json")).one for key in (theirs, ours)]
    assert [(each.get("run_id"), each.get("job_run_id")) for each in shown] == [(run, None), (None, job)]
    sheet = await operator("approvals", "get", theirs)
    assert "job" not in sheet.out and run in sheet.out


async def test_a_change_that_the_hosted_service_never_stores_is_not_to_be_tried_again(
    operator: Mogplex, world: RowFactory, hosted: bool
) -> None:
    world.repo("acme/api")
    done = await operator("repos", "hide", "acme/api")
    assert done.code == (1 if hosted else 0)
    if hosted:
        assert "The hosted service answers every such change like this and stores nothing" in done.err
        assert "Try again" not in done.err
