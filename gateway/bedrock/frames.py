"""Event-stream framing, ``application/vnd.amazon.eventstream``: bytes to frames and back. Knows no socket and no model.

Shaped as h11 is: bytes in by ``feed``, frames out, ``end`` when the bytes have ended. The sandbox shares this module.

Source: the Smithy "Amazon Event Stream" specification; judged by botocore in tests/referees/test_frames.py.
"""

import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from zlib import crc32

import msgspec
from msgspec import Struct

MAX_HEADERS_BYTES = 131_072  # botocore.eventstream's own limits: what boto3 would refuse, nobody sends
MAX_PAYLOAD_BYTES = 25_165_824

_PRELUDE = struct.Struct(">III")  # total length, headers length, CRC of these eight bytes
_PRELUDE_BYTES = 12
_CRC = struct.Struct(">I")
_OVERHEAD_BYTES = 16  # a prelude and the message CRC
_STRING = 7
_CACHED_HEADERS_BYTES = 512

HeaderValue = str | int | bool | bytes
Headers = Mapping[str, HeaderValue]
_NO_HEADERS: Headers = MappingProxyType({})


class CorruptFrame(ValueError):
    """A checksum, a length or a header does not hold, or the bytes ended inside a frame. Nothing after it can be read."""


Frame = tuple[Headers, bytes]
"""One message: its headers, shared between frames that carry the same bytes and hence read-only, and its payload. A bare
tuple, because this is the hot path: a NamedTuple's constructor costs three times as much.
"""


class Decoder:
    """Reads one stream. The frames are the same however the bytes are cut.

    Attributes:
        broken: Set once the stream cannot be read further. Frames before the fault are still returned by the
            ``feed`` that met it; every later ``feed`` or ``end`` raises it.
    """

    def __init__(self) -> None:
        self.broken: CorruptFrame | None = None
        self._held = bytearray()
        self._wanted = _PRELUDE_BYTES

    def feed(self, data: bytes) -> list[Frame]:
        """Take any run of bytes, return the frames that it completes, perhaps none.

        Raises:
            CorruptFrame: The first unread frame is corrupt.
        """
        if self.broken is not None:
            raise self.broken
        held = self._held
        if held:
            held += data
            # Whoever drips a frame byte by byte costs one append each, never a parse.
            if len(held) < self._wanted:
                return []
            data = bytes(held)
            held.clear()
        frames: list[Frame] = []
        try:
            read = self._split(data, frames)
        except CorruptFrame as error:
            self.broken = error
            if not frames:
                raise
        else:
            if read < len(data):
                held += data[read:]
        return frames

    def end(self) -> None:
        """The bytes have ended.

        Raises:
            CorruptFrame: They ended inside a frame. botocore ends its iteration silently here.
        """
        if self.broken is None and self._held:
            self.broken = CorruptFrame(f"the stream ended {len(self._held)} bytes into a frame of {self._wanted}")
        if self.broken is not None:
            raise self.broken

    def _split(self, data: bytes, frames: list[Frame]) -> int:
        """Append the whole frames of ``data``; return how many bytes they took, and note how many the next one wants."""
        start, available = 0, len(data)
        usual, headers = b"", _NO_HEADERS
        while available - start >= _PRELUDE_BYTES:
            headers_start = start + _PRELUDE_BYTES
            total, headers_bytes, prelude_crc = _prelude(data[start:headers_start])
            end = start + total
            if end > available:
                self._wanted = total
                return start
            payload_start, payload_end = headers_start + headers_bytes, end - 4
            # The first eight bytes are summed already: their CRC is where the message's goes on.
            if crc32(data[start + 8 : payload_end], prelude_crc) != _CRC.unpack_from(data, payload_end)[0]:
                raise CorruptFrame("the message's checksum does not match")
            # Chunk frames all carry the same hundred bytes of headers: compared, seldom parsed.
            if (block := data[headers_start:payload_start]) != usual:
                usual, headers = block, _headers(block)
            frames.append((headers, data[payload_start:payload_end]))
            start = end
        self._wanted = _PRELUDE_BYTES
        return start


@lru_cache(maxsize=1024)
def _prelude(block: bytes) -> tuple[int, int, int]:
    """The whole length, the headers' length and the CRC in a frame's first twelve bytes, checked.

    Kept, because nothing but lengths stands in them, and the chunks of a stream are of few lengths.

    Raises:
        CorruptFrame: The checksum does not match, or no frame can be so long.
    """
    total, headers_bytes, prelude_crc = _PRELUDE.unpack(block)
    if crc32(block[:8]) != prelude_crc:
        raise CorruptFrame("the prelude's checksum does not match")
    payload_bytes = total - headers_bytes - _OVERHEAD_BYTES
    if not 0 <= payload_bytes <= MAX_PAYLOAD_BYTES or headers_bytes > MAX_HEADERS_BYTES:
        raise CorruptFrame(f"a frame of {total} bytes with {headers_bytes} bytes of headers is impossible")
    return total, headers_bytes, prelude_crc


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame with string headers, the only kind Bedrock sends.

    Raises:
        ValueError: The headers or the payload are longer than the format allows.
    """
    block = b"".join(_encode_header(name.encode(), value.encode()) for name, value in headers.items())
    if len(block) > MAX_HEADERS_BYTES or len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"{len(block)} bytes of headers and {len(payload)} of payload do not fit a frame")
    lengths = struct.pack(">II", _OVERHEAD_BYTES + len(block) + len(payload), len(block))
    message = b"".join((lengths, _CRC.pack(crc32(lengths)), block, payload))
    return message + _CRC.pack(crc32(message))


def _encode_header(name: bytes, value: bytes) -> bytes:
    if len(name) > 0xFF or len(value) > 0x7FFF:
        raise ValueError(f"header {name[:40]!r} is too long for a frame")
    return struct.pack(f">B{len(name)}sBH", len(name), name, _STRING, len(value)) + value


class _Chunk(Struct):
    """``{"bytes": "<base64 of native JSON>", "p": "<padding>"}``; the padding hides token lengths and is ignored."""

    bytes: bytes


_chunk = msgspec.json.Decoder(_Chunk)


def native_chunk(payload: bytes) -> bytes:
    """The native JSON inside the payload of a ``chunk`` event.

    Raises:
        CorruptFrame: The payload is not a chunk.
    """
    try:
        return _chunk.decode(payload).bytes
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptFrame("a chunk event carries no base64 bytes") from error


def event_chunk(event: str, payload: bytes) -> bytes:
    """A typed event of Converse as one native chunk: ``{"messageStop": {"stopReason": …}}``, the form of Nova's own chunks.

    The payload is taken as it is: whoever reads the chunk finds out whether it is JSON.
    """
    return b'{"%b":%b}' % (event.encode(), payload)


def _decode_headers(block: bytes) -> Headers:
    headers: dict[str, HeaderValue] = {}
    start = 0
    try:
        while start < len(block):
            name_end = start + 1 + block[start]
            name = block[start + 1 : name_end].decode()
            value, start = _READERS[block[name_end]](block, name_end + 1)
            if name in headers:
                raise CorruptFrame(f"header {name!r} comes twice")
            headers[name] = value
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise CorruptFrame("the headers cannot be read") from error
    return MappingProxyType(headers)


_known_headers = lru_cache(maxsize=64)(_decode_headers)


def _headers(block: bytes) -> Headers:
    """Read once for all streams; long ones are not worth keeping."""
    return _known_headers(block) if len(block) <= _CACHED_HEADERS_BYTES else _decode_headers(block)


_Read = Callable[[bytes, int], tuple[HeaderValue, int]]


def _constant(value: bool) -> _Read:
    return lambda _block, start: (value, start)


def _integer(layout: str) -> _Read:
    packed = struct.Struct(layout)
    return lambda block, start: (packed.unpack_from(block, start)[0], start + packed.size)


def _bytes(block: bytes, start: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", block, start)
    end = start + 2 + length
    if end > len(block):
        raise IndexError(end)
    return block[start + 2 : end], end


def _string(block: bytes, start: int) -> tuple[str, int]:
    value, end = _bytes(block, start)
    return value.decode(), end


def _uuid(block: bytes, start: int) -> tuple[bytes, int]:
    end = start + 16
    if end > len(block):
        raise IndexError(end)
    return block[start:end], end


# By type byte: true, false, i8, i16, i32, i64, bytes, string, timestamp in milliseconds, UUID.
_READERS: dict[int, _Read] = {
    0: _constant(True),
    1: _constant(False),
    2: _integer(">b"),
    3: _integer(">h"),
    4: _integer(">i"),
    5: _integer(">q"),
    6: _bytes,
    _STRING: _string,
    8: _integer(">q"),
    9: _uuid,
}
