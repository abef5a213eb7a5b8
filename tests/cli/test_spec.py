"""`spec`: the registry of kinds and commands as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.cli import parser
from mogplex_tui.operate.kinds.registry import kinds

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "spec.md"


def read_spec(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert parser.run(["spec"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_spec_names_every_kind_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    spec = read_spec(capsys)
    by_name = {kind["name"]: kind for kind in spec["kinds"]}
    assert by_name.keys() == {"runs", *kinds()}
    servers = by_name["mcp-servers"]
    assert {column["name"] for column in servers["columns"]} >= {"name", "enabled", "address"}
    delete = next(action for action in servers["actions"] if action["id"] == "delete")
    assert (delete["key"], delete["many"]) == ("ctrl+d", False)
    assert delete["confirmation"] == ["Its secrets are deleted too; agents can no longer use its tools."]
    assert spec["commands"].keys() == parser.COMMANDS.keys()
    listing = spec["commands"]["skills"]["verbs"]["list"]["parameters"]
    assert not any(parameter["required"] for parameter in listing)
    disable = spec["commands"]["mcp-servers"]["verbs"]["disable"]["parameters"]
    assert {"records", "--json"} <= {parameter["name"] for parameter in disable}
    assert spec["exitCodes"]["5"] == "too many requests"


def test_spec_has_filters_and_sort_orders(capsys: pytest.CaptureFixture[str]) -> None:
    by_name = {kind["name"]: kind for kind in read_spec(capsys)["kinds"]}
    filters = {each["name"]: each for each in by_name["dispatch"]["filters"]}
    assert (filters["age"]["from"], filters["age"]["isSpan"]) == ("column", True)
    assert (filters["reason"]["from"], filters["reason"]["service"]) == ("hidden", None)
    assert filters["outcome"]["service"]["parameter"] == "outcome"
    assert "failed" in filters["outcome"]["service"]["values"]
    assert filters.keys() >= {"id", "automation"}
    orders = by_name["mcp-servers"]["orders"]
    assert (orders["default"], orders["descending"]) == ("name", False)
    assert orders["columns"] == [column["name"] for column in by_name["mcp-servers"]["columns"]]


def test_spec_has_parameters_of_actions(capsys: pytest.CaptureFixture[str]) -> None:
    by_name = {kind["name"]: kind for kind in read_spec(capsys)["kinds"]}
    create = next(action for action in by_name["api-keys"]["actions"] if action["id"] == "create")
    assert (create["makesRecord"], create["revealsSecret"]) == (True, True)
    name, scopes, _ = create["parameters"]
    assert (name["type"], name["required"], name["positional"], name["choices"]) == ("text", True, True, [])
    assert (scopes["type"], scopes["required"], scopes["default"]) == ("choice", False, "read-write")
    assert "read-write" in scopes["choices"]
    launch = next(action for action in by_name["sandboxes"]["actions"] if action["id"] == "launch")
    repo = launch["parameters"][0]
    assert (repo["type"], repo["choices"]) == ("choice", None)


def test_spec_has_actions_on_runs(capsys: pytest.CaptureFixture[str]) -> None:
    spec = read_spec(capsys)
    runs = next(kind for kind in spec["kinds"] if kind["name"] == "runs")
    actions = {action["id"]: action for action in runs["actions"]}
    assert {id: (each["key"], each["many"]) for id, each in actions.items()} == {
        "start": ("n", False),
        "cancel": ("x", True),
    }
    start = actions["start"]
    assert (start["makesRecord"], start["idempotencyKey"]) == (True, True)
    parameters = {each["name"]: each for each in start["parameters"]}
    assert list(parameters) == ["repo", "prompt", "harness", "base", "branch", "new_branch"]
    assert (parameters["harness"]["choices"], parameters["harness"]["default"]) == (
        ["codex", "claude-code"],
        "codex",
    )
    options = {each["name"]: each for each in spec["commands"]["runs"]["verbs"]["start"]["parameters"]}
    for name, parameter in parameters.items():
        option = options[f"--{name.replace('_', '-')}"]
        assert option["required"] == parameter["required"]
        assert option["help"].startswith(parameter["help"])


def _fields(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths of all fields of a kind or command.

    Names of verbs and commands are not fields.
    """
    if isinstance(value, list):
        for each in value:
            yield from _fields(each, path)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield f"{path}{name}"
            yield from _fields(each, f"{path}{name}.")


def test_documentation_names_every_field_of_spec(capsys: pytest.CaptureFixture[str]) -> None:
    spec = read_spec(capsys)
    verbs = [verb for command in spec["commands"].values() for verb in command.pop("verbs").values()]
    fields = {
        *spec,
        *(f"kinds.{path}" for kind in spec["kinds"] for path in _fields(kind)),
        *(f"commands.{path}" for command in spec["commands"].values() for path in _fields(command)),
        "commands.verbs",
        *(f"commands.verbs.{path}" for verb in verbs for path in _fields(verb)),
    }
    assert set(re.findall(r"^\| `([\w.]+)` \|", DOCUMENT.read_text(), re.MULTILINE)) == fields
