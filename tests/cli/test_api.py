"""`api METHOD PATH`: requests to any route, with credentials and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.credential_sets import CREDENTIAL_SETS, UseCredentials
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory

SKILLS = "/api/skills"


def _documents(text: str) -> list[Any]:
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        at += 1
    return found


async def test_get_prints_the_response_as_json(operator: CommandRunner, factory: RowFactory) -> None:
    factory.repo("acme/api")
    result = await operator("api", "get", "/api/v1/mogplex/repos?limit=5")
    assert result.code == 0
    assert result.out.startswith("{\n  ")
    assert [repo["full_name"] for repo in json.loads(result.out)["repos"]] == ["acme/api"]
    line = await operator("api", "GET", "/api/v1/mogplex/repos", "--json", "--field", "limit=5")
    assert len(line.lines) == 1


async def test_fields_are_the_body_and_the_change_is_in_the_ledger(
    operator: CommandRunner, plane: PlaneServer, tmp_path: Path
) -> None:
    made = await operator(
        "api", "POST", SKILLS, "-f", "name=Review", "-f", "content=Look twice", "-f", "is_public=true"
    )
    assert made.code == 0, made.err
    row = plane.plane.db.only("SELECT name, is_public FROM skills")
    assert (row["name"], bool(row["is_public"])) == ("Review", True)
    body = tmp_path / "body.json"
    body.write_text('{"name": "From a file", "content": "x"}')
    assert (await operator("api", "POST", SKILLS, "--input", str(body))).code == 0
    names = {each["name"] for each in json.loads((await operator("api", "GET", SKILLS)).out)}
    assert names >= {"Review", "From a file"}
    ledger = [path.read_text() for path in Path.home().rglob("ledger.jsonl")]
    assert any('"api.post"' in text and '"done"' in text for text in ledger)


async def test_paginate_reads_every_page(operator: CommandRunner, factory: RowFactory) -> None:
    calls = {factory.call() for _ in range(5)}
    result = await operator("api", "GET", "/api/observability/calls", "-f", "limit=2", "--paginate")
    pages = _documents(result.out)
    assert [len(page["calls"]) for page in pages] == [2, 2, 1]
    assert {call["id"] for page in pages for call in page["calls"]} == calls
    first = await operator("api", "GET", "/api/observability/calls", "-f", "limit=2")
    assert len(_documents(first.out)) == 1


async def test_response_is_escaped_on_the_terminal(operator: CommandRunner, factory: RowFactory) -> None:
    factory.call(metadata={"repo": "\x1b[31mred\u202e"})
    result = await operator("api", "GET", "/api/observability/calls")
    assert result.code == 0
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("GET", "/api/nowhere"), 1, "/api/nowhere"),
        (("GET", "api/skills"), 2, "PATH must begin with /"),
        (("GET", "//evil.example/api"), 2, "contain no host"),
        (("GET", "https://evil.example/api"), 2, "contain no host"),
        (("GET", "//[x"), 2, "contain no host"),
        (("GET", SKILLS + "?a=1&a=2"), 2, "a is given twice"),
        (("POST", SKILLS, "-f", "name=a", "-f", "name=b"), 2, "name is given twice"),
        (("POST", SKILLS, "--paginate"), 2, "--paginate works with GET only"),
        (("POST", SKILLS, "--field", "name"), 2, "--field takes KEY=VALUE"),
        (("GET", SKILLS, "--input", "-"), 2, "--input is the whole body"),
        (("POST", SKILLS, "--input", "/nowhere.json"), 2, "could not be read from /nowhere.json"),
        (("POST", SKILLS, "--read-only"), 4, "read-only"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_invalid_requests_are_refused(
    operator: CommandRunner, words: tuple[str, ...], code: int, message: str
) -> None:
    result = await operator("api", *words)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


async def test_read_only_token_changes_nothing(use_credentials: UseCredentials, plane: PlaneServer) -> None:
    result = await use_credentials(CREDENTIAL_SETS["read-only-token"])(
        "api", "POST", SKILLS, "-f", "name=x", "-f", "content=y"
    )
    assert result.code == 4
    assert plane.plane.db.all("SELECT id FROM skills") == []
