from __future__ import annotations

import logging
import pickle

import pytest

from mogplex_tui.api.errors import InsecureTarget, InvalidTarget
from mogplex_tui.api.safe_text import visible
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.api.support import COOKIE, TOKEN


def test_secret_is_not_in_repr(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(TOKEN)
    logging.getLogger("x").warning("%s %r", secret, secret)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>40}", caplog.text]
    shown.append(repr(Target("t", "https://h.example", secret, Secret(COOKIE))))
    assert not any(TOKEN in text or "s3ss10n" in text for text in shown)
    assert secret.reveal() == TOKEN
    assert secret == Secret(Secret(TOKEN)) and secret != Secret("other") and secret != TOKEN
    assert len({secret, Secret(TOKEN)}) == 1
    assert not Secret("")
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://mogplex.com/", "https://mogplex.com"),
        ("HTTPS://Mogplex.com", "https://Mogplex.com"),
        (" https://h.example/base// ", "https://h.example/base"),
        ("http://127.0.0.1:8787/", "http://127.0.0.1:8787"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_valid_url_loses_trailing_slash(written: str, kept: str) -> None:
    assert Target("t", written).base_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://mogplex.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example",
        "http://0.0.0.0",
    ],
)
def test_plain_http_is_for_loopback(url: str) -> None:
    with pytest.raises(InsecureTarget, match="https"):
        Target("t", url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mogplex.com",
        "ftp://mogplex.com",
        "https://",
        "https://h:port",
        "https://user:pw@h.example",
        "https://h.example/?x=1",
        "https://h.example/#x",
        "https://h.exa mple",
        "https://h.example/a\tb",
        "https://[::1",
    ],
)
def test_bad_addresses_are_refused_in_words(url: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        Target("t", url)
    assert str(caught.value).endswith(".")
    assert "pw" not in str(caught.value)


def test_www_host_is_refused_with_working_url() -> None:
    with pytest.raises(InvalidTarget, match=r"Use https://mogplex\.com"):
        Target("t", "https://www.mogplex.com")


@pytest.mark.parametrize("token", ["mog_a\nX: y", "mog_ä", "mog_\x00"])
def test_invalid_token_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        Target("t", "https://h.example", Secret(token))
    assert "mog_" not in str(caught.value)


def test_credentials_are_trimmed_and_empty_ones_are_none() -> None:
    target = Target("t", "https://h.example", Secret(f" {TOKEN}\n"), Secret("  "))
    assert target.token == Secret(TOKEN)
    assert target.session_cookie is None


def test_a_cookie_needs_its_name() -> None:
    with pytest.raises(InvalidTarget, match="name=value"):
        Target("t", "https://h.example", None, Secret("abcdef"))


@pytest.mark.parametrize(
    ("token", "limited"), [(TOKEN, True), ("abcdefghijklmnopqrstuvwxyzabcdef", False), (None, False)]
)
def test_only_personal_tokens_have_the_request_limit(token: str | None, limited: bool) -> None:
    assert Target("t", "https://h.example", Secret(token) if token else None).token_is_limited is limited


def test_scrub_removes_exactly_this_context_s_credentials() -> None:
    target = Target("t", "https://h.example", Secret("opaqueoauthtoken"), Secret(COOKIE))
    text = target.scrub("bad opaqueoauthtoken and s3ss10nvalue0123456789 here")
    assert (
        "opaque" not in text and "s3ss10n" not in text and text.startswith("bad ") and text.endswith(" here")
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\t c", "a b c"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x9b31m", "\\u009b31m"),
        ("\u202eevil", "\\u202eevil"),
        ("del\x7f", "del␡"),
        (f"token {TOKEN}", "token ••••"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ••••"),
        ("ghp_abcdefgh123", "••••"),
    ],
)
def test_server_text_is_made_harmless(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_long_server_text_is_cut() -> None:
    assert visible("x" * 1000, 10) == "x" * 9 + "…"
