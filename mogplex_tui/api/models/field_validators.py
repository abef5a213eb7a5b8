"""Validators of fields that several models of requests share.

Their messages are those of the service. A mistake is thus reported before a request is sent.
"""

from __future__ import annotations

from typing import Any

from pydantic import AfterValidator

from mogplex_tui.api.request_checks import (
    invalid_branch_reason,
    is_uuid,
    json_text,
    root_directory,
    utf16_length,
)


def text(
    blank_message: str | None = None,
    limit: int | None = None,
    too_long_message: str = "",
    trimmed: bool = True,
) -> AfterValidator:
    """Return a validator that trims a text and limits it to `limit` UTF-16 units.

    `blank_message` is the error for a blank text; if it is None, a blank text is valid. With
    `trimmed` False the text is not trimmed. None is valid, so that the same validator serves fields
    that can be cleared.
    """

    def check(value: str | None) -> str | None:
        if value is None:
            return None
        if blank_message and not value.strip():
            raise ValueError(blank_message)
        if trimmed:
            value = value.strip()
        if limit is not None and utf16_length(value) > limit:
            raise ValueError(too_long_message)
        return value

    return AfterValidator(check)


def one_of(words: tuple[str, ...], message: str) -> AfterValidator:
    """Return a validator that accepts the words of a fixed list, and None."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in words:
            raise ValueError(message)
        return None if value is None else str(value)

    return AfterValidator(check)


def uuid(message: str) -> AfterValidator:
    """Return a validator that accepts a UUID, and converts it to lower case, or None."""

    def check(value: str | None) -> str | None:
        if value is not None and not is_uuid(value.strip()):
            raise ValueError(message)
        return None if value is None else value.strip().lower()

    return AfterValidator(check)


def branch(*, required: bool = False) -> AfterValidator:
    """Return a validator of a branch name.

    If the name is not `required`, a blank name becomes None. Contract: v1.md §9.1.
    """

    def check(value: str | None) -> str | None:
        name = (value or "").strip()
        if not name and not required:
            return None
        if reason := invalid_branch_reason(name):
            raise ValueError(reason)
        return name

    return AfterValidator(check)


def directory(root: str | None = "") -> AfterValidator:
    """Return a validator that normalizes a root directory.

    `root` is the value that stands for the root of the repository. None is valid.
    Contract: v1.md §9.2.
    """
    return AfterValidator(lambda value: None if value is None else root_directory(value) or root)


def positive_int(message: str) -> AfterValidator:
    """Return a validator that accepts a positive integer below 2**53, or None."""

    def check(value: int | None) -> int | None:
        if value is not None and not 0 < value < 2**53:
            raise ValueError(message)
        return value

    return AfterValidator(check)


def json_value(limit: int | None = None, too_long_message: str = "") -> AfterValidator:
    """Return a validator that accepts a value that JSON can represent.

    The JSON may have at most `limit` UTF-16 units (None: no limit).
    """

    def check(value: Any) -> Any:
        length = utf16_length(json_text(value))
        if limit is not None and length > limit:
            raise ValueError(too_long_message)
        return value

    return AfterValidator(check)


def require_a_change(fields: set[str]) -> None:
    """Raise ValueError if a change sets no field."""
    if not fields:
        raise ValueError("There is nothing to change")
