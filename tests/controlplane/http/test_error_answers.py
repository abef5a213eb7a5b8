"""Unknown methods and paths, crashes, and foreign files (errors.md §1.5 and §2)."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Plane, Settings, open_plane
from mogplex_tui.controlplane.database_setup import prepare
from mogplex_tui.controlplane.db.clock import iso_app, iso_db, parse_instant
from mogplex_tui.controlplane.db.database import DatabaseMismatchError
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import NOON, ManualClock
from tests.controlplane.row_factory import RowFactory


async def test_actions(client: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    for asked in (client, anonymous):
        wrong = await asked.get(f"{V1}/runs")
        assert (wrong.status_code, wrong.content) == (405, b"")
        assert not {"allow", "content-type"} & set(wrong.headers)
        options = await asked.options(f"{V1}/repos")
        assert (options.status_code, options.content) == (204, b"")
        assert set(options.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    got, head = await client.get(f"{V1}/repos"), await client.head(f"{V1}/repos")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert (await anonymous.head(f"{V1}/repos")).status_code == 401
    silent = await client.head("/api/realtime/events?tables=ai_calls")
    assert (silent.status_code, silent.content) == (200, b"")


@pytest.mark.parametrize(
    "path", [V1, f"{V1}/pr-reviews/rerun", f"{V1}/repos/", "/api/nothing", "/", "/api/observability/calls/x"]
)
async def test_no_such_route_is_a_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_crash_returns_fixed_text_of_route(
    client: httpx.AsyncClient, factory: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("secret database text")

    # An empty list needs no second look, so there is something to list.
    factory.call()
    monkeypatch.setattr(factory.plane.db, "all", broken)
    answer = await client.get(f"{V1}/repos")
    assert answer.status_code == 500
    assert answer.json() == {
        "ok": False,
        "error": {"code": "INTERNAL_ERROR", "message": "Failed to list repos"},
    }
    calls = await client.get("/api/observability/calls")
    assert (calls.status_code, calls.json()) == (500, {"error": "Failed to fetch calls"})
    stats = await client.get("/api/observability/stats")
    assert (stats.status_code, stats.content) == (500, b"")


@pytest.mark.parametrize(
    ("us", "db", "app"),
    [
        (NOON, "2026-08-05T10:00:00+00:00", "2026-08-05T10:00:00.000Z"),
        (NOON + 638_000, "2026-08-05T10:00:00.638+00:00", "2026-08-05T10:00:00.638Z"),
        (NOON + 5, "2026-08-05T10:00:00.000005+00:00", "2026-08-05T10:00:00.000Z"),
    ],
)
def test_instant_formats(us: int, db: str, app: str) -> None:
    assert (iso_db(us), iso_app(us)) == (db, app)
    assert parse_instant(db) == us


def test_instants_are_read_leniently() -> None:
    assert parse_instant("2026-08-05") == NOON - 10 * 3_600_000_000
    assert parse_instant("2026-08-05T12:00:00.5+02:00") == NOON + 500_000
    assert parse_instant("yesterday") is None
    assert parse_instant("") is None


async def test_a_file_is_resumed_with_its_credentials(tmp_path: Path) -> None:
    path = tmp_path / "plane.db"
    async with PlaneServer(Settings(speed=0, seeded=False), path) as first:
        repo = RowFactory(first.plane, ManualClock()).repo()
        token, cookie, port = first.token, first.session_cookie, int(first.base_url.rpartition(":")[2])
    assert path.stat().st_mode & 0o777 == 0o600
    # The same port, and another seed: the file keeps the account it was made with.
    async with PlaneServer(Settings(seed=8, speed=0, seeded=False, port=port), path) as second:
        assert (second.token, second.session_cookie) == (token, cookie)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=second.base_url, headers=headers) as client:
            repos = (await client.get(f"{V1}/repos")).json()["data"]["repos"]
            assert [row["id"] for row in repos] == [repo]
        # Ids go on; they do not begin again.
        assert RowFactory(second.plane, ManualClock()).repo("acme/web") != repo
    async with PlaneServer(Settings(seed=8, speed=0, seeded=False), tmp_path / "other.db") as other:
        assert other.token != token


async def test_temporary_database_is_removed_with_server() -> None:
    async with PlaneServer(Settings(speed=0, seeded=False)) as server:
        path = server.path
        assert path.exists()
    assert not path.parent.exists()


def test_a_foreign_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear database, " * 100)
    with pytest.raises(DatabaseMismatchError, match=r"letter\.txt"):
        prepare(Settings(), path)
    assert path.read_text().startswith("Dear database")


def test_interrupted_seeding_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plane.db"

    def broken(plane: Plane) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mogplex_tui.controlplane.seed.build", broken)
        with pytest.raises(KeyboardInterrupt):
            prepare(Settings(), path)
    assert list(tmp_path.glob("plane.db*")) == []
    # Killed outright, the file stays behind half made.
    half = open_plane(Settings(), path)
    half.db.close()
    plane = prepare(Settings(seeded=False), path)
    assert plane.db.value("SELECT COUNT(*) FROM user_api_keys") == 2
    plane.db.close()


async def test_used_port_is_error() -> None:
    async with PlaneServer(Settings(speed=0, seeded=False)) as server:
        port = int(server.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await PlaneServer(Settings(speed=0, seeded=False, port=port)).__aenter__()


def test_transactions_do_not_nest(factory: RowFactory) -> None:
    with (
        factory.plane.db.transaction(),
        pytest.raises(RuntimeError, match="nest"),
        factory.plane.db.transaction(),
    ):
        pass
    assert factory.repo()
