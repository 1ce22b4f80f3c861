"""A Bedrock runtime with one canned answer, several times faster than anything measured through it. Checks nothing, signs nothing.

``/invoke`` answers at once; ``/invoke-with-response-stream`` writes all frames in one write, or one every ``PACE_SECONDS`` when the
model's ARN says ``paced``. Any other path is a health check.
"""

import asyncio
from collections.abc import Sequence
from typing import cast

import httptools

from benchmarks import bodies

PACE_SECONDS = 0.010
HEALTHY = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"


def whole() -> bytes:
    """The reply to ``/invoke`` with its head, token counts in headers as Bedrock sends them."""
    body = bodies.whole_reply()
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-amzn-requestid: 6f4c1f0e-0000-4000-8000-000000000000\r\n"
        f"x-amzn-bedrock-input-token-count: {bodies.PROMPT_TOKENS}\r\nx-amzn-bedrock-output-token-count: {bodies.OUTPUT_TOKENS}\r\n"
        f"x-amzn-bedrock-invocation-latency: 640\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def pieces() -> list[bytes]:
    """The streamed reply, one piece a frame: the head goes with the first, the end of the chunked body with the last."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
        b"x-amzn-requestid: 6f4c1f0e-0000-4000-8000-000000000000\r\n"
        b"x-amzn-bedrock-content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunks = [b"%x\r\n%b\r\n" % (len(frame), frame) for frame in bodies.stream_frames()]
    return [head + chunks[0], *chunks[1:-1], chunks[-1] + b"0\r\n\r\n"]


class Bedrock(asyncio.Protocol):
    """One caller's connection. Requests follow one another; pipelining is not expected."""

    def __init__(self, whole_reply: bytes, reply_pieces: Sequence[bytes]) -> None:
        self._whole = whole_reply
        self._pieces = reply_pieces
        self._streamed = b"".join(reply_pieces)
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._next_piece: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods but are no subclass.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # asyncio's signature
        if self._next_piece:
            self._next_piece.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_message_complete(self) -> None:
        url = self._url
        if url.endswith(b"/invoke"):
            self._transport.write(self._whole)
        elif not url.endswith(b"/invoke-with-response-stream"):
            self._transport.write(HEALTHY)
        elif b"paced" in url:
            self._write_piece(0, self._loop.time())
        else:
            self._transport.write(self._streamed)

    def _write_piece(self, index: int, started_at: float) -> None:
        self._transport.write(self._pieces[index])
        if index + 1 < len(self._pieces):
            # Counted from the start, so that a late timer does not stretch the stream.
            due = started_at + (index + 1) * PACE_SECONDS
            self._next_piece = self._loop.call_at(due, self._write_piece, index + 1, started_at)


async def listen(port: int) -> asyncio.Server:
    """Answer on loopback; port 0 lets the system choose."""
    whole_reply, reply_pieces = whole(), pieces()
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Bedrock(whole_reply, reply_pieces), "127.0.0.1", port, backlog=4096)
