"""Secrets in events are redacted, and nothing else is changed (v1.md §8.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.live import redact
from mogplex_tui.live.redact import REDACTED

WHOLE = [
    "env",
    "environment",
    "envVars",
    "runtime_env",
    "RUNTIME-ENVIRONMENT",
    "github_token",
    "ghToken",
    "ai_billing_source",
    "mogplexAiBillingSource",
]
PART = [
    "Authorization",
    "api_key",
    "api-key",
    "APIKEY",
    "token",
    "my_token",
    "secret",
    "clientSecret",
    "client_secret",
    "password",
    "PASSWORD_2",
    "set-cookie",
    "credential",
    "credentials",
    "access_token",
    "refresh_token",
    "session",
    "session_id",
    "jwt",
]


@pytest.mark.parametrize("value", ["plain", {"deep": 1}, ["x"]])
def test_values_of_secret_keys_are_redacted_at_any_depth(value: Any) -> None:
    for key in [*WHOLE, *PART]:
        found = redact.payload({"a": [{"b": {key: value, "kept": "kept"}}]})
        assert found == {"a": [{"b": {key: REDACTED, "kept": "kept"}}]}, key


@pytest.mark.parametrize(
    "key", ["environments", "my_env", "billing_source", "path", "tool_call_id", "keyboard"]
)
def test_values_of_other_keys_are_kept(key: str) -> None:
    assert redact.payload({key: "value"}) == {key: "value"}


@pytest.mark.parametrize("key", [*WHOLE, *PART, "input_tokens"])
@pytest.mark.parametrize("value", [None, True, False])
def test_null_and_booleans_are_kept(key: str, value: bool | None) -> None:
    given = {"a": [{key: value}], "output": json.dumps({key: value})}
    assert redact.payload(given) == given
    assert json.loads(redact.redacted_json(given)) == given


@pytest.mark.parametrize(
    "key",
    [
        "total_tokens",
        "input_tokens",
        "inputTokens",
        "tokens",
        "tokens_today",
        "autoCompactTokenLimit",
        "session_count",
        "tokenCount",
        "token_count",
    ],
)
def test_token_counts_are_kept(key: str) -> None:
    assert redact.payload({key: 48213}) == {key: 48213}
    assert redact.payload({key: "48213"}) == {key: REDACTED}


@pytest.mark.parametrize("key", ["token", "auth_token", "password", "session_account", "secret"])
def test_numbers_of_secret_keys_are_redacted(key: str) -> None:
    assert redact.payload({key: 482130}) == {key: REDACTED}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("curl -H 'Authorization: Bearer abc.def-1'", f"curl -H 'Authorization: Bearer {REDACTED}'"),
        ("https://x-access-token:ghs_abc@github.com/a", f"https://x-access-token:{REDACTED}@github.com/a"),
        *((f"key gh{letter}_A1b2_c3 end", f"key {REDACTED} end") for letter in "oprsu"),
        ("github_pat_11AB_cd", REDACTED),
        ("sk-abcdefgh1", REDACTED),
        ("OPENAI=sk-proj-abcdefgh", f"OPENAI={REDACTED}"),
        ("sb_secret_abc123", REDACTED),
        ("use mog_Q2xv9TbYk0LmWc7ReHs4DpZa now", f"use {REDACTED} now"),
        # Truncated JSON does not parse; here escapes directly precede the secrets.
        ('{"log":"a\\nghp_abc123\\nsk-abcdefgh\\nBearer xyz\\nmog_abcdefgh1', None),
    ],
)
def test_credentials_in_texts_are_redacted(given: str, shown: str | None) -> None:
    found = redact.text(given)
    if shown is not None:
        assert found == shown
    for secret in ("abc123", "abcdefgh", "xyz", "abc.def-1", "A1b2", "Q2xv9"):
        assert secret not in found
    assert redact.text(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "fix/task-management-page",
        "risk-assessment",
        "mog_Q2xv9TbY, the display prefix of an API key",
        "disk-utilities",
        "sk-short",
        "Bearer",
        "gh_pages",
        "",
        "mogplex",
    ],
)
def test_harmless_texts_are_kept(text: str) -> None:
    assert redact.text(text) == text
    assert redact.payload({"a": text}) == {"a": text}


@pytest.mark.parametrize("lead", ["", "\n  "])
def test_json_inside_a_text_is_redacted(lead: str) -> None:
    inside = json.dumps({"password": "hunter2", "path": "a.py", "deep": json.dumps({"jwt": "eyJ", "n": 1})})
    cleaned: Any = redact.payload({"output": lead + inside})
    found = json.loads(cleaned["output"])
    assert found["password"] == REDACTED
    assert found["path"] == "a.py"
    assert json.loads(found["deep"]) == {"jwt": REDACTED, "n": 1}


def test_json_without_secrets_keeps_its_spelling() -> None:
    text = '[1,   2,\n 3.10, {"a":"\\u00e9"}]'
    assert redact.payload({"output": text}) == {"output": text}


def test_duplicate_json_key_hides_no_secret() -> None:
    assert "hunter2" not in str(redact.payload('{"tokens": "hunter2", "tokens": 5}'))


def test_long_json_text_is_redacted() -> None:
    # A compaction log may hold 120,000 characters.
    text = json.dumps({"filler": "x" * 119_000, "password": "hunter2"})
    assert "hunter2" not in str(redact.payload({"checkpoint": text}))


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a":' * 50_000, "[1, 2", "{not json}"])
def test_text_that_only_begins_like_json_is_kept(text: str) -> None:
    assert redact.payload({"output": text}) == {"output": text}


def test_deep_nesting_is_cut_off() -> None:
    value: Any = {"password": "hunter2"}
    for _ in range(400):
        value = [value]
    found = json.dumps(redact.payload(value))
    assert redact.TOO_DEEP in found
    assert "hunter2" not in found


SAFE_TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20).filter(
    lambda text: redact.text(text) == text and not text.lstrip().startswith(("{", "["))
)
SAFE_KEY = st.sampled_from(["path", "command", "exit_code", "name", "x", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SAFE_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SAFE_KEY, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_payload_without_secrets_is_unchanged(value: Any) -> None:
    assert redact.payload(value) == value
    text = json.dumps(value)
    assert redact.payload({"output": text}) == {"output": text}


ANY_KEY = st.sampled_from([*WHOLE, *PART, "e-n-v", "gh.to.ken", "total_tokens", "path", "x"])
ANY_TEXT = st.sampled_from(
    ["Bearer abc", "use ghp_abc123 now", "sk-abcdefgh1", "plain", "\ud800", "task-abcdefgh", "é\n"]
)
HOSTILE = st.recursive(
    ANY_TEXT | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(ANY_KEY, inner, max_size=3) | inner.map(json.dumps)
    ),
    max_leaves=12,
)


@given(HOSTILE)
def test_packed_form_redacts_the_same(value: Any) -> None:
    assert json.loads(redact.redacted_json(value)) == redact.payload(value)


def test_packed_form_cuts_deep_nesting() -> None:
    value: Any = {"password": "hunter2"}
    for _ in range(5000):
        value = [value]
    assert b"hunter2" not in redact.redacted_json(value)
    assert len(redact.redacted_json(value)) < 1000
