"""Validators of fields that occur in several models of requests.

Their error messages are the same as those of the service, so that the user gets the same
message before a request is sent.
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
    """Return a validator that trims a text and limits its length.

    `blank_message` is the error message for a blank text; if it is None, a blank text is valid.
    `limit` is in UTF-16 code units, and `too_long_message` is the message for a longer text. If
    `trimmed` is False, the text is not trimmed. None is valid, so that the validator can be used
    for fields that can be cleared.
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
    """Return a validator that accepts each of `words`, and None."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in words:
            raise ValueError(message)
        return None if value is None else str(value)

    return AfterValidator(check)


def uuid(message: str) -> AfterValidator:
    """Return a validator that accepts None or a UUID, which it converts to lower case."""

    def check(value: str | None) -> str | None:
        if value is not None and not is_uuid(value.strip()):
            raise ValueError(message)
        return None if value is None else value.strip().lower()

    return AfterValidator(check)


def branch(*, required: bool = False) -> AfterValidator:
    """Return a validator that trims and checks the name of a branch.

    If `required` is False, a blank name becomes None. Contract: v1.md §9.1.
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

    `root` is the value to use for the root of the repository. None is valid and stays None.
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
    """Return a validator that accepts any value that can be written as JSON.

    The JSON may have at most `limit` UTF-16 code units (None: no limit).
    """

    def check(value: Any) -> Any:
        length = utf16_length(json_text(value))
        if limit is not None and length > limit:
            raise ValueError(too_long_message)
        return value

    return AfterValidator(check)


def require_a_change(fields: set[str]) -> None:
    """Raise ValueError if `fields`, the names of the fields that were set, is empty."""
    if not fields:
        raise ValueError("There is nothing to change")
