"""Actions of the kinds' commands: success, refusal, confirmation and ledger."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mogplex_tui.controlplane.db.clock import MINUTE_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import http, serving
from tests.cli.support import CommandRunner
from tests.controlplane.automation.automation_rows import (
    assignment,
    control_approval,
    insert_failed_job,
    insert_wait,
    installation,
)
from tests.controlplane.row_factory import RowFactory

REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"


def stored_texts() -> dict[str, str]:
    """Return the texts of the files that commands have stored, by file name."""
    files = [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
    return {path.name: path.read_text() for path in files}


@pytest.fixture
def hosted(profile: str) -> bool:
    return profile == "hosted"


async def test_agent_is_created_updated_and_deleted(operator: CommandRunner, factory: RowFactory) -> None:
    factory.model("acme/nova-1")
    made = await operator(
        *("agents", "create", "--name", "Scribe", "--model", "acme/nova-1", "--category", "api"),
        *("--prompt", "-", "--json"),
        stdin="Write it down.",
    )
    assert made.code == 0, made.err
    agent = made.only_object["id"]
    row = factory.row("agents", agent)
    assert (row["name"], row["system_prompt"]) == ("Scribe", "Write it down.")
    assert made.only_object["action"] == "create"
    changed = await operator("agents", "update", "scribe", "--description", "Notes")
    assert (changed.code, changed.out) == (0, f"{agent}\n")
    assert factory.row("agents", agent)["description"] == "Notes"
    unconfirmed = await operator("agents", "delete", "scribe")
    assert (unconfirmed.code, unconfirmed.out) == (2, "")
    assert "--yes" in unconfirmed.err
    deleted = await operator("agents", "delete", "scribe", "--yes", "--json")
    assert (deleted.code, deleted.only_object) == (0, {"object": "agent", "id": agent, "action": "delete"})
    assert factory.plane.db.value("SELECT count(*) FROM agents WHERE id = ?", (agent,)) == 0


async def test_agent_update_changes_given_parameters_only(
    operator: CommandRunner, factory: RowFactory
) -> None:
    agent = factory.agent("Scribe", system_prompt="Write it down.\n", description="Notes")
    for options, message in (
        (("--description", "Notes"), "Scribe: Nothing to change: every value is the same as before."),
        (("--name", "x" * 61), "Give a name of at most 60 characters."),
        (("--category", "Code Review"), "Give a category of lower-case letters"),
        (("--prompt", "x" * 50_001), "Give at most 50,000 characters."),
    ):
        refused = await operator("agents", "update", agent, *options)
        assert (refused.code, refused.out, message in refused.err) == (2, "", True), refused.err
    renamed = await operator("agents", "update", agent, "--name", "Clerk")
    assert (renamed.code, renamed.out, renamed.err) == (0, f"{agent}\n", "Agent Scribe is changed.\n")
    row = factory.row("agents", agent)
    # An agent without a category stays without one.
    assert (row["name"], row["system_prompt"], row["category"]) == ("Clerk", "Write it down.\n", None)
    cleared = await operator("agents", "update", agent, "--prompt", "", "--description", "")
    assert cleared.code == 0, cleared.err
    row = factory.row("agents", agent)
    assert (row["system_prompt"], row["description"]) == (None, None)
    written = await operator("agents", "update", agent, "--prompt", "-", stdin="Line one\n\nLine two\n")
    assert written.code == 0, written.err
    assert factory.row("agents", agent)["system_prompt"] == "Line one\n\nLine two\n"
    preset = await operator("agents", "update", "preset:SEO-AUDIT", "--name", "Mine")
    assert (preset.code, "A preset cannot be changed." in preset.err) == (1, True)


async def test_invalid_arguments_are_refused_before_a_request(mogplex: CommandRunner) -> None:
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
            result = await mogplex(*argv)
            assert (result.code, result.out) == (2, ""), argv
            assert result.err, argv
        assert service.seen == []


async def test_read_only_sends_no_action(mogplex: CommandRunner) -> None:
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
            result = await mogplex("--read-only", *argv)
            assert (result.code, result.out) == (4, ""), argv
            assert "read-only" in result.err
        assert service.seen == []


async def test_declined_confirmation_sends_nothing(operator: CommandRunner, factory: RowFactory) -> None:
    sandbox = factory.sandbox(factory.repo("acme/api"))
    result = await operator("sandboxes", "stop", sandbox, stdin="n\n", terminal=True)
    assert (result.code, result.out) == (1, "")
    assert "snapshots are destroyed" in result.err and "[y/N]" in result.err
    assert factory.row("sandboxes", sandbox)["status"] == "running"
    result = await operator("sandboxes", "stop", sandbox, stdin="y\n", terminal=True)
    assert (result.code, result.out) == (0, f"{sandbox}\n")
    assert factory.row("sandboxes", sandbox)["status"] == "stopped"


async def test_progress_line_is_shown_on_a_terminal_only(
    operator: CommandRunner, factory: RowFactory
) -> None:
    sandbox = factory.sandbox(factory.repo("acme/api"))
    seen = await operator("sandboxes", "health", sandbox, terminal=True)
    assert "Checking sandbox mogplex-vm-1 …" in seen.err
    assert "\r\x1b[K" in seen.err and "…" not in seen.out
    quiet = await operator("sandboxes", "health", sandbox)
    assert (quiet.code, quiet.err) == (0, "")


async def test_sandbox_launch_waits_until_it_runs(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api")
    launch = ("sandboxes", "launch", "--repo", "acme/api", "--branch", "topic", "--new-branch")
    result = await operator(*launch, "--json")
    assert (result.code, result.err) == (0, "The sandbox is running.\n")
    key = result.only_object["id"]
    row = factory.row("sandboxes", key)
    assert (row["repo_id"], row["status"], row["working_branch"]) == (repo, "running", "topic")
    # An existing sandbox is found.
    assert (await operator("sandboxes", "launch", "--repo", repo, "--branch", "topic")).out == f"{key}\n"
    paused = await operator("sandboxes", "pause", row["sandbox_id"])
    assert (paused.out, paused.err) == (f"{key}\n", "Sandbox acme/api topic is paused.\n")
    woken = await operator("sandboxes", "resume", key)
    assert (woken.code, woken.out, woken.err) == (0, f"{key}\n", "Sandbox acme/api topic is running.\n")
    twice = await operator("sandboxes", "resume", key)
    assert (twice.code, twice.out) == (1, "")
    assert "The sandbox is running; it must be paused." in twice.err
    longer = await operator("sandboxes", "extend", key, "--minutes", "5")
    assert (longer.code, longer.err) == (0, "The lifetime of sandbox acme/api topic is extended by 5m00s.\n")
    deleted = await operator("sandboxes", "delete", key, "--yes")
    assert (deleted.code, deleted.err) == (0, "Sandbox acme/api topic is deleted.\n")
    assert (await operator("sandboxes", "list", "--json")).out == ""


async def test_sandbox_exec_streams_output(operator: CommandRunner, factory: RowFactory) -> None:
    sandbox = factory.sandbox(factory.repo("acme/api"))
    result = await operator("sandboxes", "exec", sandbox, "--", "echo", "hello  there")
    assert (result.code, result.out) == (0, "hello  there\n"), result.err
    failed = await operator("sandboxes", "exec", sandbox, "--json", "--", "cat", "no-such-file")
    assert failed.code == 1
    *lines, last = failed.objects
    assert {each["object"] for each in lines} == {"output"}
    assert last["exit_code"] > 0
    assert f"exit code {last['exit_code']}" in failed.err


async def test_sandbox_logs_are_printed_as_lines(
    operator: CommandRunner, token_only: CommandRunner, factory: RowFactory
) -> None:
    sandbox = factory.sandbox(factory.repo(), install_log="Cloning\nDone", dev_log="  Ready")
    result = await token_only("sandboxes", "logs", sandbox)
    assert [line.split() for line in result.lines] == [
        ["install", "Cloning"],
        ["install", "Done"],
        ["dev", "Ready"],
    ]
    assert result.lines[-1].endswith("  Ready")
    as_json = await token_only("sandboxes", "logs", sandbox, "--json")
    assert as_json.only_object["install_log"] == "Cloning\nDone"


async def test_automation_is_paused_resumed_and_its_runs_listed(
    operator: CommandRunner, factory: RowFactory
) -> None:
    flow = factory.flow(factory.agent())
    job = factory.job(flow, factory.repo("acme/api"), start=True)
    paused = await operator("automations", "pause", "review")
    assert (paused.code, paused.out) == (0, f"{flow}\n")
    assert factory.row("flows", flow)["status"] == "inactive"
    resumed = await operator("automations", "resume", flow, "--json")
    assert (resumed.only_object["id"], resumed.only_object["action"]) == (flow, "activate")
    assert factory.row("flows", flow)["status"] == "active"
    runs = await operator("automations", "runs", "review", "--json")
    assert [(each["object"], each["id"]) for each in runs.objects] == [("job", job)]
    table = await operator("automations", "runs", flow)
    assert "acme/api" in table.out


async def test_token_cannot_pause_automation_behind_edge(
    token_only: CommandRunner, factory: RowFactory, hosted: bool
) -> None:
    flow = factory.flow(factory.agent())
    result = await token_only("automations", "pause", flow)
    assert result.code == (3 if hosted else 0)
    assert factory.row("flows", flow)["status"] == ("active" if hosted else "inactive")
    if hosted:
        assert "login --session" in result.err


async def test_idempotency_key_triggers_automation_once(
    token_only: CommandRunner, factory: RowFactory
) -> None:
    flow, repo = factory.flow(factory.agent()), factory.repo("acme/api")
    ask = ("automations", "trigger", flow, "--repo", "acme/api", "--idempotency-key", "ours-1", "--json")
    first = await token_only(*ask, "--input", '{"why":"test"}')
    assert first.code == 0, first.err
    job = first.only_object["job_run_id"]
    assert json.loads(factory.row("job_runs", job)["metadata"])["repo_id"] == repo
    repeated = await token_only(*ask)
    assert (repeated.code, repeated.only_object["outcome"], repeated.only_object["job_run_id"]) == (
        1,
        "suppressed",
        job,
    )
    assert "Not started: this key was used before, for job" in repeated.err
    assert repeated.only_object["reason"] == "IDEMPOTENT_DUPLICATE"


async def test_webhook_secret_is_shown_with_reveal_only(operator: CommandRunner, factory: RowFactory) -> None:
    flow = factory.flow(factory.agent())
    result = await operator("automations", "webhook-secret", flow, "--yes", "--reveal")
    assert result.code == 0, result.err
    (secret,) = result.lines
    assert len(secret) > 20 and secret not in result.err
    assert not any(secret in text for text in stored_texts().values())


async def test_assignment_is_disabled_enabled_and_deleted(
    operator: CommandRunner, factory: RowFactory
) -> None:
    assignment_id = assignment(factory, factory.repo(), factory.agent())
    for verb, enabled in (("disable", 0), ("enable", 1)):
        assert (await operator("assignments", verb, assignment_id[:8])).code == 0
        assert factory.row("assignments", assignment_id)["enabled"] == enabled
    assert (await operator("assignments", "delete", assignment_id, "--yes")).code == 0
    assert (await operator("assignments", "list", "--json")).out == ""


async def test_assignment_is_created_if_the_service_allows_it(
    operator: CommandRunner, factory: RowFactory, hosted: bool
) -> None:
    factory.repo("acme/api")
    factory.agent("Reviewer")
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
    result = await operator(*ask)
    if hosted:
        assert (result.code, result.out) == (1, "")
        return
    assert result.code == 0, result.err
    row = factory.row("assignments", result.only_object["id"])
    assert (row["type"], row["enabled"]) == ("pr_review", 1)
    off = await operator(*ask[:-2], "push_review", "--disabled")
    assert off.code == 0, off.err
    assert factory.row("assignments", off.out.strip())["enabled"] == 0


async def test_jobs_are_cancelled_repaired_and_requeued(operator: CommandRunner, factory: RowFactory) -> None:
    flow = factory.flow(factory.agent())
    failed = insert_failed_job(factory, flow)
    repeated = await operator("jobs", "requeue", failed, "--version", "same_version")
    assert repeated.code == 0, repeated.err
    new = repeated.out.split()[0]
    assert new != failed
    assert factory.row("job_runs", new)["retry_of_job_run_id"] == failed
    cancelled = await operator("jobs", "cancel", new, "--yes")
    assert (cancelled.code, cancelled.out) == (0, f"{new}\n")
    twice = await operator("jobs", "cancel", new, "--yes")
    assert (twice.code, twice.out) == (1, "")
    young = factory.job(flow, number=9)
    refused = await operator("jobs", "repair", young)
    assert refused.code == 1
    assert "It can be repaired from" in refused.err
    with factory.plane.db.transaction() as tx:
        tx.update("job_runs", young, created_at=factory.clock.us - 5 * MINUTE_US)
    assert (await operator("jobs", "repair", young)).code == 0


async def test_approvals_are_decided_with_a_note(operator: CommandRunner, factory: RowFactory) -> None:
    job = factory.job(factory.flow(factory.agent()), factory.repo(), start=True)
    agent_approval = control_approval(factory)
    result = await operator("approvals", "deny", agent_approval, "--note", "-", "--yes", stdin="Not today")
    assert (result.code, result.out) == (0, f"{agent_approval}\n")
    row = factory.row("control_approvals", agent_approval)
    assert (row["status"], row["resolution_note"]) == ("denied", "Not today")
    flow_approval = insert_wait(factory, job, wait_config={"kind": "manual_approval", "prompt": "Ship it?"})
    assert (await operator("approvals", "approve", flow_approval, "--yes")).code == 0
    assert (await operator("approvals", "list", "--json")).out == ""
    late = await operator("approvals", "approve", flow_approval, "--yes")
    assert (late.code, late.out) == (1, "")


async def test_models_are_enabled_disabled_and_made_default(
    token_only: CommandRunner, factory: RowFactory
) -> None:
    factory.model("acme/nova-1")
    factory.model("acme/nova-2")
    assert (await token_only("models", "disable", "acme/nova-2")).out == "acme/nova-2\n"
    assert "acme/nova-2" not in (await token_only("models", "list", "usable:yes", "--json")).out
    assert (await token_only("models", "enable", "nova-2")).code == 0
    assert (await token_only("models", "default", "acme/nova-2")).code == 0
    setting = await token_only("settings", "get", "default_model", "--json")
    assert setting.only_object["value"] == "acme/nova-2"


async def test_settings_are_listed_and_set(token_only: CommandRunner, factory: RowFactory) -> None:
    factory.model("acme/nova-1")
    factory.model("acme/nova-2")

    async def listed() -> dict[str, str]:
        rows = (await token_only("settings", "list", "--json")).objects
        return {each["id"]: each["value"] for each in rows}

    result = await token_only("settings", "edit", "theme", "light", "--json")
    assert (result.code, result.only_object) == (0, {"object": "setting", "id": "theme", "action": "edit"})
    assert (await token_only("settings", "edit", "default_model", "acme/nova-2")).code == 0
    assert (await listed()).items() >= {"theme": "light", "default_model": "acme/nova-2"}.items()
    # The former name of the command, which the help does not list.
    both = ("settings", "set", "--theme", "dark", "--default-model", "acme/nova-1")
    result = await token_only(*both, "--json")
    assert (result.code, result.only_object["theme"], result.only_object["default_model"]) == (
        0,
        "dark",
        "acme/nova-1",
    )
    assert "dark" in (await token_only(*both)).out
    assert (await listed()).items() >= {"theme": "dark", "default_model": "acme/nova-1"}.items()
    refused = await token_only("settings", "set", "--default-model", "acme/unknown")
    assert (refused.code, refused.out) == (1, "")
    refused = await token_only("settings", "edit", "default_model", "acme/unknown")
    assert (refused.code, refused.out) == (2, "")
    assert "'acme/unknown' is not among the choices" in refused.err
    assert (await listed())["default_model"] == "acme/nova-1"
    refused = await token_only("settings", "edit", "github", "yes")
    assert (refused.code, refused.out) == (1, "")
    assert "cannot be set here" in refused.err


async def test_repository_is_hidden_if_the_service_stores_it(
    operator: CommandRunner, factory: RowFactory, hosted: bool
) -> None:
    repo = factory.repo("acme/api")
    result = await operator("repos", "hide", "acme/api")
    if hosted:
        # The hosted service answers every such change with 500.
        assert (result.code, result.out) == (1, "")
        return
    assert (result.code, result.out) == (0, f"{repo}\n")
    assert (await operator("repos", "list", "--json")).out == ""
    assert (await operator("repos", "show", "acme/api")).code == 0
    assert (await operator("repos", "delete", "acme/api", "--yes")).code == 0
    assert (await operator("repos", "list", "--show-hidden", "--json")).out == ""


async def test_repositories_of_installation_are_imported(
    operator: CommandRunner, factory: RowFactory
) -> None:
    installation(factory)
    factory.repo("acme/api")
    result = await operator("repos", "sync")
    assert result.code == 0, result.err
    assert "Synced with GitHub: " in result.err
    assert "acme/api" in (await operator("repos", "list")).out


async def test_ledger_has_every_action_with_its_outcome(operator: CommandRunner, factory: RowFactory) -> None:
    sandbox = factory.sandbox(factory.repo())
    assert (await operator("sandboxes", "exec", sandbox, "--", "false")).code == 1
    assert (await operator("sandboxes", "reconcile", sandbox)).code == 0
    entries = [json.loads(line) for line in stored_texts()["ledger.jsonl"].splitlines()]
    recorded = [(entry["action"], entry["subject"], entry["state"]) for entry in entries]
    subject = f"sandbox {sandbox}"
    assert recorded == [
        ("sandboxes.exec", subject, "sent"),
        ("sandboxes.exec", subject, "done"),
        ("sandboxes.reconcile", subject, "sent"),
        ("sandboxes.reconcile", subject, "done"),
    ]


async def test_rate_limited_action_ends_with_throttled(mogplex: CommandRunner, plane: PlaneServer) -> None:
    limited = http(
        429,
        {"ok": False, "error": {"code": "RATE_LIMITED", "message": "Rate limit exceeded. Retry after 60s."}},
        Retry_After="60",
    )
    async with serving(limited) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("agents", "list")
    assert (result.code, result.out) == (5, "")


async def test_boot_output_is_escaped_and_masked(mogplex: CommandRunner) -> None:
    hostile_text = "\x1b[31mred\u202e\n\x1b]0;title\x07 ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    events_sent = ({"type": "warning", "message": hostile_text}, {"type": "error", "message": hostile_text})
    events = "".join(f"data: {json.dumps(each)}\n\n" for each in events_sent)
    async with serving(http(200, events.encode(), "text/event-stream")) as service:
        mogplex.use(service.base_url)
        result = await mogplex("sandboxes", "launch", "--repo", REPO)
    assert (result.code, result.out) == (1, "")
    assert "The service warns: " in result.err and "The sandbox did not boot: " in result.err
    assert "red" in result.err and "title" in result.err
    for never in ("\x1b", "\x07", "\u202e", "ghp_"):
        assert never not in result.err


@pytest.mark.parametrize(
    ("verb", "message", "never"),
    [
        ("stop", "Not confirmed: Remote VM mogplex-vm-1 could not be confirmed stopped.", "is stopped."),
        ("delete", "Not deleted: Remote VM could not be verified as deleted.", "is deleted."),
    ],
    ids=["stop", "delete"],
)
async def test_unconfirmed_stop_or_delete_fails(
    operator: CommandRunner, factory: RowFactory, verb: str, message: str, never: str
) -> None:
    sandbox = factory.sandbox(factory.repo("acme/api"), provider_view="silent")
    result = await operator("sandboxes", verb, sandbox, "--yes")
    assert result.code == 1
    assert result.err.startswith(message)
    assert ".." not in result.err and never not in result.err
    assert result.out.split()[0] == sandbox
    as_json = await operator("sandboxes", verb, sandbox, "--yes", "--json")
    assert (as_json.code, as_json.only_object["action"]) == (1, verb)


async def test_stop_of_failed_sandbox_succeeds_in_same_state(
    operator: CommandRunner, factory: RowFactory
) -> None:
    sandbox = factory.sandbox(factory.repo("acme/api"), status="error", error="Boot failed")
    result = await operator("sandboxes", "stop", sandbox, "--yes")
    assert (result.code, result.err) == (0, "Sandbox acme/api main is stopped.\n")


async def test_orchestrator_approval_names_a_run_not_a_job(
    operator: CommandRunner, factory: RowFactory
) -> None:
    run = "7b1c0000-0000-4000-8000-000000000003"
    agent_approval = control_approval(factory, run_id=run)
    job = factory.job(factory.flow(factory.agent()), factory.repo(), start=True)
    flow_approval = insert_wait(factory, job, wait_config={"kind": "manual_approval", "prompt": "Ship it?"})
    shown = [
        (await operator("approvals", "get", key, "--json")).only_object
        for key in (agent_approval, flow_approval)
    ]
    assert [(each.get("run_id"), each.get("job_run_id")) for each in shown] == [(run, None), (None, job)]
    sheet = await operator("approvals", "get", agent_approval)
    assert "job" not in sheet.out and run in sheet.out


async def test_change_that_is_never_stored_gives_no_retry_advice(
    operator: CommandRunner, factory: RowFactory, hosted: bool
) -> None:
    factory.repo("acme/api")
    result = await operator("repos", "hide", "acme/api")
    assert result.code == (1 if hosted else 0)
    if hosted:
        assert "The hosted service answers every such change like this and stores nothing" in result.err
        assert "Try again" not in result.err
