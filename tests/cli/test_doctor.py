from __future__ import annotations

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, ok, refused, serving
from tests.cli.support import TOKEN, CommandResult, CommandRunner, serve_behind_edge

FAMILIES = [
    "account",
    "settings",
    "models",
    "github",
    "mcp",
    "observability",
    "realtime",
    "v1",
    "write",
    "budget",
]


def reaches(result: CommandResult) -> dict[str, str]:
    return {each["family"]: each["reach"] for each in result.objects if each["object"] == "family"}


async def test_both_credentials_open_everything(operator: CommandRunner, plane: PlaneServer) -> None:
    result = await operator("doctor", "--json")
    assert (result.code, result.err) == (0, "")
    service, *families = result.objects
    assert service["object"] == "service"
    assert (service["base_url"], service["token_from"]) == (plane.base_url, "MOGPLEX_TOKEN")
    assert service["session_cookie_from"] == "MOGPLEX_SESSION_COOKIE"
    assert [each["family"] for each in families] == FAMILIES
    assert set(reaches(result).values()) == {"open"}
    results = {each["family"]: each for each in families}
    assert all(isinstance(results[name]["ms"], int) for name in FAMILIES[:-1])
    assert {results[name]["status"] for name in FAMILIES[:8]} == {200}
    assert results["budget"]["limit"] == 60


async def test_report_has_one_line_per_family(operator: CommandRunner) -> None:
    result = await operator("doctor")
    assert [line.split()[0] for line in result.lines[-len(FAMILIES) :]] == FAMILIES
    assert result.code == 0


async def test_advice_is_printed_once_and_not_cut(
    mogplex: CommandRunner, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("doctor", terminal=True)
    assert max(map(len, result.lines)) <= 60
    advice = " ".join(result.out.partition("Next steps")[2].split())
    assert advice == "github, mcp, observability, realtime: mogplex-tui login --session opens it."


async def test_no_secret_is_ever_printed(operator: CommandRunner, plane: PlaneServer) -> None:
    for options in ([], ["--json"]):
        result = await operator("doctor", *options)
        for secret in (plane.token, plane.session_cookie.partition("=")[2]):
            assert secret not in result.out + result.err
            assert secret[:12] not in result.out + result.err


async def test_read_only_token_lacks_write_and_starts_nothing(
    mogplex: CommandRunner, plane: PlaneServer
) -> None:
    mogplex.use(plane.base_url, token=plane.read_only_token)
    result = await mogplex("doctor", "--json")
    assert result.code == 0
    assert reaches(result) == dict.fromkeys(FAMILIES, "open") | {"write": "needs-scope"}
    assert plane.plane.db.value("SELECT count(*) FROM external_agent_runs") == 0
    assert plane.plane.db.value("SELECT count(*) FROM limit_events") == 0


async def test_doctor_sends_at_most_fifteen_requests(mogplex: CommandRunner, plane: PlaneServer) -> None:
    async with serve_behind_edge(plane) as service:
        for credential in (plane.token, "mog_0000000000000000000000aa"):
            service.seen.clear()
            mogplex.use(service.base_url, token=credential)
            result = await mogplex("doctor", "--json")
            assert 7 <= len(service.seen) <= 15
            assert result.objects[-1]["requests"] == len(service.seen)


async def test_token_behind_edge_needs_session(mogplex: CommandRunner, plane: PlaneServer) -> None:
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("doctor", "--json")
    assert result.code == 0
    assert reaches(result) == dict.fromkeys(FAMILIES, "open") | dict.fromkeys(
        ("github", "mcp", "observability", "realtime"), "needs-session"
    )
    closed = next(each for each in result.objects if each.get("family") == "observability")
    assert closed["status"] == 307
    assert "login --session" in closed["advice"]


async def test_read_only_skips_scope_check(mogplex: CommandRunner, plane: PlaneServer) -> None:
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("--read-only", "doctor", "--json")
        assert {seen.method for seen in service.seen} == {"GET"}
    assert reaches(result)["write"] == "needs-scope"
    assert "Not checked" in next(each for each in result.objects if each.get("family") == "write")["advice"]


LOGIN = http(307, b"", "", Location="/login?next=x")
PAGE = http(200, b"<!doctype html><title>Hi</title>", "text/html")


@pytest.mark.parametrize(
    ("answer", "v1", "code"),
    [
        (LOGIN, "needs-session", 3),
        (refused(401, "UNAUTHORIZED", "Unauthorized"), "needs-session", 3),
        (refused(403, "FORBIDDEN", "Missing required scope: read."), "needs-scope", 4),
        (http(404, b"<html>no</html>", "text/html"), "absent", 1),
        (
            refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60"),
            "throttled",
            5,
        ),
        (refused(503, "SERVICE_UNAVAILABLE", "down", Retry_After="60"), "broken", 6),
        (http(500, b"", ""), "broken", 1),
        (PAGE, "absent", 1),
        (http(200, b"{", "application/json"), "broken", 1),
        (http(308, b"", "", Location="https://mogplex.example/"), "broken", 1),
    ],
    ids=[
        "login page",
        "401",
        "403",
        "html 404",
        "429",
        "503",
        "500",
        "html page",
        "invalid json",
        "redirect",
    ],
)
async def test_same_response_everywhere_gives_one_reach(
    mogplex: CommandRunner, answer: bytes, v1: str, code: int
) -> None:
    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("doctor", "--json")
        assert len(service.seen) <= 15
    assert result.code == code
    assert reaches(result)["v1"] == v1
    assert [each["family"] for each in result.objects[1:]] == FAMILIES
    assert all(each["advice"] for each in result.objects[1:])
    assert TOKEN not in result.out


async def test_unreachable_service_is_tried_twice(mogplex: CommandRunner) -> None:
    async with serving(b"") as service:
        url = service.base_url
    mogplex.use(url)
    result = await mogplex("doctor", "--json")
    assert result.code == 6
    assert set(list(reaches(result).values())[:-1]) == {"unreachable"}
    assert result.objects[-1]["requests"] == 2


async def test_missing_realtime_is_reported(mogplex: CommandRunner) -> None:
    async def answer(seen: Seen, _: object) -> bytes:
        if seen.path.startswith("/api/realtime"):
            return http(204, b"", "")
        return ok({"repos": []}) if seen.path.startswith("/api/v1") else http(404, {"error": "Not found"})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("doctor", "--json")
    assert reaches(result)["realtime"] == "absent"
    assert result.code == 0
