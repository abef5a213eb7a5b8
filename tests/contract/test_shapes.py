"""Successful answers of every route against the schemas of the real service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import change_everything, read_everything, read_runs
from tests.contract.sample_rows import insert_sample_rows
from tests.contract.schemas import SHAPES, faults, shapes_of, strict_schema, validator
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


@pytest.fixture
async def plane_with_rows() -> AsyncIterator[tuple[Checker, RowFactory]]:
    """A plane with one row of everything, made by hand."""
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            factory = RowFactory(server.plane, clock)
            insert_sample_rows(factory, clock)
            yield Checker(client), factory


async def test_responses_match_contract_schemas(plane_with_rows: tuple[Checker, RowFactory]) -> None:
    check, factory = plane_with_rows
    await read_everything(check)
    await read_runs(check, factory.plane)
    await change_everything(check, factory)
    await read_everything(check)
    # Every schema that was copied in is met: a route that goes missing is a fault of this test.
    assert check.met == shapes_of("")


async def test_seeded_account_matches_contract_schemas() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check = Checker(client)
            await read_everything(check)
            await read_runs(check, server.plane)


@pytest.mark.parametrize("name", sorted(path.stem for path in SHAPES.rglob("*.json")))
def test_strict_schemas_are_valid(name: str) -> None:
    Draft202012Validator.check_schema(validator(name).schema)


def _objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "properties" in schema:
        yield schema
    for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
        yield from _objects(inner)
    if "items" in schema:
        yield from _objects(schema["items"])


def test_strictness_bites() -> None:
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    assert [found["additionalProperties"] for found in _objects(strict_schema(schema))] == [False]
    good = {"ok": True}
    assert faults("PATCH_api.settings_200", good) == []
    assert faults("PATCH_api.settings_200", {**good, "surprise": 1})
    assert faults("PATCH_api.settings_200", {})
    assert faults("PATCH_api.settings_200", {"ok": "yes"})
