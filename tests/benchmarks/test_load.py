"""The load counts what it was promised and nothing else."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from benchmarks import bodies, load, stub, systems


@pytest.fixture
async def port():
    """A stub's port."""
    server = await stub.listen(0)
    yield server.sockets[0].getsockname()[1]
    await settle(server)


@pytest.fixture
def exchanges():
    """What the stub understands."""
    return systems.direct(0).exchanges


@pytest.mark.parametrize("kind", ["json", "stream"])
async def test_a_closed_loop_keeps_callers_busy(port, exchanges, kind):
    """Four callers ask again and again until the time is over, and each reply has its two times."""
    outcome = await load.closed_loop(port, exchanges[kind], concurrency=4, seconds=0.1)

    assert len(outcome.latencies) >= 4
    assert len(outcome.latencies) == len(outcome.first_bytes)
    assert all(0 < first <= last for first, last in zip(outcome.first_bytes, outcome.latencies, strict=True))
    assert outcome.seconds >= 0.1


async def test_streams_under_way_are_waited_for(port, exchanges):
    """A paced stream begun before the end is read to its last frame."""
    outcome = await load.closed_loop(port, exchanges["paced"], concurrency=2, seconds=0.01)

    assert len(outcome.latencies) == 2
    assert min(outcome.latencies) >= 0.6


async def test_an_open_loop_sends_what_it_was_told(port, exchanges):
    """The rate alone decides how many requests leave."""
    outcome = await load.open_loop(port, exchanges["json"], rate=200, seconds=0.5)

    assert len(outcome.latencies) == 100
    assert outcome.seconds >= 0.45


async def test_an_open_loop_charges_waiting_to_the_server(port, exchanges):
    """More requests than connections: those that wait count from when they were due, and none is left out."""
    outcome = await load.open_loop(port, exchanges["paced"], rate=200, seconds=0.32)

    assert len(outcome.latencies) == 64
    assert sum(latency > 0.9 for latency in outcome.latencies) >= 32


@pytest.mark.parametrize(
    "promise",
    [{"body_bytes": bodies.REPLY_BYTES + 1}, {"ending": b"[DONE]"}],
    ids=["too short", "ends otherwise"],
)
async def test_a_bad_reply_ends_the_run(port, exchanges, promise):
    """A reply that is not as promised is an error, not a fast success."""
    with pytest.raises(load.BadReplyError, match="status 200, 623 bytes"):
        await load.closed_loop(port, exchanges["json"]._replace(**promise), concurrency=2, seconds=5)


@pytest.mark.parametrize("loop", ["closed", "open"])
async def test_an_error_status_ends_the_run(exchanges, loop):
    """So is any status but 200, in both loops."""
    refusal = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 700\r\n\r\n" + b"}" * 700
    async with answering(refusal) as port:
        with pytest.raises(load.BadReplyError, match="status 503"):
            if loop == "closed":
                await load.closed_loop(port, exchanges["json"], concurrency=2, seconds=5)
            else:
                await load.open_loop(port, exchanges["json"], rate=100, seconds=5)


async def test_a_lost_connection_ends_the_run(exchanges):
    """A server that hangs up in the middle of a reply has not served it."""
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 700\r\n\r\nhalf"
    async with answering(half, hangs_up=True) as port:
        with pytest.raises(load.BadReplyError, match="lost after 4 bytes"):
            await load.closed_loop(port, exchanges["json"], concurrency=1, seconds=5)


async def test_silent_connections_stay_open(port):
    """Each has had its reply, and the server still holds it."""
    connections = load.IdleConnections(port, load.Exchange(b"GET / HTTP/1.1\r\nhost: stub\r\n\r\n", 2, b"ok"))
    try:
        await connections.open(150)

        assert connections.held() == 150
    finally:
        connections.close()


class Stubborn(asyncio.Protocol):
    """Says the same to everything it reads."""

    def __init__(self, reply, *, hangs_up):
        self._reply = reply
        self._hangs_up = hangs_up

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._transport.write(self._reply)
        if self._hangs_up:
            self._transport.close()


@asynccontextmanager
async def answering(reply, *, hangs_up=False):
    """The port of a server that knows one answer."""
    server = await asyncio.get_running_loop().create_server(lambda: Stubborn(reply, hangs_up=hangs_up), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    await settle(server)


async def settle(server):
    """Close, and let the loop see that the callers have gone: on loopback that takes a few turns, never a wait."""
    server.close()
    for _ in range(20):
        await asyncio.sleep(0)
