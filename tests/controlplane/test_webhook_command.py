"""`control-plane --webhook` delivers an event from the shell or says why not."""

from __future__ import annotations

import argparse
import asyncio
import json

import pytest

from mogplex_tui.cli import control_plane, webhook
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.controlplane.workload.github_payloads import KINDS
from tests.controlplane.engine.engine_driver import EngineDriver
from tests.controlplane.manual_clock import ManualClock


async def run(*args: str) -> int:
    parser = argparse.ArgumentParser()
    control_plane.add_arguments(parser)
    return await asyncio.to_thread(control_plane.run, parser.parse_args(args))


def test_webhook_kinds_match_plane() -> None:
    assert tuple(KINDS) == webhook.KINDS


@pytest.mark.parametrize("by_file", [True, False])
async def test_delivery_from_command_queues_job(
    server: PlaneServer,
    clock: ManualClock,
    anonymous: object,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    by_file: bool,
) -> None:
    engine = EngineDriver(server, anonymous, clock)  # type: ignore[arg-type]
    engine.factory.repo()
    engine.flow([("a", "agent", {})], [("start", "a"), ("a", "end")])
    monkeypatch.setenv("MOGPLEX_BASE_URL", server.base_url)
    monkeypatch.setenv("MOGPLEX_WEBHOOK_SECRET", server.webhook_secret)
    named = ("--db", str(server.path)) if by_file else ()
    assert await run("--webhook", "pull_request", "--text", "Tidy up", "--number", "5", *named) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["queued"] == 1
    assert err == "control-plane: 1 job run(s) queued, 1 started\n"
    about = json.loads(engine.factory.row("job_runs", engine.job())["metadata"])
    assert (about["pr_title"], about["pr_number"], about["repo_full_name"]) == ("Tidy up", 5, "acme/api")
    assert await run("--webhook", "push", "--repo", "acme/other") == 0
    assert "no trigger for push in acme/other" in capsys.readouterr().err


@pytest.mark.parametrize(("event", "kind"), [("issue_opened", "issues"), ("pr_opened", "pull_request")])
async def test_repeated_delivery_is_reported_as_duplicate(
    server: PlaneServer,
    clock: ManualClock,
    anonymous: object,
    capsys: pytest.CaptureFixture[str],
    event: str,
    kind: str,
) -> None:
    engine = EngineDriver(server, anonymous, clock)  # type: ignore[arg-type]
    engine.factory.repo()
    engine.flow([("a", "agent", {})], [("start", "a"), ("a", "end")], event=event)
    where = ("--base-url", server.base_url, "--db", str(server.path), "--delivery", "same")
    assert await run("--webhook", kind, *where) == 0
    capsys.readouterr()
    assert await run("--webhook", kind, *where) == 0
    assert capsys.readouterr().err == "control-plane: prevented: IDEMPOTENT_DUPLICATE\n"


async def test_refused_delivery_gives_reason(
    server: PlaneServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("MOGPLEX_BASE_URL", raising=False)
    monkeypatch.delenv("MOGPLEX_WEBHOOK_SECRET", raising=False)
    here = ("--base-url", server.base_url)
    cases: list[tuple[tuple[str, ...], dict[str, str], int, str]] = [
        ((), {}, 2, "give the URL of the control plane with --base-url"),
        (("--base-url", "nonsense"), {}, 2, "not the URL of a control plane"),
        (("--base-url", "http://["), {}, 2, "not the URL of a control plane"),
        (here, {}, 2, "give the control plane's database with --db"),
        ((*here, "--db", f"{tmp_path}/none.db"), {}, 2, "give the control plane's database with --db"),
        (here, {"MOGPLEX_WEBHOOK_SECRET": "wrong"}, 3, "the plane answered 401"),
        (("--base-url", "http://127.0.0.1:9"), {"MOGPLEX_WEBHOOK_SECRET": "x"}, 6, "nothing answers at"),
    ]
    for args, environment, code, sentence in cases:
        with monkeypatch.context() as patched:
            for name, value in environment.items():
                patched.setenv(name, value)
            assert await run("--webhook", "push", *args) == code
        out, err = capsys.readouterr()
        assert out == "" and sentence in err
