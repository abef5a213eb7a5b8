"""A type for credentials in memory that keeps them out of messages and logs."""

from __future__ import annotations

# Shorter texts also occur in ordinary words.
_SHORTEST = 8
_HIDDEN = "••••"
# The texts of all secrets of this process. They outlive their secrets, because a late log line may contain one.
_texts: set[str] = set()


def hide_secrets(text: str) -> str:
    """Return the text with each secret that this process has used replaced by dots."""
    # The longest first: one secret may be part of another.
    for secret in sorted((each for each in _texts if each in text), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _remember(secret: str) -> None:
    """Register a secret, so that `hide_secrets` replaces it.

    If the secret is a Cookie header, the value of each cookie is registered, too.
    """
    values = [secret, *(pair.partition("=")[2].strip() for pair in secret.split(";"))]
    _texts.update(value for value in values if len(value) >= _SHORTEST)


class Secret:
    """A secret text; `repr`, `str` and `format` show dots in its place.

    `reveal` returns the text itself.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str | Secret) -> None:
        self._text = text.reveal() if isinstance(text, Secret) else text
        if self._text not in _texts:
            _remember(self._text)

    def reveal(self) -> str:
        """Return the secret text.

        Call this only for a request header, a request body or the credential store.
        """
        return self._text

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __str__(self) -> str:
        return "••••"

    def __format__(self, spec: str) -> str:
        return format("••••", spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # Imported only when two secrets are compared, which does not happen before the first frame.
        import hmac

        return hmac.compare_digest(
            self._text.encode("utf-8", "replace"), other._text.encode("utf-8", "replace")
        )

    def __hash__(self) -> int:
        return hash(("secret", self._text))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled or copied into a file")
