"""A raw asyncio server that answers as a test tells it to, byte for byte. It shares no code with what it tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext

from gateway.bedrock.hosts import Origin

Answer = Callable[["Visit"], Awaitable[None]]
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def whole(body: bytes, *extra: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"content-type: application/json", b"content-length: %d" % len(body), *extra]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - only the socket knows, and it does not call
        await asyncio.sleep(0.001)


class Visit:
    """One request as it arrived, and the socket to answer it on."""

    def __init__(self, upstream: "Upstream", head: bytes, body: bytes, writer: asyncio.StreamWriter, number: int) -> None:
        self.upstream = upstream
        self.head = head
        self.body = body
        self.writer = writer
        self.number = number  # of the request on its connection, from 0

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    def header(self, name: str) -> str:
        for line in self.head.decode().split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name:
                return value
        return ""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes) -> None:
        for start in range(len(data)):
            await self.send(data[start : start + 1])
            await asyncio.sleep(0)

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()

    async def hung_up(self) -> None:
        """Wait until the other side has closed."""
        await until(lambda: self.upstream.gone.get(self.writer, False))


class Upstream:
    """What a server has seen."""

    def __init__(self) -> None:
        self.connections = 0
        self.visits: list[Visit] = []
        self.open = 0
        self.gone: dict[asyncio.StreamWriter, bool] = {}
        self.port = 0
        self.bytes_received = 0

    def origin(self, scheme: str = "http", host: str = "127.0.0.1") -> Origin:
        return Origin(scheme, host, self.port)

    async def closed(self) -> None:
        """Wait until nobody is connected."""
        async with asyncio.timeout(5):
            await until(lambda: not self.open)


@asynccontextmanager
async def listen(handle: Handle, tls: SSLContext | None = None) -> AsyncIterator[tuple[str, int]]:
    """A server that leaves nothing behind: neither tasks nor sockets."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def serve(answer: Answer, tls: SSLContext | None = None) -> AsyncIterator[Upstream]:
    """A server that reads whole requests and lets ``answer`` do the rest."""
    upstream = Upstream()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connections += 1
        upstream.open += 1
        try:
            await _converse(upstream, answer, reader, writer)
        finally:
            upstream.open -= 1

    async with listen(handle, tls) as (_, upstream.port):
        yield upstream


async def _converse(upstream: Upstream, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    number = 0
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        upstream.bytes_received += len(head) + length
        visit = Visit(upstream, head, body, writer, number)
        upstream.visits.append(visit)
        number += 1
        upstream.gone[writer] = False
        watcher = asyncio.create_task(_watch(upstream, reader, writer))
        try:
            await answer(visit)
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        if writer.transport.is_closing():
            return


async def _watch(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Notice the other side's close while an answer is being written or withheld."""
    await until(lambda: reader.at_eof() or reader.exception() is not None or writer.transport.is_closing())
    upstream.gone[writer] = True
