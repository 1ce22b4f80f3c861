"""Converse over the transport: its own paths, and typed events handed on as chunks. The rest it shares with Invoke."""

import pytest

from gateway.bedrock.frames import encode
from gateway.bedrock.signing import sign
from gateway.errors import ModelFailed, UpstreamError
from tests.gateway.bedrock.asking import KEYS, read, saying
from tests.gateway.bedrock.upstream import chunk, serve, whole

CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def event(name, payload):
    return encode({":event-type": name, ":content-type": "application/json", ":message-type": "event"}, payload)


EVENTS = {"messageStart": b'{"role":"assistant","p":"ab"}', "weather": b'{"rain":true}', "messageStop": b'{"stopReason":"x"}'}
STREAM = b"".join(event(name, payload) for name, payload in EVENTS.items())
CHUNKS = [b'{"%b":%b}' % (name.encode(), payload) for name, payload in EVENTS.items()]


async def test_request(runtime_to):
    """What is sent is what boto3 sends: Converse's paths, and no accept header, since the operations model none."""
    async with serve(saying(whole(b"{}"))) as upstream:
        runtime = runtime_to(upstream, now=lambda: 1_800_000_000.0)
        await read(runtime, stream=False, operation="converse")
        await read(runtime, stream=True, operation="converse")

    visits = upstream.visits
    path = "/model/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Aimported-model%2F0a1b2c3d4e5f"
    assert [visit.target for visit in visits] == [f"{path}/converse", f"{path}/converse-stream"]
    for visit in visits:
        assert (visit.header("accept"), visit.header("x-amzn-bedrock-accept")) == ("", "")
        expected = sign(
            KEYS,
            host=f"127.0.0.1:{upstream.port}",
            path=visit.target,
            body=visit.body,
            headers={"content-type": "application/json"},
            region="us-west-2",
            at=1_800_000_000,
        )
        assert expected == {name: visit.header(name) for name in expected}


async def test_whole(runtime_to):
    """A whole reply is one chunk, as it came."""
    async with serve(saying(whole(b'{"stopReason":"end_turn"}'))) as upstream:
        assert await read(runtime_to(upstream), stream=False, operation="converse") == ([b'{"stopReason":"end_turn"}'], None)


async def test_events(runtime_to):
    """Every event is a chunk under its own name, types that are not known here included: only the family can judge them."""
    async with serve(saying(CHUNKED + chunk(STREAM) + LAST)) as upstream:
        assert await read(runtime_to(upstream), stream=True, operation="converse") == (CHUNKS, None)


async def test_events_are_none_of_invokes(runtime_to):
    """On a stream of InvokeModel an event of another type stays what it was: passed over."""
    async with serve(saying(CHUNKED + chunk(STREAM) + LAST)) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=True)

    assert (chunks, type(error)) == ([], UpstreamError)


@pytest.mark.parametrize("before", [0, 1], ids=["first", "after an event"])
async def test_exception_frame(runtime_to, before):
    """An exception ends the stream after the events before it, as on a stream of InvokeModel."""
    broken = encode({":exception-type": "modelStreamErrorException", ":message-type": "exception"}, b'{"message":"it broke"}')
    first = event("messageStart", EVENTS["messageStart"])

    async with serve(saying(CHUNKED + chunk(first * before + broken) + LAST)) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=True, operation="converse")

    assert (chunks, type(error)) == (CHUNKS[:1] * before, ModelFailed)
