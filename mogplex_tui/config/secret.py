"""A credential in memory: it can be used, compared and passed on, but never shown by accident."""

from __future__ import annotations


class Secret:
    """A secret text whose repr, str and format show only dots; `reveal()` is the one way to the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str | Secret) -> None:
        self._text = text.reveal() if isinstance(text, Secret) else text

    def reveal(self) -> str:
        """Return the secret text itself, for the request header or the credential file alone."""
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
        # Loaded when two secrets are really compared, which no first frame does.
        import hmac

        return hmac.compare_digest(
            self._text.encode("utf-8", "replace"), other._text.encode("utf-8", "replace")
        )

    def __hash__(self) -> int:
        return hash(("secret", self._text))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled or copied into a file")
