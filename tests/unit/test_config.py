"""Settings and their origins, private files, and secrets."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.config import paths, settings
from mogplex_tui.config.paths import state_dir, write_private
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import SettingsError, load

TOKEN = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.mark.parametrize(
    ("argument", "environ", "stored", "value", "origin"),
    [
        (
            "http://a",
            {"MOGPLEX_BASE_URL": "http://b", "MOGPLEX_URL": "http://c"},
            "http://d",
            "http://a",
            "the command line",
        ),
        (
            None,
            {"MOGPLEX_BASE_URL": "http://b", "MOGPLEX_URL": "http://c"},
            "http://d",
            "http://b",
            "MOGPLEX_BASE_URL",
        ),
        (
            None,
            {"MOGPLEX_BASE_URL": "  ", "MOGPLEX_URL": " http://c "},
            "http://d",
            "http://c",
            "MOGPLEX_URL",
        ),
        (None, {}, "http://d", "http://d", "config.toml"),
        (None, {}, None, None, "default"),
    ],
)
def test_base_url_by_precedence(
    file: Path,
    argument: str | None,
    environ: dict[str, str],
    stored: str | None,
    value: str | None,
    origin: str,
) -> None:
    if stored:
        file.write_text(f'base_url = "{stored}"')
    found = load({"base_url": argument}, environ, file).base_url
    assert found.value == value
    assert found.origin.endswith(origin)


@pytest.mark.parametrize(
    ("argument", "environ", "stored", "value", "origin"),
    [
        (True, {"MOGPLEX_READ_ONLY": "0"}, "false", True, "the command line"),
        (False, {"MOGPLEX_READ_ONLY": "1"}, "true", False, "the command line"),
        (None, {"MOGPLEX_READ_ONLY": "Yes"}, "false", True, "MOGPLEX_READ_ONLY"),
        (None, {"MOGPLEX_READ_ONLY": "off"}, "true", False, "MOGPLEX_READ_ONLY"),
        (None, {"MOGPLEX_READ_ONLY": ""}, "true", True, "config.toml"),
        (None, {}, '"on"', True, "config.toml"),
        (None, {}, None, False, "default"),
    ],
)
def test_read_only_by_precedence(
    file: Path, argument: bool | None, environ: dict[str, str], stored: str | None, value: bool, origin: str
) -> None:
    if stored:
        file.write_text(f"read_only = {stored}")
    found = load({"read_only": argument}, environ, file).read_only
    assert found.value is value
    assert found.origin.endswith(origin)


@pytest.mark.parametrize(
    ("environ", "stored", "value", "origin"),
    [
        ({}, None, 64, "default"),
        ({}, "128", 128, "config.toml"),
        ({"MOGPLEX_MAX_ANSWER_MB": " 8 "}, "128", 8, "MOGPLEX_MAX_ANSWER_MB"),
    ],
    ids=["default", "file", "environment"],
)
def test_max_answer_by_precedence(
    file: Path, environ: dict[str, str], stored: str | None, value: int, origin: str
) -> None:
    if stored:
        file.write_text(f"max_answer_mb = {stored}")
    found = load({}, environ, file).max_answer_mb
    assert found.value == value
    assert found.origin.endswith(origin)


@pytest.mark.parametrize("stored", ["0", "-1", "5000", "1.5", "true", '"much"', "99999999999999999999"])
def test_max_answer_outside_its_range_is_refused(file: Path, stored: str) -> None:
    file.write_text(f"max_answer_mb = {stored}")
    with pytest.raises(SettingsError, match=r"max_answer_mb from .* must be a whole number from 1 to 4096"):
        load({}, {}, file)


def test_credentials_are_read_from_environment_only(file: Path) -> None:
    file.write_text(f'token = "{TOKEN}"\nsession_cookie = "a=b"')
    found = load({}, {}, file)
    assert (found.token.value, found.session_cookie.value) == (None, None)
    found = load({}, {"MOGPLEX_API_KEY": f" {TOKEN}\n", "MOGPLEX_SESSION_COOKIE": "a=b"}, file)
    assert found.token.value is not None
    assert (found.token.value.reveal(), found.token.origin) == (TOKEN, "MOGPLEX_API_KEY")
    assert found.session_cookie.value == Secret("a=b")
    found = load({}, {"MOGPLEX_TOKEN": TOKEN, "MOGPLEX_API_KEY": "mog_other"}, file)
    assert found.token.origin == "MOGPLEX_TOKEN"


def test_settings_never_print_credentials(file: Path) -> None:
    found = load({}, {"MOGPLEX_TOKEN": TOKEN, "MOGPLEX_SESSION_COOKIE": f"s={TOKEN}"}, file)
    for text in (
        repr(found),
        str(found),
        repr(found.token),
        f"{found.token.value}",
        f"{found.token.value:>40}",
    ):
        assert TOKEN not in text
    assert "••••" in repr(found.token)


@pytest.mark.parametrize(
    ("environ", "text", "words"),
    [
        (
            {"MOGPLEX_READ_ONLY": "perhaps"},
            "",
            ["read_only", "MOGPLEX_READ_ONLY", "true or false", "perhaps"],
        ),
        ({}, "read_only = 7", ["read_only", "config.toml", "true or false"]),
        ({}, "theme = 7", ["theme", "config.toml", "text"]),
        ({}, "theme = ", ["config.toml", "could not be read", "Fix it"]),
    ],
)
def test_invalid_setting_is_named_with_its_origin(
    file: Path, environ: dict[str, str], text: str, words: list[str]
) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load({}, environ, file)
    assert all(word in str(caught.value) for word in words)


def test_binary_config_file_is_reported(file: Path) -> None:
    file.write_bytes(b'theme = "\xff\xfe"')
    with pytest.raises(SettingsError, match="could not be read"):
        load({}, {}, file)


def test_token_of_wrong_type_is_refused_without_quoting_it(file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"token": 1234567890}, {}, file)
    assert "1234567890" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "environ", "name"),
    [
        ("demo", {"MOGPLEX_CONTEXT": "work"}, "demo"),
        (None, {"MOGPLEX_CONTEXT": " work ", "MOGPLEX_BASE_URL": "http://127.0.0.1:9"}, "work"),
        (None, {"MOGPLEX_CONTEXT": " "}, "default"),
        (None, {}, "default"),
    ],
)
def test_context_name_by_precedence(
    file: Path, given: str | None, environ: dict[str, str], name: str
) -> None:
    assert load({}, environ, file, context=given).context == name


def test_load_uses_process_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOGPLEX_THEME", "light")
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text("ascii = true")
    found = load()
    assert (found.theme.value, found.ascii.value) == ("light", True)
    assert found.ascii.origin == str(paths.config_file())


def test_private_file_is_replaced_with_owner_permissions(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deeper" / "state.json"
    write_private(path, "first")
    path.chmod(0o644)
    write_private(path, "zweite – Fassung")
    assert path.read_text(encoding="utf-8") == "zweite – Fassung"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "alone" / "state.json"
    write_private(path, "old")

    def broken(self: Path, target: Path) -> Path:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", broken)
        with pytest.raises(OSError, match="no"):
            write_private(path, "new")
    assert path.read_text() == "old"
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]


def test_file_is_replaced_only_when_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    write_private(path, "old")
    seen: list[tuple[str, str, int]] = []
    plain = Path.replace

    def watched(self: Path, target: Path) -> Path:
        seen.append((Path(target).read_text(), self.read_text(), stat.S_IMODE(self.stat().st_mode)))
        return plain(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_private(path, "new")
    assert seen == [("old", "new", 0o600)]


@pytest.mark.parametrize(
    "name", ["..", ".", "../../etc", "a/b", "", "/", ".hidden", "127.0.0.1:8787", "wörk"]
)
def test_state_directory_of_any_context_name_is_contained(name: str) -> None:
    root = state_dir("x").parent
    found = state_dir(name)
    assert found.parent == root
    assert found.resolve().parent == root.resolve()
    assert not found.name.startswith(".")


def test_contexts_have_separate_state_directories() -> None:
    assert len({state_dir("a"), state_dir("b"), state_dir("a.b")}) == 3


def test_secret_cannot_be_printed_pickled_or_copied() -> None:
    import copy
    import pickle

    secret = Secret(Secret(TOKEN))
    assert secret.reveal() == TOKEN
    assert bool(secret)
    assert not Secret("")
    assert secret == Secret(TOKEN)
    assert secret != Secret("other")
    assert secret != TOKEN
    assert len({secret, Secret(TOKEN)}) == 1
    holder: list[Any] = [secret]
    assert TOKEN not in f"{secret!r}{secret!s}{holder}{[secret]:}"
    for keep in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            keep(secret)


def test_every_setting_has_an_origin(file: Path) -> None:
    found = load({}, {}, file)
    for key in settings._TABLE:
        assert getattr(found, key).origin == "default"


def test_key_overrides_are_read_from_any_toml_form(file: Path) -> None:
    assert load({}, {}, file).keys == ({}, "default")
    file.write_text('[keys]\nruns.cancel = "X"\n"runs.new" = ["n", "c"]\n[keys.go]\nruns = "f1"\n')
    found = load({}, {}, file).keys
    assert found.value == {"runs.cancel": "X", "runs.new": ["n", "c"], "go.runs": "f1"}
    assert found.origin == str(file)
    file.write_text('keys = "x"')
    with pytest.raises(SettingsError, match=r"keys from .*config\.toml must be a table"):
        load({}, {}, file)
