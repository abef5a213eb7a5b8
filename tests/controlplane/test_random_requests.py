"""Random requests to every route get an expected answer in time.

Schemathesis makes requests from the OpenAPI document, valid and invalid ones. They are the same in every run.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.openapi import document
from tests.controlplane.database_snapshot import DatabaseSnapshot
from tests.controlplane.expected_server_errors import CRON_SECRET, ENDLESS_STREAMS, EXPECTED_SERVER_ERRORS
from tests.controlplane.full_account import Account
from tests.controlplane.threaded_server import serve_in_thread

EXAMPLES = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 2}
SECONDS = 5.0


def _known_rows(value: Any, account: Account) -> Any:
    """Return the document with ids of existing rows and without security."""
    if isinstance(value, dict):
        inner = {
            key: _known_rows(one, account) for key, one in value.items() if key not in ("x-row", "security")
        }
        return {"anyOf": [{"enum": [account.ids[value["x-row"]]]}, inner]} if "x-row" in value else inner
    return [_known_rows(one, account) for one in value] if isinstance(value, list) else value


class Target:
    """The plane under test, its account, and a schema with the account's row ids."""

    def __init__(self, url: str, account: Account, snapshot: DatabaseSnapshot) -> None:
        self.url, self.account, self.snapshot = url, account, snapshot
        self.described = document()
        shown = _known_rows(self.described, account)
        del shown["components"]
        self.schema = schemathesis.openapi.from_dict(shown)
        self.session = requests.Session()
        # Reading the proxy settings of the environment costs as much as a request.
        self.session.trust_env = False

    def send(self, method: str, path: str, body: bytes) -> requests.Response:
        """Send a request with this body and with own rows in the path."""
        named = (
            one
            for one in self.described["paths"][path][method.lower()].get("parameters", ())
            if one["in"] == "path"
        )
        url = self.url + path
        for one in named:
            row = self.account.ids.get(one["schema"].get("x-row", ""), "sample")
            url = url.replace(f"{{{one['name']}}}", str(row))
        headers = self._headers(method, path) | {"Content-Type": "application/json"}
        return self.session.request(
            method, url, headers=headers, data=body, timeout=SECONDS, allow_redirects=False
        )

    def call(self, case: Case[Any]) -> requests.Response:
        """Send a request that Schemathesis made; raises when the answer is late."""
        kwargs = case.as_transport_kwargs(base_url=self.url, headers=self._headers(case.method, case.path))
        return self.session.request(**kwargs, timeout=SECONDS, allow_redirects=False)

    def _headers(self, method: str, path: str) -> dict[str, str]:
        security = self.described["paths"].get(path, {}).get(method.lower(), {}).get("security", [])
        if {"scheduler": []} in security:
            return {"Authorization": f"Bearer {CRON_SECRET}"}
        # Signing out ends the session of whoever brings its cookie.
        return {} if path == "/api/auth/logout" else self.account.headers()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    plane = Settings(speed=0, seeded=False, rate_limit=None, cron_secret=CRON_SECRET)
    with serve_in_thread(plane, "heron") as found:
        snapshot = DatabaseSnapshot(found.server.path)
        yield Target(found.server.base_url, found.account, snapshot)
        snapshot.close()


OPERATIONS = [
    f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods
]


def _judge(target: Target, label: str, answer: requests.Response, log: list[logging.LogRecord]) -> None:
    """Fail for an answer that the contract does not expect."""
    method, path = label.split(" ")
    crashes = [record.exc_info for record in log if record.name.startswith("mogplex")]
    assert not crashes, f"an exception that nobody expected: {crashes[0]}"
    if answer.status_code >= 500:
        form, _ = EXPECTED_SERVER_ERRORS.get(label, ("never", ""))
        # JSON null meets handlers that look into their body without a guard (errors.md §2, E10).
        is_null = answer.request.body == b"null" and answer.content == b""
        shown = f"{answer.status_code} {answer.text}"
        assert is_null or re.match(form, shown, re.DOTALL), f"nothing calls for {shown!r}"
    if 200 <= answer.status_code < 300:
        assert str(answer.status_code) in target.described["paths"][path][method.lower()]["responses"]
    if answer.headers.get("content-type", "").startswith("application/json"):
        json.loads(answer.content, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("label", OPERATIONS)
def test_random_requests_get_contract_responses(
    target: Target, label: str, caplog: pytest.LogCaptureFixture
) -> None:
    if label in ENDLESS_STREAMS:
        pytest.skip("the stream has no end")
    method, path = label.split(" ")
    operation = target.schema[path][method]
    target.snapshot.restore()
    for mode, count in EXAMPLES.items():
        if mode is GenerationMode.NEGATIVE and not _takes_anything(target, method, path):
            continue

        @settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def every_example(case: Case[Any]) -> None:
            caplog.clear()
            _judge(target, label, target.call(case), caplog.records)

        every_example()


def _takes_anything(target: Target, method: str, path: str) -> bool:
    """Return whether a request can be invalid.

    Any text is a valid segment of a path or header.
    """
    described = target.described["paths"][path][method.lower()]
    return "requestBody" in described or any(
        one["in"] == "query"
        or one["schema"].get("type") != "string"
        or {"enum", "format"} & one["schema"].keys()
        for one in described.get("parameters", ())
    )


BODIES = [label for label in OPERATIONS if label.partition(" ")[0] not in ("GET", "OPTIONS")]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("label", BODIES)
def test_a_body_of_another_sort_is_no_crash(
    target: Target, label: str, caplog: pytest.LogCaptureFixture
) -> None:
    method, path = label.split(" ")
    target.snapshot.restore()
    for body in (b"", b"{", b"[]", b"5", b'"text"', b'{"id":"\\ud800"}', b"\xff\xfe", b"null"):
        caplog.clear()
        _judge(target, label, target.send(method, path, body), caplog.records)
