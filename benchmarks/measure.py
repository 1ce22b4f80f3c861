"""Cells: one system under one load for a few seconds, and what came of it. Decides no verdict and prints nothing."""

import asyncio
import math
import resource
import socket
from collections.abc import Coroutine, Iterable
from http.client import HTTPResponse
from typing import Any, NamedTuple, TypeVar

import msgspec
import uvloop

from benchmarks import load, stub
from benchmarks.processes import Process
from benchmarks.systems import System

Result = TypeVar("Result")

SAMPLE_SECONDS = 0.2
STREAM_SECONDS = 0.64
IDLE_CONNECTIONS = 10_000


class Cell(NamedTuple):
    """One load.

    Attributes:
        name: As the report shows it.
        kind: ``json``, ``stream`` or ``paced``.
        concurrency: Requests in flight; 0 when ``rate`` says when they leave.
        rate: Requests a second, however long the replies take.
        seconds: How long new requests are sent; the last ones are waited for.
        is_pressing: The load asks again at once, so that only the system's own work sets the pace: see ``beside_stub``.
    """

    name: str
    kind: str
    seconds: float
    concurrency: int = 0
    rate: float = 0.0
    is_pressing: bool = False


CELLS = (
    Cell("json c=1", "json", seconds=0.8, concurrency=1),
    Cell("json c=32", "json", seconds=2.0, concurrency=32, is_pressing=True),
    Cell("json 500/s", "json", seconds=2.0, rate=500),
    Cell("stream c=1", "stream", seconds=0.8, concurrency=1),
    Cell("stream c=32", "stream", seconds=2.0, concurrency=32, is_pressing=True),
    Cell("paced c=32", "paced", seconds=1.3, concurrency=32),
    Cell("paced c=256", "paced", seconds=1.3, concurrency=256),
)
# The stub answers these in no time worth knowing: it only lends its latency, to be subtracted.
LATENCY_CELLS = frozenset({"json c=1", "json 500/s", "stream c=1"})


class Sample(msgspec.Struct, frozen=True):
    """One cell, once. Times of a reply in seconds, each a percentile over the cell's replies.

    Attributes:
        seconds: Wall time, first request to last reply.
        cpu_seconds: User and system time of the system's processes meanwhile; 0 for the stub itself.
        peak_resident_bytes: The most that was seen resident while the cell ran; 0 for the stub itself.
    """

    system: str
    cell: str
    round: int
    replies: int
    seconds: float
    cpu_seconds: float
    latency_p50: float
    latency_p99: float
    first_byte_p50: float
    first_byte_p99: float
    peak_resident_bytes: int

    @property
    def cpu_microseconds(self) -> float:
        """CPU per request."""
        return self.cpu_seconds / self.replies * 1e6

    @property
    def requests_per_second(self) -> float:
        return self.replies / self.seconds

    @property
    def busy(self) -> float:
        """The share of its core that the system used; well below one, the load and not the system set the rate."""
        return self.cpu_seconds / self.seconds


class Memory(msgspec.Struct, frozen=True):
    """What a fresh process holds.

    Attributes:
        idle_bytes: Resident after the start and one request.
        connections: How many keep-alive connections were open and silent.
        bytes_each: Growth of resident memory, shared among them.
    """

    system: str
    idle_bytes: int
    connections: int
    bytes_each: float


class _Peak:
    """The most memory seen, looked at now and then while a loop runs."""

    def __init__(self, process: Process | None) -> None:
        self._process = process
        self.bytes = 0

    async def watch(self) -> None:
        while self._process:
            await asyncio.sleep(SAMPLE_SECONDS)
            self.bytes = max(self.bytes, self._process.resident_bytes())


def beside_stub(port: int, work: Coroutine[Any, Any, Result], *, awake: bool = False) -> Result:
    """Do something in an event loop of its own, with the stub in the same loop.

    Args:
        awake: Let the loop never sleep. A system under test pays for waking whomever it writes to, and the slower it is, the
            more often it finds them asleep: at full pressure it would be charged for their naps, and nginx for none.
    """

    async def together() -> Result:
        server = await stub.listen(port)
        loop, is_over = asyncio.get_running_loop(), not awake

        def turn() -> None:
            if not is_over:
                loop.call_soon(turn)

        turn()
        try:
            return await work
        finally:
            is_over = True
            server.close()

    return uvloop.run(together())


async def probe(system: System) -> None:
    """Ask once of each kind and read the whole reply.

    Raises:
        BadReplyError: It is not a 200, or does not carry what the stub said.
    """
    for kind, exchange in system.exchanges.items():
        status, body = await asyncio.to_thread(_ask, system.port, exchange.request)
        if status != 200 or not system.holds(kind, body):
            raise load.BadReplyError(f"{system.name}, {kind}: status {status}, {len(body)} bytes: {body[:2000]!r}")


def run(system: System, process: Process | None, cell: Cell, *, stub_port: int, round_number: int) -> Sample:
    """Put one cell's load on a system.

    Args:
        process: The system's; ``None`` for the stub itself.

    Raises:
        BadReplyError: At the first reply that is not as it should be.
    """
    peak = _Peak(process)
    before = process.cpu_seconds() if process else 0.0
    outcome = beside_stub(stub_port, _load(system, cell, peak), awake=cell.is_pressing)
    after = process.cpu_seconds() if process else 0.0
    return Sample(
        system=system.name,
        cell=cell.name,
        round=round_number,
        replies=len(outcome.latencies),
        seconds=outcome.seconds,
        cpu_seconds=after - before,
        latency_p50=percentile(outcome.latencies, 0.50),
        latency_p99=percentile(outcome.latencies, 0.99),
        first_byte_p50=percentile(outcome.first_bytes, 0.50),
        first_byte_p99=percentile(outcome.first_bytes, 0.99),
        peak_resident_bytes=peak.bytes,
    )


async def memory(system: System, process: Process, *, connections: int = IDLE_CONNECTIONS) -> Memory:
    """Weigh a fresh process: after one request, and with silent connections on top.

    Raises:
        BadReplyError: The system closed some of the connections meanwhile.
    """
    await asyncio.to_thread(_ask, system.port, system.exchanges["json"].request)
    idle_bytes = process.resident_bytes()
    if system.idle is None:
        return Memory(system.name, idle_bytes, 0, 0.0)
    count = min(connections, _allowed_files() - 200)
    return await _hold(system, process, system.idle, count, idle_bytes)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


async def _load(system: System, cell: Cell, peak: _Peak) -> load.Outcome:
    exchange = system.exchanges[cell.kind]
    watching = asyncio.create_task(peak.watch())
    try:
        if cell.rate:
            return await load.open_loop(system.port, exchange, rate=cell.rate, seconds=cell.seconds)
        spread = STREAM_SECONDS if cell.kind == "paced" else 0.0
        return await load.closed_loop(
            system.port, exchange, concurrency=cell.concurrency, seconds=cell.seconds, spread_seconds=spread
        )
    finally:
        watching.cancel()


async def _hold(system: System, process: Process, exchange: load.Exchange, count: int, idle_bytes: int) -> Memory:
    connections = load.IdleConnections(system.port, exchange)
    try:
        await connections.open(count)
        # Let the server finish what follows a reply, and close what it means to close.
        await asyncio.sleep(1.0)
        if connections.held() < count:
            raise load.BadReplyError(
                f"{system.name} closed {count - connections.held()} of {count} silent connections within a second"
            )
        grown = process.resident_bytes() - idle_bytes
        return Memory(system.name, idle_bytes, count, grown / count)
    finally:
        connections.close()


def _allowed_files() -> int:
    """Open files that this process may have, after asking for as many as the system grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _ask(port: int, request: bytes) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=load.PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        reply = HTTPResponse(connection, method="POST")
        reply.begin()
        return reply.status, reply.read()
