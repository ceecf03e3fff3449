"""Bodies of answers, unpacked in small pieces and up to a limit: a megabyte of gzip may be a gigabyte of zeros."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

from lbproxy.sources.kubernetes.client.api_connection import GarbledError

LARGEST_ANSWER = 32 << 20
"""Bytes, unpacked. Five hundred EndpointSlices of a hundred endpoints each, a full page, are about half of it."""
PIECE = 64 << 10
"""Bytes that are unpacked at a time."""
PACKED = frozenset({"gzip", "deflate"})
ANY_HEADER = zlib.MAX_WBITS | 32
"""zlib finds out itself which of the two it is."""


async def unpacked(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Yield a body's bytes as they come. `encoding` is its Content-Encoding. Raises `GarbledError`."""
    if encoding in {"", "identity"}:
        async for chunk in chunks:
            yield chunk
        return
    if encoding not in PACKED:
        raise GarbledError("an answer has an unknown Content-Encoding")
    unpacker = zlib.decompressobj(ANY_HEADER)
    async for chunk in chunks:
        for piece in _pieces(unpacker, chunk):
            yield piece
            await asyncio.sleep(0)  # what one packet holds may take a second to unpack: others have their turn


def _pieces(unpacker: "zlib._Decompress", chunk: bytes) -> Iterator[bytes]:
    try:
        while piece := unpacker.decompress(chunk, PIECE):
            yield piece
            chunk = unpacker.unconsumed_tail
    except zlib.error:
        raise GarbledError("an answer can't be unpacked") from None


async def joined(chunks: AsyncIterator[bytes]) -> bytes:
    """Return all of them. Raises `GarbledError` if they are more than 32 MiB."""
    found: list[bytes] = []
    size = 0
    async for chunk in chunks:
        found.append(chunk)
        size += len(chunk)
        if size > LARGEST_ANSWER:
            raise GarbledError(f"an answer is larger than {LARGEST_ANSWER >> 20} MiB")
    return b"".join(found)
