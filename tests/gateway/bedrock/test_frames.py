"""Frames off any run of bytes: split everywhere, corrupt, cut, too large."""

import struct
from base64 import b64encode
from zlib import crc32

import pytest

from gateway.bedrock.frames import MAX_HEADERS_BYTES, MAX_PAYLOAD_BYTES, CorruptFrame, Decoder, encode, native_chunk

HEADERS = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


def chunk(native):
    return encode(HEADERS, b'{"bytes":"%b","p":"abcdefgh"}' % b64encode(native))


def prelude(total, headers):
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", crc32(lengths))


STREAM = chunk(b'{"a":1}') + chunk("ä".encode()) + encode({":message-type": "exception"}, b"")
EXPECTED = Decoder().feed(STREAM)


def test_split_at_every_byte():
    """Two reads give what one gives, wherever the first ends."""
    for cut in range(len(STREAM) + 1):
        decoder = Decoder()

        assert decoder.feed(STREAM[:cut]) + decoder.feed(STREAM[cut:]) == EXPECTED
        decoder.end()


def test_drip():
    """A byte at a time, and each frame is out as soon as its last byte is in."""
    decoder, ends = Decoder(), []
    for position in range(len(STREAM)):
        ends += [position + 1] * len(decoder.feed(STREAM[position : position + 1]))

    first, second = len(chunk(b'{"a":1}')), len(chunk("ä".encode()))
    assert [first, first + second, len(STREAM)] == ends


def test_cut_end():
    """Bytes that end inside a frame are an error at the end, never a silent one."""
    between = {len(chunk(b'{"a":1}')), len(chunk(b'{"a":1}') + chunk("ä".encode()))}
    silent = set()
    for cut in range(1, len(STREAM)):
        decoder = Decoder()
        decoder.feed(STREAM[:cut])
        try:
            decoder.end()
        except CorruptFrame:
            continue
        silent.add(cut)

    assert silent == between


def test_corrupt_byte():
    """One changed byte: the frames before it come out, it and what follows do not, and the decoder stays broken."""
    for position in range(len(chunk(b"{}"))):
        damaged = bytearray(chunk(b"{}"))
        damaged[position] ^= 0x10
        decoder = Decoder()

        before = decoder.feed(chunk(b"1") + bytes(damaged) + chunk(b"2"))

        assert [native_chunk(payload) for _, payload in before] == [b"1"]
        assert decoder.broken is not None
        with pytest.raises(CorruptFrame):
            decoder.feed(b"")
        with pytest.raises(CorruptFrame):
            decoder.end()


@pytest.mark.parametrize(
    ("total", "headers"),
    [
        pytest.param(15, 0, id="shorter than its own overhead"),
        pytest.param(20, 5, id="headers beyond the end"),
        pytest.param(16 + MAX_HEADERS_BYTES + 1, MAX_HEADERS_BYTES + 1, id="headers too long"),
        pytest.param(16 + MAX_PAYLOAD_BYTES + 1, 0, id="payload too long"),
        pytest.param(0xFFFFFFFF, 0, id="huge"),
    ],
)
def test_impossible_lengths(total, headers):
    """Lengths that cannot be are refused by the prelude, before anything is kept for them."""
    with pytest.raises(CorruptFrame, match="impossible"):
        Decoder().feed(prelude(total, headers))


def framed(block):
    message = prelude(16 + len(block), len(block)) + block
    return message + struct.pack(">I", crc32(message))


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\x01a\x07\x00\x01x" * 2, id="a name twice"),
        pytest.param(b"\x01a\x0a", id="unknown type"),
        pytest.param(b"\x05a\x07", id="name beyond the block"),
        pytest.param(b"\x01a", id="no type"),
        pytest.param(b"\x01a\x07\x00\x09x", id="value beyond the block"),
        pytest.param(b"\x01a\x05\x00", id="number beyond the block"),
        pytest.param(b"\x01a\x09\x00", id="uuid beyond the block"),
        pytest.param(b"\x01\xff\x00", id="name not UTF-8"),
        pytest.param(b"\x01a\x07\x00\x01\xff", id="value not UTF-8"),
    ],
)
def test_unreadable_headers(block):
    """Headers that make no sense are a corrupt frame, whatever the checksums say."""
    with pytest.raises(CorruptFrame):
        Decoder().feed(framed(block))


def test_headers_are_read_only():
    """Frames share the headers they have in common, so nobody may write into them."""
    first, second = Decoder().feed(chunk(b"1") * 2)

    assert first[0] is second[0]
    with pytest.raises(TypeError):
        first[0]["a"] = "b"


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"bytes":"?"}', b'{"bytes":7}', b"[]", b"\xff"])
def test_not_a_chunk(payload):
    """A chunk event without base64 bytes is damage, not an empty chunk."""
    with pytest.raises(CorruptFrame):
        native_chunk(payload)


@pytest.mark.parametrize(
    ("headers", "payload"),
    [({"n" * 256: ""}, b""), ({"n": "v" * 0x8000}, b""), ({}, bytes(MAX_PAYLOAD_BYTES + 1))],
    ids=["name", "value", "payload"],
)
def test_what_does_not_fit_is_not_written(headers, payload):
    """No frame is written that no reader would take."""
    with pytest.raises(ValueError, match=r"fit|too long"):
        encode(headers, payload)
