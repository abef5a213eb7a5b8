"""The OpenAPI document: complete, valid, and in step with the handlers."""

from __future__ import annotations

import argparse
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import mogplex_tui.controlplane
from mogplex_tui import __version__
from mogplex_tui.cli import control_plane
from mogplex_tui.controlplane.openapi import declared, document, unnamed
from mogplex_tui.controlplane.route_listing import entries, unserved_router
from tests.contract.schemas import SHAPES

PACKAGE = Path(mogplex_tui.controlplane.__file__).parent
ASKED = re.compile(r"""\b(?:has_)?query\("(\w+)"\)""")

# Written with a stand-in for what only the seeded service has, so that no operation is called so.
FORMAT_SUFFIX = re.compile(r"~\w+$")


@cache
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def test_openapi_describes_each_router_method_once() -> None:
    served = [(entry.method, unnamed(entry.path)) for entry in entries(unserved_router().routes)]
    assert sorted(served) == sorted((method, unnamed(path)) for method, path in operations())
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))


def test_declared_operations_are_served() -> None:
    taken, rows = declared()
    served = {(method, unnamed(path)) for method, path in operations()}
    assert not set(taken) - served
    ends = {path[: match.end()] for _, path in served for match in re.finditer(r"\{\}", path)}
    assert set(rows) == ends


def test_path_parameters_match_the_path_and_name_their_row() -> None:
    for (_, path), operation in operations().items():
        given = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
        assert given == re.findall(r"\{(\w+)\}", path)


def test_every_query_parameter_that_a_handler_reads_is_declared() -> None:
    known = {
        one["name"]
        for operation in operations().values()
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    }
    read = {name for path in PACKAGE.rglob("*.py") for name in ASKED.findall(path.read_text())}
    assert read and not read - known


@pytest.mark.parametrize("shape", sorted(SHAPES.rglob("*.json")), ids=lambda path: path.stem)
def test_every_observed_success_is_described(shape: Path) -> None:
    method, _, rest = shape.stem.partition("_")
    words, _, status = rest.rpartition("_")
    path = "/" + FORMAT_SUFFIX.sub("", words).replace(".-", ".{}").replace(".", "/")
    found = {(verb, unnamed(name)): operation for (verb, name), operation in operations().items()}
    assert status in found[method, path]["responses"]


def test_openapi_security_matches_endpoints() -> None:
    assert operations()["POST", "/api/v1/mogplex/runs"]["security"] == [{"bearer": []}]
    assert operations()["GET", "/api/settings/api-keys"]["security"] == [{"session": []}]
    assert operations()["GET", "/api/cron/repair-jobs"]["security"] == [{"scheduler": []}]
    assert {} in operations()["GET", "/api/models"]["security"]


def test_command_prints_openapi_document(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    control_plane.add_arguments(parser)
    assert control_plane.run(parser.parse_args(["--openapi"])) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == document(__version__)
    assert printed["openapi"] == "3.1.0"
