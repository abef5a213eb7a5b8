"""Read an uploaded file from a form."""

from __future__ import annotations

import re

from .endpoints import ApiRequest, refusal

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_FIELD = re.compile(r'[;\s]name="?([^";\r\n]*)', re.IGNORECASE)
# Bytes that the other parts of the form may add to the body.
_ROOM = 16_384


async def _body(request: ApiRequest, most: int) -> bytes | None:
    """Return the whole body, or None if it has more than `most` bytes.

    A longer body is read to its end and dropped, because a client that is still sending would not read
    the response.
    """
    body, length = bytearray(), 0
    async for chunk in request.http.stream():
        length += len(chunk)
        if length <= most:
            body += chunk
    return bytes(body) if length <= most else None


def _files(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """Return the contents of a form's files by field name.

    If a field has several files, the first one counts.
    """
    found: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            break
        head, split, content = part.partition(b"\r\n\r\n")
        words = head.decode("utf-8", "replace")
        field = _FIELD.search(words)
        if split and field is not None and "filename" in words.lower():
            found.setdefault(field[1], content)
    return found


async def uploaded(request: ApiRequest, field: str, most: int) -> bytes:
    """Return the content of the file in a form's field, at most `most` bytes.

    Raises RefusedError: 400 if the body is no form or the file is missing or empty, 413 if the file is
    too large (identity.md §8).
    """
    kind = request.http.headers.get("content-type", "")
    boundary = _BOUNDARY.search(kind)
    if not kind.lower().startswith("multipart/form-data") or boundary is None:
        raise refusal(400, "Expected multipart/form-data")
    body = await _body(request, most + _ROOM)
    if body is None:
        raise refusal(413, f"File is larger than {most} bytes")
    content = _files(body, (boundary[1] or boundary[2]).encode()).get(field)
    if content is None:
        raise refusal(400, "Missing file")
    if not content:
        raise refusal(400, "Empty file")
    if len(content) > most:
        raise refusal(413, f"File is larger than {most} bytes")
    return content
