"""Types of fields that hold secrets; `repr` does not show their values."""

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator

from mogplex_tui.config.secret import Secret


def _hidden(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("is not a text")
    return Secret(value)


def _hidden_map(value: object) -> dict[str, Secret]:
    if not isinstance(value, dict):
        return {}
    return {
        str(key): item if isinstance(item, Secret) else Secret("" if item is None else str(item))
        for key, item in value.items()
    }


def _checked_key(value: object) -> object:
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str) or not text.strip():
        raise ValueError("Key is required")
    return Secret(text.strip())


Hidden = Annotated[Secret, PlainValidator(_hidden)]
"""A text that `repr` does not show."""
HiddenMap = Annotated[dict[str, Secret], PlainValidator(_hidden_map)]
"""A dict with secret values; null and values that are not objects are read as an empty dict."""
TypedKey = Annotated[Secret, PlainValidator(lambda value: value), BeforeValidator(_checked_key)]
"""A key that a person typed, trimmed and not empty (identity.md §5)."""


def revealed(values: dict[str, Secret]) -> dict[str, Any]:
    """Return a dict with the same keys and the secrets in plain text, for a request."""
    return {name: value.reveal() for name, value in values.items()}
