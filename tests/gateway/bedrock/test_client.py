"""Connections kept, lent, replaced and broken, against a server that misbehaves on purpose."""

import asyncio
import random
import socket
import ssl
from time import monotonic

import pytest

from gateway.bedrock.client import Client
from gateway.bedrock.hosts import Origin
from gateway.errors import DeadlineExceeded, UpstreamError, UpstreamTimeout
from tests.gateway.bedrock.asking import PATIENT, REQUEST, SHORT, ask, request, saying, stalled, stalling_after
from tests.gateway.bedrock.upstream import HEAD, chunk, listen, serve, until, whole


async def test_unasked_bytes_while_idle(client):
    """What an upstream says between two requests never answers the next one."""

    async def answer(visit):
        await visit.send(whole(b"hello"))
        if len(visit.upstream.visits) == 1:
            await asyncio.sleep(0.02)
            await visit.send(whole(b"evil"))

    async with serve(answer) as upstream:
        assert await ask(client, upstream) == b"hello"
        await upstream.closed()
        assert await ask(client, upstream) == b"hello"


async def test_closed_while_idle(client):
    """A connection that the upstream closed between two requests costs nothing but a new one."""
    async with serve(saying(whole(b"hello"), close=True)) as upstream:
        assert await ask(client, upstream) == b"hello"
        await upstream.closed()
        await asyncio.sleep(0.01)

        assert await ask(client, upstream) == b"hello"
        assert len(upstream.visits) == 2


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_stale(client, ending):
    """A used connection that dies before a byte of the reply is replaced once, by a fresh one."""

    async def answer(visit):
        if visit.number == 1:
            getattr(visit, ending)()
        else:
            await visit.send(whole(b"hello"))

    async with serve(answer) as upstream:
        assert [await ask(client, upstream) for _ in range(2)] == [b"hello", b"hello"]
        assert upstream.connections == 2
        assert len(upstream.visits) == 3


async def test_stale_once(client):
    """The replacement is not replaced."""

    async def answer(visit):
        if len(visit.upstream.visits) == 1:
            await visit.send(whole(b"hello"))
        else:
            visit.reset()

    async with serve(answer) as upstream:
        await ask(client, upstream)
        with pytest.raises(UpstreamError):
            await ask(client, upstream)
        assert len(upstream.visits) == 3


async def test_answered_is_not_stale(client):
    """One byte of an answer on a used connection, and the request is not sent again."""

    async def answer(visit):
        await visit.send(whole(b"hello") if visit.number == 0 else b"H")
        if visit.number == 1:
            visit.reset()

    async with serve(answer) as upstream:
        await ask(client, upstream)
        with pytest.raises(UpstreamError):
            await ask(client, upstream)
        assert len(upstream.visits) == 2


async def test_refused(client):
    """Nobody listens: an error that may be tried elsewhere, without the caller learning where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        origin = Origin("http", "127.0.0.1", free.getsockname()[1])

    with pytest.raises(UpstreamError) as caught:
        await client.send(origin, REQUEST, PATIENT)

    assert caught.value.retryable
    assert "127.0.0.1" not in str(caught.value)
    assert "127.0.0.1" in caught.value.detail


async def test_no_such_host(client):
    """A name that does not resolve is an error like any other connection's."""
    with pytest.raises(UpstreamError):
        await client.send(Origin("http", "nowhere.invalid", 80), REQUEST, PATIENT)


async def test_connect_timeout(client):
    """A listener that takes no connection is given up after ``connect_seconds``."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = [socket.socket() for _ in range(8)]
        for other in held:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        origin = Origin("http", *full.getsockname())

        with pytest.raises(UpstreamTimeout):
            await client.send(origin, REQUEST, PATIENT._replace(connect_seconds=4 * SHORT))

        for other in held:
            other.close()


async def test_reply_too_long():
    """A whole reply has a greatest length; the rest is not even read."""
    client = Client(max_reply_bytes=100_000)

    async def answer(visit):
        await visit.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        while not visit.upstream.gone.get(visit.writer):
            await visit.send(chunk(b"x" * 10_000))

    async with serve(answer) as upstream:
        with pytest.raises(UpstreamError, match="too long"):
            await ask(client, upstream)
        await upstream.closed()
    await client.aclose()


CANCELLED = {
    "waiting for the head": (b"", 0),
    "in the head": (HEAD, 0),
    "waiting for the body": (HEAD + b"content-length: 9\r\n\r\n", 0),
    "in the body": (HEAD + b"content-length: 9\r\n\r\nhe", 1),
}


@pytest.mark.parametrize(("data", "reads"), CANCELLED.values(), ids=CANCELLED)
async def test_cancel(client, data, reads):
    """Wherever a caller is cancelled, the upstream sees the socket close, and the pool has its place back."""
    async with serve(stalling_after(data)) as upstream:
        task = asyncio.create_task(ask(client, upstream))
        async with asyncio.timeout(5):
            await until(lambda: bool(upstream.visits))
        await asyncio.sleep(0.01)

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.closed()


async def test_left_unread(client):
    """A reply that is closed before its end breaks the connection instead of lending it on."""
    async with serve(saying(HEAD + b"content-length: 9\r\n\r\nhe")) as upstream:
        reply = await client.send(upstream.origin(), REQUEST, PATIENT)
        reply.close()
        await upstream.closed()


async def test_most_connections():
    """Never more connections than allowed; whoever waits is served in order."""
    client = Client(max_connections=3)
    most, order = 0, []

    async def answer(visit):
        nonlocal most
        most = max(most, visit.upstream.open)
        order.append(int(visit.body))
        await asyncio.sleep(0.005)
        await visit.send(whole(visit.body))

    async def one(number):
        body = b"%03d" % number
        reply = await client.send(upstream.origin(), request(body), PATIENT)
        assert body == await reply.whole()

    async with serve(answer) as upstream:
        await asyncio.gather(*(one(number) for number in range(30)))
    await client.aclose()

    assert most == 3
    # Three are on the wire at once, and may overtake each other there.
    assert all(abs(number - position) <= 3 for position, number in enumerate(order))


async def test_no_room_in_time():
    """Waiting for another's connection ends with the deadline, and the line moves on."""
    client = Client(max_connections=1)

    async with serve(stalled) as upstream:
        first = asyncio.create_task(ask(client, upstream))
        await until(lambda: bool(upstream.visits))
        with pytest.raises(DeadlineExceeded):
            await ask(client, upstream, PATIENT._replace(deadline=monotonic() + SHORT))
        assert upstream.connections == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    await client.aclose()


async def test_line_survives_leavers():
    """Callers who are cancelled in line, even just when called, take nobody's place along."""
    client = Client(max_connections=2)
    dice = random.Random(7)

    async def answer(visit):
        await asyncio.sleep(dice.random() * 0.002)
        await (visit.send(whole(b"hello")) if dice.random() < 0.8 else visit.send(b"broken\r\n\r\n"))

    async def leaver():
        task = asyncio.create_task(ask(client, upstream))
        await asyncio.sleep(dice.random() * 0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async with serve(answer) as upstream:
        await asyncio.gather(*(leaver() for _ in range(300)))
        pool = client._pools[upstream.origin()]

        assert pool._free + len(pool._idle) == 2
        assert not pool._busy
        assert not [turn for turn in pool._line if not turn.done()]
    await client.aclose()


async def test_idle_connections_are_closed():
    """A connection that nobody uses for ``idle_seconds`` is closed."""
    client = Client(idle_seconds=0.05)

    async with serve(saying(whole(b"hello"))) as upstream:
        await ask(client, upstream)
        assert upstream.open == 1
        await upstream.closed()
        assert await ask(client, upstream) == b"hello"
    await client.aclose()


async def test_aclose(client):
    """Closing the client closes every socket, the busy ones too, whose callers see an error."""
    async with serve(stalling_after(b"")) as upstream:
        task = asyncio.create_task(ask(client, upstream))
        async with asyncio.timeout(5):
            await until(lambda: bool(upstream.visits))

        await client.aclose()

        with pytest.raises(UpstreamError):
            await task
        await upstream.closed()


async def test_crossed_replies(client):
    """2,000 calls, half of them cancelled at random moments: nobody ever reads another's reply."""
    dice = random.Random(1)
    crossed, answered = 0, 0

    async def answer(visit):
        await asyncio.sleep(dice.random() * 0.003)
        data = (
            whole(visit.body)
            if dice.random() < 0.5
            else HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk(visit.body) + b"0\r\n\r\n"
        )
        cut = dice.randrange(len(data))
        await visit.send(data[:cut])
        await asyncio.sleep(dice.random() * 0.003)
        await visit.send(data[cut:])

    async def call(number):
        nonlocal crossed, answered
        nonce = b"nonce %d" % number
        reply = await client.send(upstream.origin(), request(nonce), PATIENT)
        try:
            crossed += nonce != await reply.whole()
            answered += 1
        finally:
            reply.close()

    async def worker(first):
        for number in range(first, 2000, 20):
            task = asyncio.create_task(call(number))
            if number % 2:
                await asyncio.sleep(dice.random() * 0.008)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async with serve(answer) as upstream:
        await asyncio.gather(*(worker(first) for first in range(20)))

    assert crossed == 0
    assert answered >= 1000


async def test_tls(good):
    """A certificate of the given authority for the right host is accepted, and its connection used again."""
    client = Client(ca_bundle=str(good.path))

    async with serve(saying(whole(b"hello")), good.server()) as upstream:
        for _ in range(2):
            reply = await client.send(upstream.origin("https"), REQUEST, PATIENT)
            assert await reply.whole() == b"hello"
        assert upstream.connections == 1
        await client.aclose()


async def test_tls_cancelled_in_the_handshake(good):
    """A caller who leaves during the handshake closes the socket too."""
    client = Client(ca_bundle=str(good.path))
    seen = asyncio.Event()
    ended = asyncio.Event()

    async def silent(reader, writer):
        seen.set()
        while await reader.read(65_536):
            pass
        ended.set()

    async with listen(silent) as address:
        task = asyncio.create_task(client.send(Origin("https", *address), REQUEST, PATIENT))
        await asyncio.wait_for(seen.wait(), 5)

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(ended.wait(), 5)
    await client.aclose()


async def refuses(client, context):
    """Whether a TLS server is refused without a byte of a request."""
    async with serve(saying(whole(b"hello")), context) as upstream:
        with pytest.raises(UpstreamError):
            await client.send(upstream.origin("https"), REQUEST, PATIENT)
        await client.aclose()
        return upstream.bytes_received == 0


async def test_tls_unknown_authority(good):
    """A certificate that nobody vouches for gets no byte of a request."""
    assert await refuses(Client(), good.server())


async def test_tls_wrong_host(elsewhere):
    """A trusted certificate for another host gets no byte of a request."""
    assert await refuses(Client(ca_bundle=str(elsewhere.path)), elsewhere.server())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_tls_too_old(good):
    """TLS 1.1 is not spoken."""
    context = good.server()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    assert await refuses(Client(ca_bundle=str(good.path)), context)


async def test_no_tls_there():
    """An https request to a server that speaks plain HTTP fails before anything of it is shown."""
    heard = bytearray()

    async def plain(reader, writer):
        heard.extend(await reader.read(65_536))
        writer.write(whole(b"hello"))
        await writer.drain()

    client = Client()
    async with listen(plain) as address:
        with pytest.raises(UpstreamError):
            await client.send(Origin("https", *address), REQUEST, PATIENT)
    await client.aclose()
    assert b"POST" not in heard
