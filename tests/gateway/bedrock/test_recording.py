"""The bytes of frames that are handed on: exactly those that were read and hold, however they came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bedrock.frames import CorruptFrame, Decoder, encode
from gateway.bedrock.recording import Recorder

EVENT = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
OTHER = EVENT | {":event-type": "newer"}
EXCEPTION = {":message-type": "exception", ":exception-type": "throttlingException"}
STREAM = [encode(EVENT, b'{"bytes":"e30="}'), encode(OTHER, b"{}"), encode(EVENT, b"x" * 300)]


@given(st.lists(st.integers(0, sum(map(len, STREAM))), max_size=12).map(sorted))
def test_cut_anywhere(cuts: list[int]) -> None:
    """Fed in any pieces, the frames are the decoder's and the bytes are the stream's, whole frames at a time."""
    whole, recorder = b"".join(STREAM), Recorder()
    ends = {0, *(sum(map(len, STREAM[:count])) for count in range(1, 4))}
    read, taken = [], b""
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        read += recorder.feed(whole[start:end])
        taken += recorder.take()
        assert len(taken) in ends
    recorder.end()

    assert read == Decoder().feed(whole)
    assert taken == whole
    assert recorder.take() == b""


def test_nothing_after_an_exception() -> None:
    """An exception, and whatever follows it, is read and not kept: it is AWS's to say and ours to tell."""
    recorder = Recorder()
    read = recorder.feed(STREAM[0] + encode(EXCEPTION, b'{"message":"arn:aws:x"}') + STREAM[2])

    assert len(read) == 3
    assert recorder.take() == STREAM[0]
    recorder.feed(STREAM[1])
    assert recorder.take() == b""


@pytest.mark.parametrize("place", [2, 9, 40, -3], ids=["length", "prelude's sum", "header", "message's sum"])
def test_nothing_of_a_damaged_frame(place: int) -> None:
    """The frames before it are kept, of itself not a byte; and the stream stays broken."""
    damaged = bytearray(STREAM[2])
    damaged[place] ^= 0xFF
    recorder = Recorder()
    recorder.feed(STREAM[0] + STREAM[1] + bytes(damaged))

    assert recorder.take() == STREAM[0] + STREAM[1]
    assert recorder.broken is not None
    with pytest.raises(CorruptFrame):
        recorder.end()


def test_nothing_of_a_cut_frame() -> None:
    """Bytes that complete no frame are never handed on."""
    recorder = Recorder()
    recorder.feed(STREAM[0] + STREAM[2][:-1])

    assert recorder.take() == STREAM[0]
    with pytest.raises(CorruptFrame):
        recorder.end()
