"""A command made from a kind's declaration: `mcp-servers`."""

from __future__ import annotations

import csv
import re

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.credential_sets import CREDENTIAL_SETS, UseCredentials
from tests.cli.support import CommandRunner


async def _server(plane: PlaneServer, name: str, **fields: object) -> str:
    import httpx

    body = {"name": name, "transport": "stdio", "command": "npx", "args": ["-y", name], **fields}
    async with httpx.AsyncClient(base_url=plane.base_url, headers={"cookie": plane.session_cookie}) as client:
        answer = await client.post("/api/mcp-servers", json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["server"]["id"])


async def test_list_has_names_in_tables_and_service_fields_in_json(
    operator: CommandRunner, plane: PlaneServer
) -> None:
    runbooks = await _server(
        plane, "runbooks", transport="http", command=None, url="https://runbooks.acme.dev/?key=very-secret"
    )
    files = await _server(plane, "files", enabled=False)
    result = await operator("mcp-servers", "list")
    assert result.code == 0
    assert [line.split() for line in result.lines] == [
        ["ID", "ON", "SERVER", "TRANSPORT", "ADDRESS", "SECRETS", "AGE"],
        [files[:8], "·", "off", "files", "stdio", "npx", "-y", "files", "–", "0s"],
        [runbooks[:8], "✓", "on", "runbooks", "http", "https://runbooks.acme.dev", "–", "0s"],
    ]
    rows = list(csv.DictReader((await operator("mcp-servers", "list", "-o", "csv", "via:http")).lines))
    assert [(row["id"], row["transport"], row["enabled"]) for row in rows] == [(runbooks, "http", "yes")]
    assert rows[0]["updated_at"].endswith("Z")
    listed = await operator("mcp-servers", "list", "--json", "--sort", "SERVER", "--reverse")
    assert [each["name"] for each in listed.objects] == ["runbooks", "files"]
    assert "very-secret" not in listed.out
    limited = await operator("mcp-servers", "list", "--limit", "1")
    assert len(limited.lines) == 2
    assert "Listed: 1 of 2" in limited.err


async def test_empty_result_succeeds_and_unknown_field_fails(
    operator: CommandRunner, plane: PlaneServer
) -> None:
    await _server(plane, "files")
    empty = await operator("mcp-servers", "list", "zzz")
    assert (empty.code, empty.out, empty.err.strip()) == (0, "", "No matching MCP servers.")
    unknown = await operator("mcp-servers", "list", "colour:red")
    assert unknown.code == 2
    assert "Unknown field 'colour'. Available: address, age, enabled, id" in unknown.err


async def test_action_takes_id_name_or_prefix(operator: CommandRunner, plane: PlaneServer) -> None:
    files, runbooks = await _server(plane, "files"), await _server(plane, "runbooks")
    off = await operator("mcp-servers", "disable", files[:8], "Runbooks")
    assert (off.code, off.lines) == (0, [files, runbooks])
    assert "MCP server files is disabled." in off.err
    repeated = await operator("mcp-servers", "disable", "files")
    assert repeated.code == 1
    assert "files: It is already disabled." in repeated.err
    on = await operator("mcp-servers", "enable", "file", "--json")
    assert on.only_object == {"object": "MCP server", "id": files, "action": "enable"}
    shown = await operator("mcp-servers", "get", "files", "--json")
    assert (shown.only_object["id"], shown.only_object["enabled"]) == (files, True)


async def test_json_of_provider_without_key_has_all_fields(operator: CommandRunner) -> None:
    result = await operator("provider-keys", "list", "--json")
    assert result.code == 0
    assert result.objects
    assert all(row["provider"] and row["is_stored"] is False for row in result.objects)


async def test_revoking_key_in_use_warns(operator: CommandRunner, plane: PlaneServer) -> None:
    key = plane.plane.db.value("SELECT id FROM user_api_keys WHERE token_prefix = ?", (plane.token[:12],))
    result = await operator("api-keys", "revoke", str(key), stdin="n\n", terminal=True)
    assert result.code == 1
    assert "loses its access too." in " ".join(result.err.split())
    assert "Nothing was done" in result.err


async def test_new_token_is_not_cut_on_narrow_terminal(
    operator: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    result = await operator("api-keys", "create", "ci", "--reveal", terminal=True)
    assert result.code == 0
    assert re.fullmatch(r"mog_\w{24,}", result.out.strip())


async def test_delete_asks_for_confirmation(operator: CommandRunner, plane: PlaneServer) -> None:
    files = await _server(plane, "files")
    unasked = await operator("mcp-servers", "delete", "files")
    assert unasked.code == 2
    assert "Use --yes to delete" in unasked.err
    deleted = await operator("mcp-servers", "delete", "files", "--yes")
    assert (deleted.code, deleted.lines) == (0, [files])
    after = await operator("mcp-servers", "list")
    assert (after.code, after.out, after.err.strip()) == (0, "", "There are no MCP servers.")


@pytest.mark.parametrize("verb", ["get", "disable"])
async def test_unknown_or_ambiguous_name_is_refused(
    operator: CommandRunner, plane: PlaneServer, verb: str
) -> None:
    ids = [await _server(plane, "runbooks one"), await _server(plane, "runbooks two")]
    several = await operator("mcp-servers", verb, "runb")
    assert several.code == 2
    assert all(each in several.err for each in ids)
    none = await operator("mcp-servers", verb, "nowhere")
    assert none.code == 1
    assert "There is no MCP server 'nowhere'" in none.err
    assert (await operator("mcp-servers", verb, " ")).code == 2


async def test_token_on_hosted_service_lists_and_changes_nothing(
    use_credentials: UseCredentials, plane: PlaneServer
) -> None:
    await _server(plane, "files")
    mogplex = use_credentials(CREDENTIAL_SETS["token"])
    listed = await mogplex("mcp-servers", "list")
    assert listed.code == 0
    assert "files" in listed.out
    refused = await mogplex("mcp-servers", "disable", "files")
    assert refused.code == 3
    assert "mogplex-tui login --session opens it." in refused.err
    assert refused.out == ""


async def test_creation_takes_options_and_prints_secret_once(
    operator: CommandRunner, plane: PlaneServer
) -> None:
    result = await operator("api-keys", "create", "ci", "--scopes", "read", "--days", "90", "--reveal")
    assert result.code == 0, result.err
    (token,) = result.lines
    assert token.startswith("mog_")
    assert "API key ci is created." in result.err
    row = plane.plane.db.only("SELECT * FROM user_api_keys WHERE name = 'ci'")
    assert "write" not in row["scopes"]
    assert row["expires_at"] is not None
    listed = await operator("api-keys", "list", "--json")
    assert token not in listed.out
    assert "ci" in {each["name"] for each in listed.objects}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ci"], "add --reveal"),
        ([" ", "--reveal"], "name: The name must have 1 to 100 characters."),
        (["ci", "--days", "soon", "--reveal"], "days: Enter 1 to 36500 days"),
        (["ci", "--scopes", "admin", "--reveal"], "invalid choice: 'admin'"),
    ],
    ids=["no reveal", "no name", "days", "scopes"],
)
async def test_invalid_creation_is_refused_before_a_request(
    operator: CommandRunner, plane: PlaneServer, words: list[str], message: str
) -> None:
    before = plane.plane.db.all("SELECT id FROM user_api_keys")
    result = await operator("api-keys", "create", *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert plane.plane.db.all("SELECT id FROM user_api_keys") == before


async def test_filter_takes_hidden_fields(operator: CommandRunner) -> None:
    found = await operator("failures", "list", "jobrunid:00000000")
    assert (found.code, found.out, found.err) == (0, "", "No matching failures.\n")
    unknown = await operator("failures", "list", "jobruns:x")
    assert unknown.code == 2
    assert "Unknown field 'jobruns'" in unknown.err
    assert "jobrunid" in unknown.err
