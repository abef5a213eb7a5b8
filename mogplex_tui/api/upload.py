"""One file as a form, the way the service takes uploads (identity.md §8)."""

from __future__ import annotations

import secrets

from mogplex_tui.api.errors import InvalidInput

MAX_PICTURE_BYTES = 2 * 1024 * 1024

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)


def picture_format(data: bytes) -> str:
    """Return png, jpeg, gif or webp by the first bytes; raises InvalidInput for anything else, empty or over 2 MiB."""
    if not data:
        raise InvalidInput("The picture is empty")
    if len(data) > MAX_PICTURE_BYTES:
        raise InvalidInput("The picture is larger than 2 MiB")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    for start, kind in _SIGNATURES:
        if data.startswith(start):
            return kind
    raise InvalidInput("The picture must be a PNG, JPEG, GIF or WEBP file")


def multipart_form(field: str, data: bytes, filename: str, media_type: str) -> tuple[str, bytes]:
    """Return the content type and the body of a form with one file; all names are this client's own."""
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    return f"multipart/form-data; boundary={boundary}", b"".join(
        (head.encode(), data, f"\r\n--{boundary}--\r\n".encode())
    )
