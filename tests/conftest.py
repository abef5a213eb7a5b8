"""Give every test a private home, no credentials, and only the loopback network."""

from __future__ import annotations

import collections
import contextlib
import gc
import importlib
import itertools
import os
import reprlib
import socket
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

import tests.suite_caches  # noqa: F401
from mogplex_tui.api import failure_throttle

# On a busy machine five seconds, which httpx gives a connection and an answer, may pass while nothing gets its turn.
_defaults: Any = httpx.AsyncClient.__init__.__kwdefaults__
_defaults["timeout"] = httpx.Timeout(60)

_real_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> Any:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
        "127.0.0.1",
        "::1",
        "localhost",
    ):
        raise OSError(f"tests may not reach {address[0]}")
    return _real_connect(self, address)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-case",
        action="store_true",
        help="run every case of the tests that are marked `sampled`, not a fixed share of them",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep every n-th case of each test that is marked `sampled(n)`."""
    if config.getoption("every_case"):
        return
    number = collections.Counter[str]()
    kept, left_out = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        sampled = item.get_closest_marker("sampled")
        name = item.nodeid.partition("[")[0]
        (kept if sampled is None or number[name] % sampled.args[0] == 0 else left_out).append(item)
        number[name] += 1
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


@pytest.fixture
def every_case(pytestconfig: pytest.Config) -> bool:
    """True with `--every-case`: a test that walks over many cases leaves none out."""
    return bool(pytestconfig.getoption("every_case"))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import a share of the test files in each worker, so that all are compiled once."""
    config = session.config
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is None or sys.dont_write_bytecode or config.args_source is not config.ArgsSource.TESTPATHS:
        return
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    for path in files[int(told["workerid"].removeprefix("gw")) :: told["workercount"]]:
        # One that cannot be loaded is told of where the tests are collected.
        with contextlib.suppress(Exception):
            importlib.import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name cases after errors and containers, which pytest by itself only numbers."""
    if isinstance(val, BaseException):
        return type(val).__name__
    if isinstance(val, dict | list | tuple | Decimal):
        return reprlib.repr(val).encode("ascii", "backslashreplace").decode()
    return None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Freeze modules and collected tests, so that the garbage collector skips them.

    Without a collection before, which would take longer than what little garbage there is is worth.
    """
    gc.freeze()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Paths of homes that do not exist yet; cheaper than a `tmp_path` for each test."""
    place = tmp_path_factory.mktemp("homes")
    return (place / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _controlled_world(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> Iterator[None]:
    home = next(_homes)
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("MOGPLEX_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    # The keyring of whoever runs the tests is none of their business.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)
    yield


@pytest.fixture(autouse=True)
def _no_request_limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn the request limiter off, except in tests that are marked `request_limit`."""
    if request.node.get_closest_marker("request_limit") is None:
        monkeypatch.setattr(failure_throttle, "SPACING", 0.0)
        monkeypatch.setattr(failure_throttle, "BURST", 1_000_000)


@pytest.fixture(scope="session")
def seeded_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a small seeded plane; each plane gets a copy."""
    from mogplex_tui.controlplane.core.plane import Settings
    from mogplex_tui.controlplane.database_setup import prepare

    path = tmp_path_factory.mktemp("seed") / "plane.db"
    plane = prepare(Settings(speed=0, seeded=True), path, None, None)
    plane.db.close()
    return path
