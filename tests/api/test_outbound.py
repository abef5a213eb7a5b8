"""The strict writer: what leaves is checked first, in words for a person."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.account import SettingsUpdate
from mogplex_tui.api.models.runs import Harness, RunStart
from mogplex_tui.api.request_checks import idempotency_key, path_id, table_names

REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"


def test_start_request_normalises_given_fields() -> None:
    start = RunStart(repo_id=REPO.upper(), prompt="  Fix it  ")
    assert start.body() == {"repoId": REPO, "prompt": "Fix it", "harness": "codex", "createBranch": False}
    assert (
        RunStart(repo_id=REPO, prompt="x", root_directory="./apps//web/").body()["rootDirectory"]
        == "apps/web"
    )
    assert RunStart(repo_id=REPO, prompt="x", root_directory="/").body()["rootDirectory"] is None
    assert RunStart(repo_id=REPO, prompt="x", root_directory=".").body()["rootDirectory"] is None
    assert RunStart(repo_id=REPO, prompt="x", harness=Harness.CLAUDE_CODE).body()["harness"] == "claude-code"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("repo_id", "", "Choose a repository"),
        ("repo_id", "acme/api", "not a UUID"),
        ("prompt", "  ", "Write a prompt"),
        ("prompt", "x" * 100_001, "100,001 of 100,000"),
        ("prompt", "😀" * 50_001, "100,002 of 100,000"),
        ("prompt", "a\ud800b", "broken"),
        ("harness", "emacs", "codex or claude-code"),
        ("base_branch", "a b", "letters, digits"),
        ("working_branch", "HEAD", "name of its own"),
        ("working_branch", "@", "name of its own"),
        ("working_branch", "/a", "begin or end"),
        ("working_branch", "a/", "begin or end"),
        ("working_branch", "a.", "end with ."),
        ("working_branch", "a.lock", ".lock"),
        ("working_branch", "a..b", "contain"),
        ("working_branch", "a//b", "contain"),
        ("working_branch", "a@{b", "letters, digits"),
        ("root_directory", "../x", "lead out"),
        ("root_directory", "a/%2E%2e/b", "lead out"),
        ("root_directory", "a/%2e", "lead out"),
        ("root_directory", "a\0b", "NUL"),
    ],
)
def test_invalid_start_is_refused_by_client(field: str, value: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        RunStart.model_validate({"repo_id": REPO, "prompt": "x", field: value})
    assert words in str(caught.value)
    assert list(caught.value.problems) == [field]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("prompt", ["x" * 100_000, "😀" * 50_000])
def test_longest_prompt_is_accepted(prompt: str) -> None:
    assert RunStart(repo_id=REPO, prompt=prompt).prompt == prompt


@pytest.mark.parametrize("name", ["main", "mogplex/external/0b2c109e-391863c9", "a.b_c-d", "HEADS"])
def test_good_branch_names_pass(name: str) -> None:
    assert RunStart(repo_id=REPO, prompt="x", base_branch=name).base_branch == name


def test_new_branch_must_differ_from_base() -> None:
    with pytest.raises(InvalidInput, match="another name"):
        RunStart(repo_id=REPO, prompt="x", base_branch="main", working_branch="main", create_branch=True)
    assert RunStart(repo_id=REPO, prompt="x", base_branch="main", working_branch="main")


def test_unknown_and_missing_fields_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no field 'modell'"):
        RunStart(repo_id=REPO, prompt="x", modell="x")  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="prompt is required"):
        RunStart(repo_id=REPO)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "nothing to change"),
        ({"theme": "neon"}, "dark, light or system"),
        ({"default_model": " "}, "Name a model"),
    ],
)
def test_a_change_of_settings_is_checked(change: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        SettingsUpdate(**change)


def test_a_change_of_settings_is_sent_in_snake_case() -> None:
    assert SettingsUpdate(default_model="a/b").body() == {"default_model": "a/b"}


@pytest.mark.parametrize("key", ["", "   ", "x" * 201, "a\nb", "schlüssel"])
def test_invalid_idempotency_key_raises(key: str) -> None:
    with pytest.raises(InvalidInput):
        idempotency_key(key)


def test_idempotency_key_is_trimmed() -> None:
    assert idempotency_key(" " + "x" * 200 + " ") == "x" * 200


@pytest.mark.parametrize("value", ["", "junk", REPO + "0", "../" + REPO, REPO.replace("-", "/")])
def test_path_id_rejects_non_uuid(value: str) -> None:
    with pytest.raises(InvalidInput, match="not the id of a run"):
        path_id(value, "run")


@pytest.mark.parametrize("tables", [[], ["ai calls"], ["AI_CALLS"], ["a1"], [""], "ai_calls"])
def test_table_names_are_checked(tables: Any) -> None:
    with pytest.raises(InvalidInput):
        table_names(tables)


def test_table_names_come_once_and_in_order() -> None:
    assert table_names(["sandboxes", "ai_calls", "sandboxes"]) == ["ai_calls", "sandboxes"]
