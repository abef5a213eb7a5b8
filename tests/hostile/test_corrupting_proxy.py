"""Commands through a proxy that corrupts the answers of a real plane."""

from __future__ import annotations

import pytest

from mogplex_tui.api import http_clients
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory
from tests.hostile.corrupting_proxy import FAULTS, corrupting, honest, only


async def test_honest_rule_corrupts_nothing(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    call = factory.call(type="chat", status="success")
    factory.event(call, "log", message="under way")
    async with corrupting(plane.base_url) as proxy:
        mogplex.use(proxy.base_url, token=plane.token, cookie=plane.session_cookie)
        listed = await mogplex("runs", "list", "--json")
        events = await mogplex("runs", "events", call)
    assert (listed.code, events.code) == (0, 0), listed.err + events.err
    assert listed.only_object["call_id"] == call
    assert "under way" in events.out
    assert {entry.fault for entry in proxy.log} == {None}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("fault", FAULTS)
async def test_command_survives_a_corrupted_response(
    mogplex: CommandRunner,
    plane: PlaneServer,
    factory: RowFactory,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    # Some of the faults never end.
    monkeypatch.setattr(http_clients, "RESPONSE_TIMEOUT", 0.5)
    factory.call(type="chat", status="success")
    async with corrupting(plane.base_url, rule=only(fault)) as proxy:
        mogplex.use(proxy.base_url, token=plane.token, cookie=plane.session_cookie)
        corrupted = await mogplex("runs", "list", "--json")
        proxy.rule = honest
        after = await mogplex("runs", "list", "--json")
    assert corrupted.code in (0, 1, 3, 4, 5, 6), corrupted.err
    assert corrupted.code == 0 or corrupted.err.strip()
    assert "Traceback" not in corrupted.err
    assert after.code == 0, after.err
