"""A keyring that lives as long as a test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    priority = 5

    def __init__(self, *, longest: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no annotation there
        self.kept: dict[tuple[str, str], str] = {}
        self.longest = longest
        self.locked = False

    @property
    def name(self) -> str:
        return "memory"

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        self.kept[service, username] = password[: self.longest]

    def delete_password(self, service: str, username: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        try:
            del self.kept[service, username]
        except KeyError:
            raise PasswordDeleteError("not there") from None


@contextlib.contextmanager
def in_use(ring: MemoryKeyring) -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    keyring.set_keyring(ring)
    try:
        yield ring
    finally:
        keyring.set_keyring(before)
