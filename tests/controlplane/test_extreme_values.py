"""Values that are too big, too deep or contain a NUL crash no route."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from tests.controlplane.database_snapshot import DatabaseSnapshot
from tests.controlplane.expected_server_errors import CRON_SECRET, ENDLESS_STREAMS, EXPECTED_SERVER_ERRORS
from tests.controlplane.full_account import Account
from tests.controlplane.operation_requests import RowReference, fields, operations, request
from tests.controlplane.threaded_server import serve_in_thread

MANY_DIGITS = "9" * 5000


def _deep(layers: int) -> Any:
    value: Any = []
    for _ in range(layers):
        value = [value]
    return value


ODD: dict[str, tuple[Any, ...]] = {
    "query": (MANY_DIGITS, "-" + MANY_DIGITS, "\0"),
    "body": (10**400, -(2**70), 1e300, MANY_DIGITS, "\0", _deep(300)),
}


@pytest.fixture(scope="module")
def target() -> Iterator[tuple[httpx.Client, Account, DatabaseSnapshot]]:
    settings = Settings(speed=0, seeded=False, rate_limit=None, cron_secret=CRON_SECRET)
    with serve_in_thread(settings, "heron") as found, httpx.Client(base_url=found.server.base_url) as client:
        snapshot = DatabaseSnapshot(found.server.path)
        yield client, found.account, snapshot
        snapshot.close()


ASKED = [
    (method, path, described)
    for method, path, described in operations()
    if f"{method} {path}" not in ENDLESS_STREAMS and any(where in ODD for where, *_ in fields(described))
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("method", "path", "described"), ASKED, ids=[f"{method} {path}" for method, path, _ in ASKED]
)
def test_extreme_value_is_no_crash(
    target: tuple[httpx.Client, Account, DatabaseSnapshot],
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    described: dict[str, Any],
) -> None:
    client, account, snapshot = target
    is_machines = {"scheduler": []} in described.get("security", ())
    headers = {"Authorization": f"Bearer {CRON_SECRET}"} if is_machines else account.headers()
    snapshot.restore()
    for where, name, _, _ in fields(described):
        for odd in ODD.get(where, ()):
            made = request(method, path, account.ids, RowReference(method, path, where, name, ""), odd)
            made["headers"] |= {} if path == "/api/auth/logout" else headers
            if "json" in made:
                made["headers"]["Content-Type"] = "application/json"
                made["content"] = json.dumps(made.pop("json"))
            if "files" in made or ("data" in made and not isinstance(odd, str)):
                continue
            caplog.clear()
            with client.stream(**made) as answer:
                is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
                text = "" if is_stream else answer.read().decode()
            crashes = [record.exc_info for record in caplog.records if record.name.startswith("mogplex")]
            assert not crashes, (name, str(odd)[:20], crashes[0])
            form, _ = EXPECTED_SERVER_ERRORS.get(f"{method} {path}", ("never", ""))
            told = f"{answer.status_code} {text}"
            assert answer.status_code < 500 or re.match(form, told, re.DOTALL), (name, str(odd)[:20], told)


@pytest.mark.parametrize(
    ("text", "count"), [(MANY_DIGITS, 3), ("-" + MANY_DIGITS, 1), ("000000000000000000002x", 2)]
)
def test_a_limit_of_many_digits_is_a_limit(
    target: tuple[httpx.Client, Account, DatabaseSnapshot], text: str, count: int
) -> None:
    client, account, snapshot = target
    snapshot.restore()
    for name in ("one", "two"):
        body = {"full_name": f"heron/{name}", "owner": "heron", "name": name, "root_directory": name}
        made = client.post("/api/repos", json=body, headers=account.headers())
        assert made.status_code == 200, made.text
    answer = client.get("/api/v1/mogplex/repos", params={"limit": text}, headers=account.headers())
    assert len(answer.json()["data"]["repos"]) == count
