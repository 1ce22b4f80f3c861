"""One exchange with a model: what goes out, what comes back, and everything that can go wrong between."""

import asyncio
from base64 import b64encode
from time import monotonic

import pytest

from gateway.bedrock.frames import encode
from gateway.bedrock.runtime import TokenCounts
from gateway.bedrock.signing import sign
from gateway.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    ModelTimedOut,
    UpstreamError,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.gateway.bedrock.asking import KEYS, invoke, read, saying
from tests.gateway.bedrock.upstream import chunk, serve, whole

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
CHUNKED = STREAM_HEAD + b"transfer-encoding: chunked\r\nx-amzn-requestid: r-1\r\n\r\n"
LAST = b"0\r\n\r\n"


def frame(native):
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return encode(headers, b'{"bytes":"%b","p":"abcd"}' % b64encode(native))


def exception(name, message="it broke"):
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return encode(headers, b'{"message":"%b"}' % message.encode())


async def test_whole(runtime_to):
    """A whole reply is one chunk, with AWS's request id and token counts beside it."""
    counts = [
        b"x-amzn-bedrock-input-token-count: 4",
        b"X-Amzn-Bedrock-Output-Token-Count: 100",
        b"x-amzn-bedrock-cache-read-input-token-count: 3",
        b"x-amzn-bedrock-cache-write-input-token-count: 18131",
        b"x-amzn-RequestId: r-1",
    ]
    async with serve(saying(whole(b'{"generation":"hi"}', *counts))) as upstream:
        exchange = invoke(runtime_to(upstream), stream=False)
        async with exchange:
            assert [chunks async for chunks in exchange] == [[b'{"generation":"hi"}']]

    assert TokenCounts(4, 100, 3, 18131) == exchange.counts
    assert exchange.waited_seconds > 0


async def test_no_counts(runtime_to):
    """Token counts are optional, and rubbish in their place is none."""
    async with serve(saying(whole(b"{}", b"x-amzn-bedrock-input-token-count: many"))) as upstream:
        exchange = invoke(runtime_to(upstream), stream=False)
        async with exchange:
            assert exchange.counts is None


async def test_request(runtime_to):
    """What is sent is what boto3 sends: the path encoded once, signed as if twice, with the operation's own accept header."""
    async with serve(saying(whole(b"{}"))) as upstream:
        runtime = runtime_to(upstream, now=lambda: 1_800_000_000.0)
        await read(runtime, stream=False)
        await read(runtime, stream=True)

    whole_visit, stream_visit = upstream.visits
    path = "/model/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Aimported-model%2F0a1b2c3d4e5f"
    assert (f"{path}/invoke", f"{path}/invoke-with-response-stream") == (whole_visit.target, stream_visit.target)
    assert whole_visit.body == b'{"prompt":"hi"}'
    assert (whole_visit.header("accept"), whole_visit.header("x-amzn-bedrock-accept")) == ("application/json", "")
    assert (stream_visit.header("accept"), stream_visit.header("x-amzn-bedrock-accept")) == ("", "application/json")
    expected = sign(
        KEYS,
        host=f"127.0.0.1:{upstream.port}",
        path=whole_visit.target,
        body=whole_visit.body,
        headers={"content-type": "application/json", "accept": "application/json"},
        region="us-west-2",
        at=1_800_000_000,
    )
    assert expected == {name: whole_visit.header(name) for name in expected}


async def test_stream(runtime_to):
    """The chunks of one read come together, in order; the connection is kept after the last."""

    async def answer(visit):
        await visit.send(CHUNKED + chunk(frame(b"1") + frame(b"2")) + chunk(frame(b"3")))
        await asyncio.sleep(0.05)
        await visit.send(chunk(frame(b"4")) + LAST)

    async with serve(answer) as upstream:
        runtime = runtime_to(upstream)
        for _ in range(2):
            async with invoke(runtime, stream=True) as exchange:
                assert [chunks async for chunks in exchange] == [[b"1", b"2", b"3"], [b"4"]]
                assert upstream.connections == 1


STREAM = frame(b'{"a":1}') + frame(b"2") + frame(b"3")


async def test_split_at_every_byte(runtime_to):
    """Wherever the stream is cut into HTTP chunks, the same native chunks come out."""

    async def answer(visit):
        cut = len(visit.upstream.visits)
        await visit.send(CHUNKED + chunk(STREAM[:cut]))
        await asyncio.sleep(0)
        await visit.send(chunk(STREAM[cut:]) + LAST)

    async with serve(answer) as upstream:
        runtime = runtime_to(upstream)
        for _ in STREAM[:-1]:
            assert await read(runtime, stream=True) == ([b'{"a":1}', b"2", b"3"], None)


@pytest.mark.parametrize("framing", ["chunked", "until close"])
async def test_cut_at_every_byte(runtime_to, framing):
    """A stream that ends inside a frame, however politely HTTP ends, yields its whole frames and then an error."""
    ends = [len(STREAM[: STREAM.index(frame(native)) + len(frame(native))]) for native in (b'{"a":1}', b"2", b"3")]

    async def answer(visit):
        cut = STREAM[: len(visit.upstream.visits)]
        if framing == "chunked":
            await visit.send(CHUNKED + chunk(cut) + LAST)
        else:
            await visit.send(STREAM_HEAD + b"\r\n" + cut)
            visit.close()

    async with serve(answer) as upstream:
        runtime = runtime_to(upstream)
        for cut in range(1, len(STREAM)):
            chunks, error = await read(runtime, stream=True)
            assert sum(end <= cut for end in ends) == len(chunks)
            assert (error is None) == (cut in ends)
            assert error is None or type(error) is UpstreamError


async def test_corrupt_frame(runtime_to):
    """Damage ends the stream with an error, after the chunks before it, and with the connection."""
    damaged = bytearray(frame(b"2"))
    damaged[-1] ^= 1

    async with serve(saying(CHUNKED + chunk(frame(b"1") + bytes(damaged) + frame(b"3")) + LAST)) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=True)

        assert chunks == [b"1"]
        assert type(error) is UpstreamError
        assert "checksum" in error.detail


EXCEPTIONS = {
    "throttlingException": UpstreamThrottled,
    "validationException": InvalidRequest,
    "modelStreamErrorException": ModelFailed,
    "modelTimeoutException": ModelTimedOut,
    "internalServerException": UpstreamError,
    "serviceUnavailableException": UpstreamUnavailable,
    "aNewException": UpstreamError,
}


@pytest.mark.parametrize("before", [0, 1], ids=["first", "after a chunk"])
@pytest.mark.parametrize(("name", "kind"), EXCEPTIONS.items())
async def test_exception_frame(runtime_to, name, kind, before):
    """Every exception that a stream can hold is its own error, after what came before it in the same read."""
    async with serve(saying(CHUNKED + chunk(frame(b"1") * before + exception(name)) + LAST)) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=True)

        assert [b"1"] * before == chunks
        assert kind is type(error)
        assert "it broke" not in str(error)
        assert "it broke" in error.detail


async def test_error_frame(runtime_to):
    """An error that AWS's model does not know carries its words in the headers."""
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "arn:aws:secret"}

    async with serve(saying(CHUNKED + chunk(encode(headers, b"")) + LAST)) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=True)

    assert ([], UpstreamError) == (chunks, type(error))
    assert "arn" not in str(error)
    assert "arn:aws:secret" in error.detail


async def test_unknown_event(runtime_to):
    """Events of a type that we do not know are passed over."""
    other = encode({":event-type": "weather", ":message-type": "event"}, b'{"rain":true}')

    async with serve(saying(CHUNKED + chunk(other + frame(b"1") + other) + LAST)) as upstream:
        assert await read(runtime_to(upstream), stream=True) == ([b"1"], None)


CORAL = b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}'
DISGUISED = {
    "JSON for a stream": (whole(b'{"message":"no"}'), True),
    "a stream for JSON": (CHUNKED + chunk(frame(b"1")) + LAST, False),
    "a web page": (whole(b"<html>").replace(b"application/json", b"text/html"), False),
    "no content type": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", False),
    "unknown operation": (whole(CORAL), False),
    "unknown operation, stream": (whole(CORAL), True),
    "no body": (whole(b""), False),
    "no frame": (CHUNKED + LAST, True),
    "no chunk": (CHUNKED + chunk(encode({":event-type": "x", ":message-type": "event"}, b"")) + LAST, True),
    "another 2xx": (whole(b"{}", status=b"204 No Content"), False),
    "a redirection": (whole(b"{}", b"location: /", status=b"302 Found"), False),
}


@pytest.mark.parametrize(("data", "stream"), DISGUISED.values(), ids=DISGUISED)
async def test_200_without_output(runtime_to, data, stream):
    """A success without output of the kind asked for is an error that may be tried elsewhere."""
    async with serve(saying(data)) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=stream)

    assert chunks == []
    assert type(error) is UpstreamError
    assert error.retryable


@pytest.mark.parametrize("stream", [False, True])
async def test_throttled_and_cold_are_told_apart(runtime_to, stream):
    """Both are 429; the name decides. ``retry-after`` is passed on."""
    for name, kind in (("ThrottlingException", UpstreamThrottled), ("ModelNotReadyException", ModelNotReady)):
        header = f"x-amzn-ErrorType: {name}:http://internal.amazon.com/coral/com.amazon.bedrock/".encode()
        data = whole(b'{"message":"arn:aws:bedrock: wait"}', header, b"retry-after: 7", status=b"429 Too Many Requests")
        async with serve(saying(data)) as upstream:
            chunks, error = await read(runtime_to(upstream), stream=stream)

        assert ([], kind, 7.0) == (chunks, type(error), error.retry_after_seconds)
        assert "arn" not in str(error)


async def test_error_keeps_the_connection(runtime_to):
    """An error reply that was read wholly leaves the connection as good as any."""
    async with serve(saying(whole(b"{}", b"x-amzn-errortype: ThrottlingException", status=b"429 x"))) as upstream:
        runtime = runtime_to(upstream)
        for _ in range(3):
            await read(runtime, stream=False)
        assert upstream.connections == 1


@pytest.mark.parametrize(
    ("start", "changes"),
    [
        pytest.param(b"", {"first_byte_seconds": 0.1}, id="before the first frame"),
        pytest.param(frame(b"1"), {"between_bytes_seconds": 0.1}, id="after a frame"),
    ],
)
async def test_drip_is_silence(runtime_to, start, changes):
    """Bytes that complete no frame do not push the limit ahead of themselves."""

    async def answer(visit):
        await visit.send(CHUNKED + (chunk(start) if start else b""))
        for byte in frame(b"x" * 10_000):
            await visit.send(chunk(bytes([byte])))
            await asyncio.sleep(0.005)

    async with serve(answer) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=True, **changes)

        assert [b"1"] * bool(start) == chunks
        assert type(error) is UpstreamTimeout
        await upstream.closed()


async def test_deadline_in_a_stream(runtime_to):
    """The deadline ends a stream that would have gone on for ever."""

    async def answer(visit):
        await visit.send(CHUNKED)
        while True:
            await visit.send(chunk(frame(b"1")))
            await asyncio.sleep(0.02)

    async with serve(answer) as upstream:
        chunks, error = await read(runtime_to(upstream), stream=True, deadline=monotonic() + 0.8)

        assert chunks
        assert type(error) is DeadlineExceeded
        await upstream.closed()


async def test_leaving_closes_the_socket(runtime_to):
    """Whoever stops iterating closes the upstream's socket by leaving the ``async with``."""

    async def answer(visit):
        await visit.send(CHUNKED + chunk(frame(b"1")))
        await visit.hung_up()

    async with serve(answer) as upstream:
        async with invoke(runtime_to(upstream), stream=True) as exchange:
            async for chunks in exchange:
                assert chunks == [b"1"]
                break
        await upstream.closed()


async def test_failed_attempts_waited_too(runtime_to):
    """Time that was lost on a silent upstream counts as waiting, not as our own work."""

    async def answer(visit):
        await visit.hung_up()

    async with serve(answer) as upstream:
        exchange = invoke(runtime_to(upstream), stream=False, first_byte_seconds=0.1)
        with pytest.raises(UpstreamTimeout):
            async with exchange:
                pass

        assert exchange.waited_seconds >= 0.09
