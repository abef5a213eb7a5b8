"""Stored contexts, their place among the settings, and stored credentials."""

from __future__ import annotations

import errno
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mogplex_tui.config import contexts, credential_store, file_locks
from mogplex_tui.config.contexts import Context, ContextError, Contexts, contexts_file
from mogplex_tui.config.credential_store import CredentialStoreError, Grant, StoredCredential, StoredGrant
from mogplex_tui.config.file_locks import FileLock, locked
from mogplex_tui.config.paths import config_file
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import Settings, SettingsError, load, same_service
from tests.memory_keyring import MemoryKeyring, in_use

TOKEN = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"
TEAM = "8f3a2b1c-0000-4000-8000-000000000001"
URL = "http://127.0.0.1:4747"


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with in_use(MemoryKeyring()) as found:
        yield found


def store(*many: Context, use: str | None = None) -> Contexts:
    def put(known: Contexts) -> Contexts:
        for each in many:
            known = known.put(each)
        return known.use(use) if use else known

    return contexts.change(put)


def signed_in(name: str = "work", url: str = URL, **held: object) -> Context:
    record = StoredCredential(url, **(held or {"token": Secret(TOKEN)}))  # type: ignore[arg-type]
    where = credential_store.save(name, record)
    context = Context(name, url, credential_store=where, credential_kinds=record.credential_kinds)
    store(context)
    return context


# The file --------------------------------------------------------------------------------------------------------


def test_contexts_are_stored_in_a_private_file() -> None:
    full = Context("prod", "https://x.example", TEAM, True, True, "error", "keyring", ("oauth", "session"))
    stored = store(Context("local", URL), full)
    assert contexts.read() == stored
    assert list(stored.by_name) == ["local", "prod"]
    assert stored.current == "local"
    assert stat.S_IMODE(contexts_file().stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a/b"},
        {"name": ".hidden"},
        {"name": "wörk"},
        {"name": "x" * 64},
        {"name": "log"},
        {"name": "Default"},
        {"team": "acme"},
        {"colour": "#ff0000"},
    ],
)
def test_invalid_context_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ContextError):
        replace(Context("fine", URL), **wrong)  # type: ignore[arg-type]  # wrong types are the point


def test_context_names_differ_in_more_than_case() -> None:
    known = Contexts().put(Context("prod", URL))
    with pytest.raises(ContextError, match="differs only in case"):
        known.put(Context("Prod", URL))
    assert list(known.renamed("prod", "Prod").by_name) == ["Prod"]


def test_use_remove_and_rename_contexts() -> None:
    known = Contexts().put(Context("a", URL)).put(Context("b", URL)).put(Context("c", URL))
    assert (known.current, known.use("b").current) == ("a", "b")
    renamed = known.use("b").renamed("b", "z")
    assert (renamed.current, list(renamed.by_name)) == ("z", ["a", "z", "c"])
    assert known.without("a").current is None
    assert known.without("b").current == "a"
    changes: list[Callable[[], object]] = [
        lambda: known.use("q"),
        lambda: known.without("q"),
        lambda: known.renamed("a", "b"),
    ]
    for impossible in changes:
        with pytest.raises(ContextError):
            impossible()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "it is no JSON from line 1, column 2 on"),
        (" ", "it is empty"),
        ("[]", "it is no JSON object"),
        ('{"contexts": 7}', "contexts is no object"),
        ('{"contexts": {"a": []}}', "context a is no object"),
        ('{"contexts": {"a": {}}}', "context a has no base_url"),
        ('{"contexts": {"a": {"base_url": 7}}}', "base_url of context a is not text"),
        ('{"contexts": {"no name": {"base_url": "http://x"}}}', "'no name' is no name for a context"),
        ("[" * 99999, "it is no JSON that can be read"),
        (
            '{"contexts": {"a": {"base_url": "http://x", "protected": "no"}}}',
            "protected of context a is not true or false",
        ),
    ],
)
def test_damaged_contexts_file_is_reported_and_kept(text: str, fault: str) -> None:
    contexts_file().parent.mkdir(parents=True)
    contexts_file().write_text(text)
    with pytest.raises(ContextError, match=rf"contexts\.json is damaged \({fault}"):
        store(Context("a", URL))
    with pytest.raises(SettingsError, match=r"contexts\.json"):
        load({}, {})
    assert contexts_file().read_text() == text


def test_unknown_fields_of_later_versions_are_ignored() -> None:
    contexts_file().parent.mkdir(parents=True)
    contexts_file().write_text(
        '{"current": "gone", "new": 1, "contexts": {"a": {"base_url": "http://x", "new": 2}}}'
    )
    assert contexts.read() == Contexts(None, {"a": Context("a", "http://x")})


def test_concurrent_changes_are_all_kept() -> None:
    def add(number: int) -> None:
        store(Context(f"c{number}", URL))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(contexts.read().by_name) == 8


# The settings ----------------------------------------------------------------------------------------------------


def test_current_context_ranks_between_environment_and_config() -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text('base_url = "http://127.0.0.1:1"\ntheme = "light"\nread_only = true')
    store(Context("prod", URL, TEAM, protected=True, colour="error"))
    found = load({}, {})
    assert (found.context, found.context_origin) == ("prod", str(contexts_file()))
    assert (found.base_url.value, found.base_url.origin) == (URL, "context prod")
    assert (found.team.value, found.colour.value) == (TEAM, "error")
    assert (found.protected.value, found.protected.origin) == (True, "context prod")
    assert (found.theme.value, found.theme.origin) == ("light", str(config_file()))
    # A context without `read_only` does not override the config file.
    assert (found.read_only.value, found.read_only.origin) == (True, str(config_file()))
    over = load({}, {"MOGPLEX_PROTECTED": "no"})
    assert (over.protected.value, over.protected.origin) == (False, "MOGPLEX_PROTECTED")


def test_context_option_wins_over_environment() -> None:
    store(
        Context("a", "http://127.0.0.1:1"),
        Context("b", "http://127.0.0.1:2"),
        Context("c", "http://127.0.0.1:3"),
    )
    assert load({"context": "b"}, {"MOGPLEX_CONTEXT": "c"}).base_url.value == "http://127.0.0.1:2"
    named = load({}, {"MOGPLEX_CONTEXT": "c"})
    assert (named.context, named.context_origin) == ("c", "MOGPLEX_CONTEXT")
    for arguments, environ in (({"context": "q"}, {}), ({}, {"MOGPLEX_CONTEXT": "q"})):
        with pytest.raises(SettingsError, match="There are: a, b, c"):
            load(arguments, environ)


def test_context_and_other_base_url_are_refused() -> None:
    store(Context("a", URL))
    assert load({"context": "a", "base_url": URL + "/"}, {}).context == "a"
    with pytest.raises(SettingsError, match="Leave one out"):
        load({"context": "a", "base_url": "http://127.0.0.1:9"}, {})


def test_other_base_url_disables_the_current_context() -> None:
    context = signed_in()
    store(replace(context, protected=True, team=TEAM), use="work")
    found = load({}, {"MOGPLEX_BASE_URL": "http://127.0.0.1:9"})
    assert (found.context, found.token.value, found.team.value) == ("default", None, None)
    assert found.protected.value is False
    same = load({}, {"MOGPLEX_BASE_URL": URL})
    assert same.token.value == Secret(TOKEN)


def test_credential_is_not_used_for_a_changed_address() -> None:
    context = signed_in()
    store(replace(context, base_url="http://127.0.0.1:9"))
    assert load({}, {}).token.value is None


def test_environment_credential_wins_over_stored_one() -> None:
    signed_in(token=Secret(TOKEN), session_cookie=Secret("s=stored"))
    found = load({}, {"MOGPLEX_TOKEN": "mog_other"})
    assert (found.token.origin, found.token.value) == ("MOGPLEX_TOKEN", Secret("mog_other"))
    assert found.session_cookie.value == Secret("s=stored")
    assert found.session_cookie.origin == f"context work ({credential_store.credentials_file('work')})"


def test_grant_is_loaded_only_with_its_own_token() -> None:
    grant = Grant(Secret("a" * 32), 1.0, Secret("r" * 32), "read")
    signed_in(grant=grant)
    assert load({}, {}).grant == grant
    assert load({}, {"MOGPLEX_TOKEN": "mog_x"}).grant is None


def test_embedded_plane_uses_no_context() -> None:
    signed_in()
    found = load({}, {}, contexts=False)
    assert (found.context, found.base_url.value, found.token.value) == ("default", None, None)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://Mogplex.com", "https://mogplex.com:443/", True),
        ("http://127.0.0.1", "http://127.0.0.1:80", True),
        ("http://mogplex.com", "https://mogplex.com", False),
        ("https://mogplex.com", "https://mogplex.com.evil.example", False),
        ("https://mogplex.com/a", "https://mogplex.com/b", False),
        ("http://[", "http://[", False),
    ],
)
def test_same_service_compares_addresses(one: str, other: str, same: bool) -> None:
    assert same_service(one, other) is same


# Credentials -----------------------------------------------------------------------------------------------------

WHOLE = StoredCredential(
    URL, None, Grant(Secret("a" * 32), 1234.5, Secret("r" * 32), "read write"), Secret("s=cookie")
)


def test_credentials_without_keyring_are_in_a_private_file() -> None:
    assert credential_store.save("work", WHOLE) == credential_store.FILE
    path = credential_store.credentials_file("work")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert credential_store.load("work", credential_store.FILE) == WHOLE
    credential_store.remove("work")
    assert credential_store.load("work", credential_store.FILE) is None


def test_credentials_move_from_file_to_keyring(ring: MemoryKeyring) -> None:
    credential_store.save("work", WHOLE, where=credential_store.FILE)
    assert credential_store.save("work", WHOLE) == credential_store.KEYRING
    assert list(ring.kept) == [("mogplex-tui", "work")]
    assert not credential_store.credentials_file("work").exists()
    assert credential_store.load("work", credential_store.KEYRING) == WHOLE
    credential_store.remove("work")
    assert ring.kept == {}


def test_keyring_that_truncates_is_not_used(ring: MemoryKeyring) -> None:
    ring.longest = 20
    assert credential_store.save("work", WHOLE) == credential_store.FILE
    assert ring.kept == {}
    with pytest.raises(CredentialStoreError):
        credential_store.save("work", WHOLE, where=credential_store.KEYRING)


def test_locked_keyring_is_reported_without_a_secret(ring: MemoryKeyring) -> None:
    signed_in()
    ring.locked = True
    with pytest.raises(SettingsError, match="keyring") as caught:
        load({}, {})
    assert TOKEN not in str(caught.value)
    # With credentials from the environment the keyring is not read.
    assert load({}, {"MOGPLEX_TOKEN": "mog_x", "MOGPLEX_SESSION_COOKIE": "a=b"}).token.value == Secret(
        "mog_x"
    )


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", '{"token": "mog_x"}', '{"base_url": "x", "grant": {"access": 7}}']
)
def test_damaged_credential_is_reported_without_quoting_it(text: str) -> None:
    path = credential_store.credentials_file("work")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(CredentialStoreError, match="Sign in again") as caught:
        credential_store.load("work", credential_store.FILE)
    assert "mog_x" not in str(caught.value)


def test_renewed_grant_replaces_only_the_grant() -> None:
    credential_store.save("work", WHOLE)
    store_ = StoredGrant("work", credential_store.FILE)
    new = Grant(Secret("b" * 32), 9.0, Secret("q" * 32), "read write")
    store_.save(new)
    assert credential_store.load("work", credential_store.FILE) == replace(WHOLE, grant=new)
    credential_store.remove("work")
    store_.save(new)
    assert credential_store.load("work", credential_store.FILE) is None


def test_stored_credential_never_prints_a_secret() -> None:
    for secret in ("a" * 32, "r" * 32, "s=cookie"):
        assert secret not in f"{WHOLE!r}{WHOLE}{[WHOLE]}"


def test_lock_is_skipped_where_the_disk_has_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_locks, "_lock", none)
    with locked(tmp_path / "lock", 0.0):
        pass


def test_file_lock_is_exclusive(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    one, other = FileLock(path), FileLock(path)
    assert one.try_acquire() and not other.try_acquire() and not one.try_acquire()
    with pytest.raises(TimeoutError), locked(path, 0.0):
        pass
    one.release()
    assert other.try_acquire()
    other.release()
    with locked(path):
        pass


def test_keyring_library_is_loaded_only_when_used() -> None:
    signed_in()
    code = (
        "import sys\nfrom mogplex_tui.config.settings import load\n"
        "load({}, contexts=False)\nbefore = 'mogplex_tui.config.contexts' in sys.modules\n"
        "assert load({}).token.value\nprint(before, 'keyring' in sys.modules, 'mogplex_tui.api' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False"]


def test_settings_show_no_stored_secret() -> None:
    signed_in(grant=WHOLE.grant, session_cookie=WHOLE.session_cookie)
    found: Settings = load({}, {})
    assert found.grant is not None
    assert all(secret not in repr(found) for secret in ("a" * 32, "r" * 32, "s=cookie"))
