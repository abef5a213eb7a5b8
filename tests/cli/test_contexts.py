"""`contexts` and `info`, and the confirmation of a protected context."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context
from mogplex_tui.config.credential_store import StoredCredential
from mogplex_tui.config.paths import config_file, state_dir, write_private
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate.kinds.contexts import KIND
from mogplex_tui.operate.model import RenderTime
from tests.api.support import Seen, http, ok, serving
from tests.cli.support import TOKEN, CommandRunner
from tests.controlplane.row_factory import RowFactory
from tests.unit.fakes import START, FakeSession

TEAM = "8f3a2b1c-0000-4000-8000-000000000001"


async def test_contexts_are_added_listed_used_changed_renamed_and_removed(mogplex: CommandRunner) -> None:
    added = await mogplex("contexts", "add", "local", "--base-url", "http://127.0.0.1:4747/")
    assert (added.code, "mogplex-tui login --context local" in added.err) == (0, True)
    options = ("--team", TEAM.upper(), "--protected", "--read-only", "--colour", "error")
    result = await mogplex("contexts", "add", "prod", "--base-url", "https://mogplex.com", *options, "--json")
    prod = {
        "object": "context",
        "name": "prod",
        "current": False,
        "base_url": "https://mogplex.com",
        "team": TEAM,
        "read_only": True,
        "protected": True,
        "colour": "error",
        "credentials": [],
        "kept_in": None,
    }
    assert result.only_object == prod
    assert (await mogplex("contexts", "use", "prod", "--json")).only_object == {**prod, "current": True}
    listed = await mogplex("contexts", "list", "--json")
    assert [(row["name"], row["current"]) for row in listed.objects] == [("local", False), ("prod", True)]
    lines = (await mogplex("contexts", "list")).lines
    assert lines[2].split()[:3] == ["*", "prod", "https://mogplex.com"]
    assert [word in lines[2] for word in ("read-only, protected", "error")] == [True, True]
    changes = ("--team", "", "--no-protected", "--no-read-only", "--colour", "none")
    changed = (await mogplex("contexts", "set", "prod", *changes, "--json")).only_object
    assert changed == {
        **prod,
        "current": True,
        "team": None,
        "protected": False,
        "read_only": False,
        "colour": None,
    }
    write_private(state_dir("prod") / "x.json", "{}")
    assert (await mogplex("contexts", "rename", "prod", "live")).code == 0
    assert (state_dir("live") / "x.json").exists() and not state_dir("prod").exists()
    assert (await mogplex("contexts", "remove", "live")).code == 0
    known = contexts.read()
    assert (list(known.by_name), known.current) == (["local"], None)


async def test_contexts_are_listed_as_in_the_console(mogplex: CommandRunner) -> None:
    """The command and the console's list have the same columns and values."""
    context = Context(
        "prod",
        "https://mogplex.com",
        credential_store="file",
        credential_kinds=("token", "session"),
        read_only=True,
        protected=True,
    )
    contexts.change(lambda known: known.put(context, use=True))
    session = FakeSession(state_dir("prod"))
    (entry,) = (await KIND.sources[0].read(session.client, session)).entries
    assert entry.row is not None
    shown = {column.title: column.cell(entry.row, RenderTime(START)).text for column in KIND.columns}
    titles, row = (re.split(r"  +", line.strip(" *")) for line in (await mogplex("contexts", "list")).lines)
    printed = dict(zip(titles, row, strict=True))
    assert printed["SIGNED IN WITH"] == "personal access token, session cookie"
    for same in ("CONTEXT", "SERVICE", "TEAM", "RULES", "SIGNED IN WITH", "STORED IN"):
        assert printed[same] == shown[same]
    assert set(titles) - set(shown) == {"COLOUR"}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("use", "nope"), "There are: a"),
        (("remove", "nope"), "There are: a"),
        (("rename", "nope", "b"), "There are: a"),
        (("rename", "a", "a"), "already"),
        (("rename", "a", "x/y"), "no name for a context"),
        (("add", "a", "--base-url", "https://x.example"), "already"),
        (("add", "A", "--base-url", "https://x.example"), "differs only in case"),
        (("add", "b", "--base-url", "http://x.example"), "Plain http"),
        (("add", "b", "--base-url", "https://www.mogplex.com"), "https://mogplex.com"),
        (("add", "b", "--base-url", "https://x.example", "--team", "acme"), "UUID"),
        (("add", "b"), "--base-url"),
        (("add", "b", "--base-url", "https://x.example", "--colour", "#ff0000"), "colour"),
        (("set", "a", "--base-url", "ftp://x"), "http"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_invalid_change_is_refused(mogplex: CommandRunner, argv: tuple[str, ...], message: str) -> None:
    before = contexts.change(lambda known: known.put(Context("a", "http://127.0.0.1:1")))
    result = await mogplex("contexts", *argv)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert contexts.read() == before


def store_context(name: str, url: str, token: str = TOKEN, **flags: Any) -> Context:
    store = credential_store.save(name, StoredCredential(url, Secret(token)))
    context = Context(name, url, credential_store=store, credential_kinds=("token",), **flags)
    contexts.change(lambda known: known.put(context))
    return context


async def test_remove_and_rename_include_credentials(mogplex: CommandRunner) -> None:
    store_context("work", "http://127.0.0.1:1")
    await mogplex("contexts", "rename", "work", "job")
    assert not credential_store.credentials_file("work").exists()
    assert credential_store.load("job", credential_store.FILE) == StoredCredential(
        "http://127.0.0.1:1", Secret(TOKEN)
    )
    await mogplex("contexts", "remove", "job")
    assert not credential_store.credentials_file("job").exists()


async def test_rename_to_other_case_keeps_credentials(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = credential_store.credentials_file
    monkeypatch.setattr(credential_store, "credentials_file", lambda name: place(name.lower()))
    store_context("work", "http://127.0.0.1:1")
    assert (await mogplex("contexts", "rename", "work", "Work")).code == 0
    assert credential_store.load("Work", credential_store.FILE) == StoredCredential(
        "http://127.0.0.1:1", Secret(TOKEN)
    )


async def test_new_address_does_not_take_over_credential(mogplex: CommandRunner, plane: PlaneServer) -> None:
    store_context("work", "http://127.0.0.1:1")
    result = await mogplex("contexts", "set", "work", "--base-url", plane.base_url)
    assert "goes nowhere else" in result.err
    refused = await mogplex("runs", "list")
    assert refused.code == 3 and "no credential" in refused.err
    restored = await mogplex("contexts", "set", "work", "--base-url", "http://127.0.0.1:1")
    assert (restored.code, restored.err) == (0, "")
    await mogplex("contexts", "set", "work", "--base-url", plane.base_url)
    assert (await mogplex("login", "--token", stdin=plane.token)).code == 0
    assert (await mogplex("runs", "list")).code == 0


async def test_overriding_context_variable_is_reported(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_context("work", "http://127.0.0.1:1")
    store_context("job", "http://127.0.0.1:2")
    monkeypatch.setenv("MOGPLEX_CONTEXT", "work")
    assert "MOGPLEX_CONTEXT=work" in (await mogplex("contexts", "use", "job")).err
    assert "MOGPLEX_CONTEXT" not in (await mogplex("contexts", "use", "work")).err


@pytest.mark.parametrize(
    ("argv", "typed", "terminal", "code"),
    [
        ((), "", False, 2),
        ((), "y\n", True, 1),
        ((), "prod\n", True, 0),
        (("--yes",), "", False, 0),
    ],
    ids=["no terminal", "y", "its name", "--yes"],
)
async def test_protected_context_is_removed_after_its_name_is_typed(
    mogplex: CommandRunner, argv: tuple[str, ...], typed: str, terminal: bool, code: int
) -> None:
    store_context("prod", "http://127.0.0.1:1", protected=True)
    result = await mogplex("contexts", "remove", "prod", *argv, stdin=typed, terminal=terminal)
    assert result.code == code
    assert bool(contexts.read().by_name) is (code != 0)
    assert credential_store.credentials_file("prod").exists() is (code != 0)


@pytest.mark.parametrize(
    ("argv", "typed", "terminal", "code", "state"),
    [
        (("--yes",), "", False, 0, "cancelled"),
        ((), "", False, 2, "pending"),
        ((), "y\n", True, 1, "pending"),
        ((), "prod\n", True, 0, "cancelled"),
    ],
    ids=["--yes", "no terminal", "y", "its name"],
)
async def test_cancel_in_protected_context_needs_name_or_yes(
    mogplex: CommandRunner,
    plane: PlaneServer,
    factory: RowFactory,
    argv: tuple[str, ...],
    typed: str,
    terminal: bool,
    code: int,
    state: str,
) -> None:
    store_context("prod", plane.base_url, plane.token, protected=True)
    run = factory.run(factory.repo("acme/api"))
    result = await mogplex("runs", "cancel", run, *argv, stdin=typed, terminal=terminal)
    assert result.code == code, result.err
    assert factory.row("external_agent_runs", run)["status"] == state
    if terminal:
        assert "prod is protected: type its name" in result.err


async def test_context_option_before_and_after_command(mogplex: CommandRunner, plane: PlaneServer) -> None:
    store_context("demo", "http://127.0.0.1:9")
    store_context("runs", plane.base_url, plane.token)
    assert (await mogplex("runs", "list")).code == 6
    for argv in (("--context", "runs", "stats"), ("stats", "--context", "runs"), ("--context=runs", "stats")):
        assert (await mogplex(*argv, "--json")).code == 0
    assert (await mogplex("--context", "demo", "runs", "list")).code == 6
    unknown = await mogplex("--context", "nope", "stats")
    assert unknown.code == 2 and "There are: demo, runs" in unknown.err


async def test_team_is_sent_on_routes_that_read_it(mogplex: CommandRunner) -> None:
    teams: dict[str, str | None] = {}

    async def answer(seen: Seen, _: object) -> bytes:
        teams[seen.path] = seen.headers.get("x-mogplex-team-id")
        return ok({"repos": []}) if "/v1/" in seen.path else http(200, {"models": [], "catalog": []})

    async with serving(answer) as service:
        store_context("work", service.base_url, team=TEAM)
        await mogplex("doctor")
    assert teams["/api/models"] == TEAM
    assert teams["/api/v1/mogplex/repos"] is None


async def test_info_prints_origin_of_every_setting(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text('ascii = true\nbase_url = "https://other.example"')
    store_context("work", "http://127.0.0.1:1", team=TEAM, colour="success")
    monkeypatch.setenv("MOGPLEX_THEME", "light")
    result = await mogplex("--read-only", "info", "--json")
    assert result.code == 0
    settings = {
        row["name"]: (row["value"], row["origin"]) for row in result.objects if row["object"] == "setting"
    }
    assert settings == {
        "context": ("work", str(contexts.contexts_file())),
        "base_url": ("http://127.0.0.1:1", "context work"),
        "token": ("personal access token", f"context work ({credential_store.credentials_file('work')})"),
        "session_cookie": (None, "default"),
        "team": (TEAM, "context work"),
        "read_only": (True, "the command line"),
        "protected": (False, "default"),
        "colour": ("success", "context work"),
        "theme": ("light", "MOGPLEX_THEME"),
        "ascii": (True, str(config_file())),
        "reduced_motion": (False, "default"),
        "tab_line": (True, "default"),
        "max_answer_mb": (64, "default"),
    }
    files = {row["name"]: row["path"] for row in result.objects if row["object"] == "file"}
    assert files["contexts"] == str(contexts.contexts_file())
    assert files["state"] == str(state_dir("work"))
    shown = await mogplex("info")
    assert TOKEN not in shown.out + shown.err + result.out
    assert "personal access token" in shown.out


KEYS = '[keys]\n"runs.cancel" = ["X", "ctrl+x"]\n"run.new" = "c"\n"list.sort" = "q"\n'


async def test_info_prints_key_overrides_and_rejections(mogplex: CommandRunner) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text(KEYS)
    result = await mogplex("info", "--json")
    settings_by_name = {row["name"]: row for row in result.objects if row["object"] in ("setting", "problem")}
    assert (
        settings_by_name["keys.runs.cancel"]["value"],
        settings_by_name["keys.runs.cancel"]["origin"],
    ) == (
        "X ctrl+x",
        str(config_file()),
    )
    assert 'did you mean "runs.start"?' in settings_by_name["keys.run.new"]["says"]
    assert "q is already the key of app.quit" in settings_by_name["keys.list.sort"]["says"]
    shown = await mogplex("info")
    assert "Current keys: s." in shown.out.partition("Rejected")[2]
    assert ["keys.list.sort", "s", "default"] in [line.split() for line in shown.lines]
    every = {row["id"]: row for row in (await mogplex("info", "--keys", "--json")).objects}
    assert every["runs.cancel"]["keys"] == ["X", "ctrl+x"]
    assert every["runs.cancel"]["description"]
    assert (every["sandboxes.stop"]["keys"], every["sandboxes.stop"]["origin"]) == (["x"], "default")
    assert "move.down" in every


async def test_doctor_prints_rejected_key_overrides(mogplex: CommandRunner) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text(KEYS)
    store_context("work", "http://127.0.0.1:1")
    result = await mogplex("doctor", "--json")
    reasons = {row["name"]: row["says"] for row in result.objects if row["object"] == "problem"}
    assert reasons.keys() == {"keys.run.new", "keys.list.sort"}
    assert str(config_file()) in reasons["keys.list.sort"]
