"""Check values by the service's rules before a request is sent.

An error that is found here costs no request.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from mogplex_tui.api.errors import InvalidInput

MAX_PROMPT_LENGTH = 100_000
MAX_KEY_LENGTH = 200

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BRANCH = re.compile(r"[A-Za-z0-9_./-]+")
_KEY = re.compile(r"[\x20-\x7e]+")
_TABLE = re.compile(r"[a-z_]+")
_INVITE = re.compile(r"[A-Za-z0-9_-]{1,200}")


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID.

    The service responds 500 to an id that is not a UUID. Contract: errors.md §1.1.
    """
    return _UUID.fullmatch(text) is not None


def path_id(value: str, what: str) -> str:
    """Check a UUID and return it trimmed and in lower case, for use in a path.

    Raises InvalidInput if `value` is not a UUID; `what` names the kind of record in the message.
    """
    text = value.strip()
    if not is_uuid(text):
        one = f"an {what}" if what[:1] in "aeiou" else f"a {what}"
        raise InvalidInput(f"This is not the id of {one}: an id is a UUID of 36 characters", resource=what)
    return text.lower()


def path_segment(value: str, what: str) -> str:
    """Return a text percent-encoded as one segment of a path.

    Raises InvalidInput for an empty text, "." or "..", which would lead to another route, and for
    text that cannot be encoded. `what` names the kind of record in the message.
    """
    text = value.strip()
    if text in ("", ".", "..") or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput(f"This does not name a {what}", resource=what)
    return quote(text, safe="")


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as the service measures it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def json_text(value: object) -> str:
    """Return a value as JSON; raises ValueError if JSON cannot represent it."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("This contains broken characters") from None
    except (TypeError, ValueError, RecursionError):
        raise ValueError("This cannot be written as JSON") from None
    return text


def invalid_prompt_reason(prompt: str) -> str | None:
    """Return why a prompt is invalid, or None for a valid prompt.

    A valid prompt has 1 to 100,000 UTF-16 units after trimming. Contract: v1.md §7.2.
    """
    text = prompt.strip()
    if not text:
        return "Write a prompt"
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "The prompt contains broken characters"
    length = utf16_length(text)
    if length > MAX_PROMPT_LENGTH:
        return f"The prompt is too long: {length:,} of {MAX_PROMPT_LENGTH:,} characters"
    return None


def invalid_branch_reason(name: str) -> str | None:
    """Return why a branch name is invalid, or None for a valid name.

    Contract: v1.md §9.1.
    """
    if not name or name in ("@", "HEAD"):
        return "A branch needs a name of its own"
    if not _BRANCH.fullmatch(name):
        return "A branch name may contain only letters, digits and _ . / -"
    if name.startswith("/") or name.endswith(("/", ".", ".lock")) or ".." in name or "//" in name:
        return "A branch name may not begin or end with /, end with . or .lock, or contain .. or //"
    return None


def root_directory(text: str) -> str:
    """Normalize a root directory; the result is "" for the root of the repository.

    Raises ValueError for a path outside the repository. Contract: v1.md §9.2.
    """
    path = text.strip()
    if "\0" in path:
        raise ValueError("The root directory contains a NUL")
    path = re.sub("/+", "/", path)
    while path.startswith(("./", "/")):
        path = path.removeprefix("./").removeprefix("/")
    path = path.rstrip("/")
    for segment in path.split("/"):
        if segment == ".." or segment.lower() in ("%2e", "%2e%2e"):
            raise ValueError("The root directory may not lead out of the repository")
    return "" if path == "." else path


def idempotency_key(key: str) -> str:
    """Check an idempotency key and return it trimmed.

    Raises InvalidInput unless the key has 1 to 200 printable characters. Contract: v1.md §7.2.
    """
    text = key.strip()
    if not text:
        raise InvalidInput("The idempotency key is empty")
    if len(text) > MAX_KEY_LENGTH:
        raise InvalidInput(f"The idempotency key is longer than {MAX_KEY_LENGTH} characters")
    if not _KEY.fullmatch(text):
        raise InvalidInput("The idempotency key may contain only printable ASCII characters")
    return text


def table_names(tables: object) -> list[str]:
    """Check names of realtime tables and return them sorted, without duplicates.

    Raises InvalidInput if there are no names or a name is malformed. Contract: realtime.md §1.
    """
    names = (
        sorted({str(name) for name in tables}) if isinstance(tables, list | tuple | set | frozenset) else []
    )
    if not names:
        raise InvalidInput("Name at least one table to watch")
    for name in names:
        if not _TABLE.fullmatch(name):
            raise InvalidInput(f"{name!r} is not a table name, which has only a to z and _")
    return names


def installation_number(value: int | str) -> int:
    """Return the number that GitHub gives to an App installation as an integer.

    Raises InvalidInput if `value` does not consist of digits.
    """
    text = "" if isinstance(value, bool) else str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput("The number of an installation has digits only", resource="installation")
    return int(text)


def invite_token(text: str) -> str:
    """Return the token of an invite, given the token or the link of the invite.

    Raises InvalidInput for any other text. Contract: identity.md §8.
    """
    token = text.strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    if not _INVITE.fullmatch(token):
        raise InvalidInput("This is not the link or the token of an invitation", resource="invitation")
    return token
