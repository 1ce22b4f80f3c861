"""One reply from a server that misbehaves on purpose."""

import asyncio
import socket
from time import monotonic

import pytest

from gateway.bedrock.hosts import Origin
from gateway.errors import DeadlineExceeded, UpstreamError, UpstreamTimeout
from tests.gateway.bedrock.asking import PATIENT, REQUEST, SHORT, ask, request, saying, stalled, stalling_after
from tests.gateway.bedrock.upstream import HEAD, chunk, listen, serve, whole

BODIES = {
    "content-length": whole(b"hello"),
    "chunked": HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"he") + chunk(b"llo") + b"0\r\n\r\n",
    "trailer": HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"hello") + b"0\r\nx-sum: 1\r\n\r\n",
    "chunk extension": HEAD + b"transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
    "100 continue": b"HTTP/1.1 100 Continue\r\n\r\n" + whole(b"hello"),
    "103 early hints": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + whole(b"hello"),
    "long head": whole(b"hello", b"x-long: " + b"x" * 30_000),
}


@pytest.mark.parametrize("data", BODIES.values(), ids=BODIES)
async def test_body(client, data):
    """Every framing of a body that HTTP/1.1 has is read, and the connection used again."""
    async with serve(saying(data)) as upstream:
        assert [await ask(client, upstream) for _ in range(2)] == [b"hello", b"hello"]
        assert upstream.connections == 1


@pytest.mark.parametrize("data", BODIES.values(), ids=BODIES)
async def test_drip(client, data):
    """A byte per write gives the same reply."""
    data = data.replace(b"x" * 30_000, b"x" * 30)

    async with serve(lambda visit: visit.drip(data)) as upstream:
        assert await ask(client, upstream) == b"hello"


@pytest.mark.parametrize("name", ["content-length", "chunked"])
async def test_split_at_every_byte(client, name):
    """Wherever the reply is cut into two packets, it is the same reply."""
    data = BODIES[name]

    async def answer(visit):
        cut = len(visit.upstream.visits) - 1
        await visit.send(data[:cut])
        await asyncio.sleep(0.001)
        await visit.send(data[cut:])

    async with serve(answer) as upstream:
        assert [b"hello"] * len(data) == [await ask(client, upstream) for _ in data]
        assert upstream.connections == 1


async def test_until_close(client):
    """A body that only the close ends is whole, and its connection is not used again."""
    async with serve(saying(HEAD + b"\r\nhello", close=True)) as upstream:
        assert [await ask(client, upstream) for _ in range(2)] == [b"hello", b"hello"]
        assert upstream.connections == 2


@pytest.mark.parametrize("extra", [b"connection: close", b"connection: Close, x"], ids=["close", "close in a list"])
async def test_connection_close(client, extra):
    """An upstream that announces its leave is not asked again on that connection."""
    async with serve(saying(whole(b"hello", extra))) as upstream:
        assert [await ask(client, upstream) for _ in range(2)] == [b"hello", b"hello"]
        assert upstream.connections == 2


async def test_http_1_0(client):
    """HTTP/1.0 without keep-alive closes after its reply."""
    async with serve(saying(whole(b"hello").replace(b"HTTP/1.1", b"HTTP/1.0"), close=True)) as upstream:
        assert [await ask(client, upstream) for _ in range(2)] == [b"hello", b"hello"]


CUTS = {
    "before any byte": b"",
    "in the status line": b"HTTP/1.1 2",
    "in the head": HEAD,
    "before the body": HEAD + b"content-length: 5\r\n\r\n",
    "in the body": HEAD + b"content-length: 5\r\n\r\nhel",
    "in a chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhel",
    "in a chunk's length": HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"hello") + b"5",
    "before the last chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"hello"),
    "in the last chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"hello") + b"0\r\n",
}


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("data", CUTS.values(), ids=CUTS)
async def test_cut(client, data, ending):
    """A reply that is cut anywhere, politely or not, is an error that may be tried again, and is not tried here."""

    async def answer(visit):
        await visit.send(data)
        getattr(visit, ending)()

    async with serve(answer) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await ask(client, upstream)

        assert caught.value.retryable
        assert len(upstream.visits) == 1
        await upstream.closed()


NONSENSE = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "two framings": HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    "a length that is none": HEAD + b"content-length: x\r\n\r\nhello",
    "a chunk length that is none": HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000,
    "an endless list of headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 40_000,
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense(client, data):
    """What is not one HTTP reply of reasonable size is an error, and ends the connection."""
    async with serve(saying(data)) as upstream:
        with pytest.raises(UpstreamError):
            await ask(client, upstream)
        await upstream.closed()


async def test_unasked_bytes_after_a_reply(client):
    """Bytes after a reply belong to nobody: the reply stands, and the next request goes elsewhere."""
    async with serve(saying(whole(b"hello") + whole(b"evil"))) as upstream:
        assert [await ask(client, upstream) for _ in range(2)] == [b"hello", b"hello"]
        assert upstream.connections == 2


@pytest.mark.parametrize(
    ("answer", "timeouts"),
    [
        pytest.param(stalled, PATIENT._replace(first_byte_seconds=SHORT), id="no first byte"),
        pytest.param(stalling_after(HEAD), PATIENT._replace(first_byte_seconds=SHORT), id="half a head"),
        pytest.param(
            stalling_after(HEAD + b"content-length: 5\r\n\r\nhe"), PATIENT._replace(between_bytes_seconds=SHORT), id="half a body"
        ),
    ],
)
async def test_silence(client, answer, timeouts):
    """Silence beyond its limit ends this attempt, and the upstream's socket with it."""
    async with serve(answer) as upstream:
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(client, upstream, timeouts)

        assert caught.value.retryable
        await upstream.closed()


async def test_dripping_head(client):
    """A head that comes byte by byte does not push its limit ahead of itself."""

    async def answer(visit):
        for _ in range(10_000):
            await visit.send(b"x-a: b\r\n" if visit.upstream.gone.get("begun") else HEAD)
            visit.upstream.gone["begun"] = True
            await asyncio.sleep(0.01)

    async with serve(answer) as upstream:
        with pytest.raises(UpstreamTimeout):
            await ask(client, upstream, PATIENT._replace(first_byte_seconds=4 * SHORT))


@pytest.mark.parametrize("data", [b"", HEAD, HEAD + b"content-length: 5\r\n\r\nhe"], ids=["nothing", "head", "body"])
async def test_deadline(client, data):
    """When the request's own time ends, that is what the error says: no other target could help."""
    async with serve(stalling_after(data)) as upstream:
        with pytest.raises(DeadlineExceeded) as caught:
            await ask(client, upstream, PATIENT._replace(deadline=monotonic() + SHORT))

        assert not isinstance(caught.value, UpstreamTimeout)
        await upstream.closed()


async def test_streaming_in_order(client):
    """A long body arrives in order and whole, however slowly it is read, and does not pile up meanwhile."""
    piece = bytes(range(256)) * 256
    sent = 0

    async def answer(visit):
        nonlocal sent
        await visit.send(HEAD + b"content-length: %d\r\n\r\n" % (len(piece) * 400))
        for _ in range(400):
            await visit.send(piece)
            sent += 1

    async with serve(answer) as upstream:
        reply = await client.send(upstream.origin(), REQUEST, PATIENT)
        await asyncio.sleep(0.2)
        assert sent < 400  # 26 MB do not fit the sockets' buffers: what was not asked for was not taken
        body = bytearray()
        while part := await reply.read():
            body += part
        assert bytes(body) == piece * 400
        reply.close()


async def test_early_answer(client):
    """An answer that comes before the request was taken is read; the connection, with half a request in it, is not kept."""
    refusals = []

    async def refuse(reader, writer):
        refusals.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(whole(b"too large", status=b"413 Payload Too Large"))
        await writer.drain()
        await asyncio.sleep(20)

    async with listen(refuse) as address:
        for _ in range(2):
            reply = await client.send(Origin("http", *address), request(bytes(30_000_000)), PATIENT)
            assert (reply.status, await reply.whole()) == (413, b"too large")
        assert len(refusals) == 2


async def test_keep_alive_is_on(client):
    """The kernel probes a silent connection after 45 seconds, before any gateway on the way forgets it."""
    async with serve(saying(whole(b"hello"))) as upstream:
        await ask(client, upstream)
        (connection,) = client._pools[upstream.origin()]._idle
        sock = connection._transport.get_extra_info("socket")

        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 45
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_waiting_is_measured(client):
    """What the upstream takes is told apart from what we take."""

    async def answer(visit):
        await asyncio.sleep(0.1)
        await visit.send(whole(b"hello"))

    async with serve(answer) as upstream:
        reply = await client.send(upstream.origin(), REQUEST, PATIENT)
        await asyncio.sleep(0.1)  # ours
        await reply.whole()

        assert 0.09 < reply.waited_seconds < 5
