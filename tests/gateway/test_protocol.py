"""The HTTP protocol under hostile connections: raw sockets, as no client library would send them."""

import asyncio

import pytest

from gateway import protocol
from tests.stack import Stack


async def exchange(stack: Stack, sent: bytes) -> bytes:
    """Send bytes, read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stack.url.rsplit(":", 1)[1]))
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


HEAD = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"


async def test_a_usual_head_is_answered(stack: Stack) -> None:
    """The limits are far from any real client's head."""
    assert (await exchange(stack, HEAD + b"x-padding: " + b"a" * 8_000 + b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "fields",
    [b"x-large: " + b"a" * 40_000 + b"\r\n", b"x-many: a\r\n" * 200],
    ids=["40 KB in one field", "200 fields"],
)
async def test_a_head_too_large_is_431(stack: Stack, fields: bytes) -> None:
    """More than 32 KiB or a hundred fields: refused, closed, and nothing has run (C14)."""
    assert (await exchange(stack, HEAD + fields + b"\r\n")).startswith(b"HTTP/1.1 431")
    assert stack.lines() == []


async def test_a_large_body_behind_a_small_head_is_no_large_head(stack: Stack) -> None:
    """What was read together with the head is not counted into it."""
    body = b" " * 60_000
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)

    assert (await exchange(stack, head + body)).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTT", HEAD], ids=["nothing", "half a line", "no empty line"])
async def test_a_head_that_never_ends_is_closed(stack: Stack, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slowloris holds a connection for ``HEAD_SECONDS``, here shortened, and gets nothing for it (C12)."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)

    assert await exchange(stack, sent) == b""


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
        HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"GET /healthz HTTP/1.1\nhost: x\n\n",
        b"GET /healthz HTTP/9.9\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["length and chunked", "two lengths", "bare line feeds", "version", "a TLS hello"],
)
async def test_ambiguous_requests_are_refused(stack: Stack, sent: bytes) -> None:
    """What two parsers could read in two ways is read in none (C10)."""
    assert (await exchange(stack, sent)).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "offer", [b"upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk", b"upgrade\r\nupgrade: websocket"]
)
async def test_an_offer_to_change_the_protocol_is_passed_over(stack: Stack, offer: bytes) -> None:
    """Java's HttpClient offers HTTP/2 with its first request: the body is read, and the next request too."""
    body = b'{"model": "titan-support", "messages": [{"role": "user", "content": "Say hello."}]}'
    key = next(iter(stack.headers.values())).encode()
    post = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: %s\r\ncontent-length: %d\r\n" % (key, len(body))

    answered = await exchange(stack, post + b"connection: " + offer + b"\r\n\r\n" + body + HEAD + b"\r\n")

    assert answered.count(b"HTTP/1.1 200 OK") == 2
    assert b"chat.completion" in answered


async def test_an_upload_that_goes_on_after_its_refusal_is_cut(stack: Stack) -> None:
    """Nobody reads a body for ever that has been answered with a 401 (C6)."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", int(stack.url.rsplit(":", 1)[1]))
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    sent, piece = 0, b"10000\r\n" + b"a" * 65_536 + b"\r\n"

    with pytest.raises(OSError):
        while sent < 100_000_000:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    writer.close()
    assert sent < 80_000_000
