"""Store credentials in the system's keyring or, without one, in a private file.

For each context one record is stored. It holds a token or a pair of OAuth tokens, a session
cookie, and the address of the service (auth.md §9). The credentials are never sent to another
address.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mogplex_tui.config.contexts import contexts_file
from mogplex_tui.config.file_locks import FileLock
from mogplex_tui.config.paths import APP, SMALL_FILE, read_regular, write_private
from mogplex_tui.config.secret import Secret

KEYRING = "keyring"
FILE = "file"


class CredentialStoreError(Exception):
    """Raised if the keyring or the file fails; the message contains no credential."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The OAuth tokens of a browser sign-in, with their expiry and scope.

    `expires_at` is the time in Unix seconds at which the access token expires.
    """

    access: Secret
    expires_at: float
    refresh: Secret | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """The stored credentials of one context, with the address of their service.

    `token` is a personal access token; `grant` holds the OAuth tokens of a browser sign-in.
    """

    base_url: str
    token: Secret | None = None
    grant: Grant | None = None
    session_cookie: Secret | None = None

    @property
    def credential_kinds(self) -> tuple[str, ...]:
        """The kinds of the stored credentials, out of `token`, `oauth` and `session`."""
        kinds = (("token", self.token), ("oauth", self.grant), ("session", self.session_cookie))
        return tuple(kind for kind, held in kinds if held)


def credentials_file(name: str) -> Path:
    """Return the path of the file that stores a context's credentials.

    The file is used if the system has no keyring.
    """
    return contexts_file().parent / "credentials" / f"{name}.json"


def lock_file(name: str) -> Path:
    """Return the path of the file that a process locks while it renews OAuth tokens."""
    return credentials_file(name).with_suffix(".lock")


def keyring_name() -> str | None:
    """Return the name of the system's keyring, or None if there is no secure one."""
    try:
        import keyring
        from keyring.core import recommended

        backend = keyring.get_keyring()
        # Backends below this priority store nothing or store it in plain text.
        return str(backend.name) if recommended(backend) else None
    except Exception:
        # Backends raise arbitrary exceptions: then there is no keyring.
        return None


def save(name: str, record: StoredCredential, *, where: str | None = None) -> str:
    """Store the credentials of the context `name`; return KEYRING or FILE.

    `where` is the place to store them in: KEYRING, FILE, or None for the keyring if it works and
    for the file if not. Raises CredentialStoreError if the credentials cannot be stored.
    """
    text = json.dumps(_plain(record))
    if where != FILE and _into_keyring(name, text):
        credentials_file(name).unlink(missing_ok=True)
        return KEYRING
    if where == KEYRING:
        raise CredentialStoreError(f"The system keyring does not take the credentials of {name}.")
    try:
        write_private(credentials_file(name), text + "\n")
    except OSError as error:
        raise CredentialStoreError(f"The credentials of {name} could not be kept: {error}.") from None
    return FILE


def load(name: str, where: str) -> StoredCredential | None:
    """Return the credentials of the context `name`, or None if none are stored.

    `where` is the place to read them from, KEYRING or FILE. Raises CredentialStoreError if the
    credentials cannot be read.
    """
    text: str | None
    if where == KEYRING:
        try:
            import keyring

            text = keyring.get_password(APP, name)
        except Exception as error:
            raise CredentialStoreError(
                f"The system keyring does not give the credentials of {name} ({type(error).__name__}). Unlock it, "
                "or sign in again."
            ) from None
    else:
        try:
            text = read_regular(credentials_file(name), SMALL_FILE)
        except FileNotFoundError:
            text = None
        except (OSError, UnicodeDecodeError):
            raise CredentialStoreError(
                f"{credentials_file(name)} could not be read. Sign in again."
            ) from None
    if text is None:
        return None
    try:
        return _record(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise CredentialStoreError(f"The stored credentials of {name} are damaged. Sign in again.") from None


def remove(name: str, where: str | None = None) -> None:
    """Remove the credentials of the context `name` from the keyring and from the file.

    `where` is KEYRING or FILE, where they were stored, or None if this is not known. Raises
    CredentialStoreError if the credentials cannot be removed.
    """
    works = keyring_name() is not None
    if (not works or not _out_of_keyring(name)) and where == KEYRING:
        raise CredentialStoreError(
            f"The credentials of {name} stay in the system keyring, which does not let go of them here. Unlock it, or "
            "do the same in the session that signed in."
        )
    try:
        credentials_file(name).unlink(missing_ok=True)
    except OSError as error:
        raise CredentialStoreError(f"{credentials_file(name)} could not be removed: {error}.") from None


class StoredGrant:
    """Loads, replaces and locks the stored OAuth tokens of one context.

    Other stored credentials of the context are not changed.
    """

    def __init__(self, name: str, where: str) -> None:
        self._name, self._where = name, where
        self._lock = FileLock(lock_file(name))

    def try_lock(self) -> bool:
        """Take the lock for renewing the tokens; return False if it is already taken.

        If the lock file cannot be created, return True without a lock.
        """
        try:
            return self._lock.try_acquire()
        except OSError:
            return True

    def unlock(self) -> None:
        """Release the lock."""
        self._lock.release()

    def load(self) -> Grant | None:
        """Return the stored OAuth tokens, or None if none are stored.

        Raises CredentialStoreError if the stored credentials cannot be read.
        """
        record = load(self._name, self._where)
        return record.grant if record is not None else None

    def save(self, grant: Grant) -> None:
        """Replace the stored OAuth tokens; do nothing if no OAuth tokens are stored now.

        Raises CredentialStoreError if the tokens cannot be stored.
        """
        record = load(self._name, self._where)
        if record is not None and record.grant is not None:
            save(self._name, replace(record, grant=grant), where=self._where)


def _into_keyring(name: str, text: str) -> bool:
    if keyring_name() is None:
        return False
    import keyring

    try:
        keyring.set_password(APP, name, text)
        # Some backends store a record and cannot return it: locked ones, or ones with a length limit.
        if keyring.get_password(APP, name) == text:
            return True
    except Exception:
        return False
    _out_of_keyring(name)
    return False


def _out_of_keyring(name: str) -> bool:
    """Remove the credentials of the context `name` from the keyring.

    Returns whether the keyring now contains no credentials for this context.
    """
    import keyring

    # Some backends raise for a missing record, so look whether it is there.
    with contextlib.suppress(Exception):
        keyring.delete_password(APP, name)
    try:
        return keyring.get_password(APP, name) is None
    except Exception:
        return False


def _plain(record: StoredCredential) -> dict[str, Any]:
    plain: dict[str, Any] = {"base_url": record.base_url}
    if record.token:
        plain["token"] = record.token.reveal()
    if record.session_cookie:
        plain["session_cookie"] = record.session_cookie.reveal()
    if record.grant:
        grant = record.grant
        plain["grant"] = {
            "access": grant.access.reveal(),
            "expires_at": grant.expires_at,
            "refresh": grant.refresh.reveal() if grant.refresh else None,
            "scope": grant.scope,
        }
    return plain


def _record(plain: Mapping[str, Any]) -> StoredCredential:
    grant = plain.get("grant")
    return StoredCredential(
        _text(plain["base_url"]),
        _secret(plain.get("token")),
        Grant(
            Secret(_text(grant["access"])),
            float(grant["expires_at"]),
            _secret(grant.get("refresh")),
            _text(grant.get("scope") or ""),
        )
        if grant
        else None,
        _secret(plain.get("session_cookie")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _secret(value: Any) -> Secret | None:
    return Secret(_text(value)) if value else None
