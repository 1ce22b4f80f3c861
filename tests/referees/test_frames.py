"""botocore judges our frames, in both directions."""

import json
from base64 import b64encode

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import given
from hypothesis import strategies as st

from gateway.bedrock.frames import CorruptFrame, Decoder, encode

# Built by botocore from native JSON {"a":1} and padding "abc".
GOLDEN = bytes.fromhex(
    "000000800000004b35caf7e30b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e"
    "2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a202265794a68496a6f7866513d3d222c202270223a202261"
    "6263227d47347268"
)
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30)
FRAMES = st.lists(
    st.tuples(st.dictionaries(NAMES, st.text(max_size=60), max_size=6), st.binary(max_size=300)), min_size=1, max_size=6
)


def judged(data):
    """What botocore reads."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


def test_golden_frame():
    """A frame of Bedrock's own is read as botocore reads it, and written as it was."""
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    payload = b'{"bytes": "%b", "p": "abc"}' % b64encode(b'{"a":1}')

    assert [(headers, payload)] == Decoder().feed(GOLDEN)
    assert encode(headers, payload) == GOLDEN


@given(FRAMES)
def test_botocore_reads_ours(frames):
    """What we write, botocore reads."""
    assert frames == judged(b"".join(encode(headers, payload) for headers, payload in frames))


@given(FRAMES, st.data())
def test_any_cut(frames, data):
    """Whatever runs of bytes arrive, the same frames come out, and botocore's are the same."""
    stream = b"".join(encode(headers, payload) for headers, payload in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder, read = Decoder(), []

    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        read += decoder.feed(stream[start:end])
    decoder.end()

    assert judged(stream) == read


TYPES = [
    (b"\x00", True),
    (b"\x01", False),
    (b"\x02\xff", -1),
    (b"\x03\x80\x00", -32768),
    (b"\x04\x00\x00\x00\x07", 7),
    (b"\x05" + b"\xff" * 8, -1),
    (b"\x06\x00\x02ab", b"ab"),
    (b"\x07\x00\x02\xc3\xa9", "é"),
    (b"\x08" + (1_763_812_800_000).to_bytes(8, "big"), 1_763_812_800_000),
    (b"\x09" + bytes(range(16)), bytes(range(16))),
]


@pytest.mark.parametrize(("value", "meaning"), TYPES, ids=lambda value: type(value).__name__)
def test_every_header_type(value, meaning):
    """All ten types of the format are read, although Bedrock sends only strings."""
    block = b"\x01a" + value + b"\x01z\x00"
    frame = framed(block, b"")

    assert [({"a": meaning, "z": True}, b"")] == Decoder().feed(frame)
    assert judged(frame) == Decoder().feed(frame)


@given(st.integers(0, len(GOLDEN) - 1), st.integers(1, 255))
def test_any_damage(position, change):
    """A changed byte is never read as a frame: botocore refuses it, and so do we."""
    damaged = bytearray(GOLDEN)
    damaged[position] ^= change
    with pytest.raises(ParserError):
        judged(bytes(damaged))

    decoder = Decoder()
    with pytest.raises(CorruptFrame):
        decoder.feed(bytes(damaged))


def test_payload_is_botocores():
    """The chunk's payload decodes as the JSON that botocore's own parser would hand over."""
    from gateway.bedrock.frames import native_chunk

    ((_, payload),) = judged(GOLDEN)

    assert {"bytes": b64encode(native_chunk(payload)).decode(), "p": "abc"} == json.loads(payload)


def framed(block, payload):
    """A frame around any header block, checksums right."""
    from zlib import crc32

    lengths = (16 + len(block) + len(payload)).to_bytes(4, "big") + len(block).to_bytes(4, "big")
    message = lengths + crc32(lengths).to_bytes(4, "big") + block + payload
    return message + crc32(message).to_bytes(4, "big")
