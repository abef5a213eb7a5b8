"""`spec`: the registry of kinds and commands as JSON."""

from __future__ import annotations

import json

import pytest

from mogplex_tui.cli import parser
from mogplex_tui.operate.kinds.registry import kinds


def test_spec_names_every_kind_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.run(["spec"]) == 0
    spec = json.loads(capsys.readouterr().out)
    by_name = {kind["name"]: kind for kind in spec["kinds"]}
    assert by_name.keys() == {"runs", *kinds()}
    servers = by_name["mcp-servers"]
    assert {column["name"] for column in servers["columns"]} >= {"name", "enabled", "place"}
    delete = next(action for action in servers["actions"] if action["id"] == "delete")
    assert (delete["key"], delete["many"]) == ("ctrl+d", False)
    assert delete["confirmation"] == ["Its secrets go with it; agents lose its tools."]
    assert spec["commands"].keys() == parser.COMMANDS.keys()
    listing = spec["commands"]["skills"]["verbs"]["list"]["parameters"]
    assert not any(parameter["required"] for parameter in listing)
    disable = spec["commands"]["mcp-servers"]["verbs"]["disable"]["parameters"]
    assert {"records", "--json"} <= {parameter["name"] for parameter in disable}
    assert spec["exitCodes"]["5"] == "too many requests"
