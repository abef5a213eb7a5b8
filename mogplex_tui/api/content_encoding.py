"""Decode compressed response bodies in small steps, within a limit on their size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"
"""The value of the header Accept-Encoding: the encodings that this module can decode."""

STEP = 256 * 1024
"""The largest piece that is decoded at once, in bytes."""

# The service and one proxy in front of it may each compress a body. A body with more layers is an attack.
_MAX_LAYERS = 2


class BodyError(Exception):
    """Raised for a response body that cannot be decoded.

    The message is a predicate that completes the sentence "The response for X …".
    """


class BodyTooLargeError(BodyError):
    """Raised for a response body whose decoded size exceeds the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"is larger than {megabytes(limit)}")


def megabytes(size: int) -> str:
    """Return a size in bytes as a text in megabytes, like `64 MB`."""
    return f"{size / (1024 * 1024):.3g} MB"


class BodyDecoder:
    """Decodes the compressed body of one response, chunk by chunk.

    `decode` yields pieces of at most `STEP` bytes, so that even a small body that expands to
    gigabytes takes little memory. A body may have been compressed several times; each compression
    is one layer. Raises BodyError for unknown encodings and damaged data, and BodyTooLargeError if
    the output of any layer exceeds `limit` bytes (None: no limit).
    """

    def __init__(self, content_encoding: str, limit: int | None) -> None:
        names = [name for part in content_encoding.lower().split(",") if (name := part.strip())]
        names = [name for name in names if name != "identity"]
        if len(names) > _MAX_LAYERS:
            raise BodyError(f"is compressed {len(names)} times")
        # The header lists the encodings in the order in which they were applied.
        self._layers = [_layer(name, limit) for name in reversed(names)]
        self._limit = limit
        self._size = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Decode a chunk of the body and yield the decoded bytes."""
        if self._layers:
            yield from self._decode_layer(0, data)
            return
        self._size += len(data)
        if self._limit is not None and self._size > self._limit:
            raise BodyTooLargeError(self._limit)
        if data:
            yield data

    def _decode_layer(self, number: int, data: bytes) -> Iterator[bytes]:
        if number == len(self._layers):
            yield data
            return
        for piece in self._layers[number].decode(data):
            yield from self._decode_layer(number + 1, piece)


def _layer(name: str, limit: int | None) -> _Layer:
    if name in ("gzip", "x-gzip"):
        return _Layer(limit, zlib.MAX_WBITS | 16)
    if name == "deflate":
        return _Layer(limit, None)
    raise BodyError("has a content encoding that is not supported")


class _Layer:
    """Decoder that undoes one compression of a body.

    If `window_bits` is None, the first two bytes tell whether the data is zlib or raw deflate.
    """

    def __init__(self, limit: int | None, window_bits: int | None) -> None:
        self._limit = limit
        self._first = b""
        self._size = 0
        self._zlib = None if window_bits is None else zlib.decompressobj(window_bits)

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._zlib is None:
            self._first += data
            if len(self._first) < 2:
                return
            data, self._first = self._first, b""
            self._zlib = zlib.decompressobj(zlib.MAX_WBITS if _has_zlib_header(data) else -zlib.MAX_WBITS)
        # Data after the end of the compressed data is ignored, as browsers do.
        while not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, STEP)
            except zlib.error:
                raise BodyError("cannot be unpacked") from None
            data = self._zlib.unconsumed_tail
            self._size += len(piece)
            if self._limit is not None and self._size > self._limit:
                raise BodyTooLargeError(self._limit)
            if piece:
                yield piece
            elif not data:
                return


def _has_zlib_header(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
