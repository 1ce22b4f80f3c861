"""The canned exchange is what Bedrock would send, judged by botocore."""

import base64

import msgspec
from botocore.eventstream import EventStreamBuffer

from benchmarks import bodies


def test_the_stream_is_claudes():
    """botocore reads 64 frames: an opening, 59 words, and an end that counts the tokens."""
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(bodies.stream_frames()))

    events = [msgspec.json.decode(base64.b64decode(msgspec.json.decode(frame.payload)["bytes"])) for frame in buffer]

    assert len(events) == bodies.FRAMES
    assert [event["type"] for event in events[:2]] == ["message_start", "content_block_start"]
    assert [event["type"] for event in events[-3:]] == ["content_block_stop", "message_delta", "message_stop"]
    assert [event["delta"]["text"] for event in events[2:-3]] == [bodies.WORD] * bodies.DELTAS
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == bodies.OUTPUT_TOKENS


def test_sizes_stay_comparable():
    """A change of size would make today's figures strangers to yesterday's."""
    assert len(bodies.whole_reply()) == 623
    assert 15_000 < sum(map(len, bodies.stream_frames())) < 17_000
    assert 1_000 < len(bodies.chat("bench")) < 1_200
    assert 1_000 < len(bodies.native()) < 1_200


def test_the_whole_reply_says_its_text():
    """The text that every reply is checked for is the text that the stub sends."""
    reply = msgspec.json.decode(bodies.whole_reply())

    assert bodies.text() == reply["content"][0]["text"]
    assert len(bodies.text()) > 250


def test_an_arn_is_one_path_segment():
    """Bedrock takes a model's ARN escaped whole; a slash left bare would be another path."""
    path = bodies.native_path(bodies.ARN, stream=True)

    assert path.startswith("/model/arn%3Aaws%3Abedrock%3A")
    assert path.count("/") == 3
