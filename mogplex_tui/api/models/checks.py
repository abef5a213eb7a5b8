"""Checks that several drafts share, so that a mistake is told in the service's own words before it leaves."""

from __future__ import annotations

from typing import Any

from pydantic import AfterValidator

from mogplex_tui.api.request_rules import (
    invalid_branch_reason,
    is_uuid,
    json_text,
    root_directory,
    utf16_length,
)


def text(
    missing: str | None = None, most: int | None = None, too_long: str = "", trimmed: bool = True
) -> AfterValidator:
    """Return the validator of a text: trimmed, not blank if `missing` says what to tell, at most `most` UTF-16 units.

    None passes, so that the same validator serves fields that may be cleared.
    """

    def check(value: str | None) -> str | None:
        if value is None:
            return None
        if missing and not value.strip():
            raise ValueError(missing)
        if trimmed:
            value = value.strip()
        if most is not None and utf16_length(value) > most:
            raise ValueError(too_long)
        return value

    return AfterValidator(check)


def one_of(words: tuple[str, ...], sentence: str) -> AfterValidator:
    """Return the validator of a word out of a closed list; None passes."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in words:
            raise ValueError(sentence)
        return None if value is None else str(value)

    return AfterValidator(check)


def uuid(sentence: str) -> AfterValidator:
    """Return the validator of an id, which leaves in lower case; None passes."""

    def check(value: str | None) -> str | None:
        if value is not None and not is_uuid(value.strip()):
            raise ValueError(sentence)
        return None if value is None else value.strip().lower()

    return AfterValidator(check)


def branch(*, required: bool = False) -> AfterValidator:
    """Trim and check a branch name (v1.md §9.1); unless it is `required` a blank one means none."""

    def check(value: str | None) -> str | None:
        name = (value or "").strip()
        if not name and not required:
            return None
        if problem := invalid_branch_reason(name):
            raise ValueError(problem)
        return name

    return AfterValidator(check)


def directory(root: str | None = "") -> AfterValidator:
    """Bring a root directory into its normal form (v1.md §9.2); `root` is what stands for that of the repository."""
    return AfterValidator(lambda value: None if value is None else root_directory(value) or root)


def positive(sentence: str) -> AfterValidator:
    """Return the validator of a number above zero that JSON carries exactly; None passes."""

    def check(value: int | None) -> int | None:
        if value is not None and not 0 < value < 2**53:
            raise ValueError(sentence)
        return value

    return AfterValidator(check)


def sendable(most: int | None = None, too_long: str = "") -> AfterValidator:
    """Return the validator of any JSON value, at most `most` characters of JSON."""

    def check(value: Any) -> Any:
        length = utf16_length(json_text(value))
        if most is not None and length > most:
            raise ValueError(too_long)
        return value

    return AfterValidator(check)


def anything_to_change(fields: set[str]) -> None:
    """Raise ValueError for a change that changes nothing."""
    if not fields:
        raise ValueError("There is nothing to change")
