"""Encode a file upload as a multipart form.

Contract: identity.md §8.
"""

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


def image_format(data: bytes) -> str:
    """Return the format of an image, according to its first bytes.

    The format is png, jpeg, gif or webp. Raises InvalidInput for any other format, for empty data
    and for more than 2 MiB.
    """
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
    """Return the content type and the body of a multipart form with one file.

    The field, the file name and the media type are not escaped, so they must not contain text from
    users or from the service.
    """
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    return f"multipart/form-data; boundary={boundary}", b"".join(
        (head.encode(), data, f"\r\n--{boundary}--\r\n".encode())
    )
