"""The load: callers on raw sockets that send one request over and over and read every byte. Knows no system under test.

Lighter than what it measures (an asyncio.Protocol and httptools a connection), so that one core carries it together with the stub.
A reply that is not a 200, or is shorter or ends otherwise than promised, stops the run: a fast failure must not look like speed.
"""

import asyncio
from abc import ABC, abstractmethod
from array import array
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple, cast

import httptools

PATIENCE_SECONDS = 30.0
OPEN_LOOP_CONNECTIONS = 32


class BadReplyError(Exception):
    """A reply that a benchmark must not count."""


class Exchange(NamedTuple):
    """A request and what a good reply to it looks like.

    Attributes:
        request: The whole HTTP/1.1 message.
        body_bytes: The least that a whole reply's body holds.
        ending: What the body ends with.
    """

    request: bytes
    body_bytes: int
    ending: bytes


class Outcome(NamedTuple):
    """What a run saw, one entry a reply, in order of completion.

    Attributes:
        latencies: Seconds from the request's write (when it was due, if it had to wait) to the reply's last byte.
        first_bytes: Seconds from the request's write to the first byte of the reply's body.
        seconds: From the first request to the last reply.
    """

    latencies: "array[float]"
    first_bytes: "array[float]"
    seconds: float


class Caller(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self, on_reply: Callable[["Caller"], None], on_failure: Callable[[BadReplyError], None]) -> None:
        self._on_reply = on_reply
        self._on_failure = on_failure
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._received = 0
        self._tail = b""
        self.sent_at = 0.0
        self.first_byte_at = 0.0
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods but are no subclass.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._exchange:
            self._on_failure(BadReplyError(f"the connection was lost after {self._received} bytes of the body: {exc}"))

    def send(self, exchange: Exchange, *, due_at: float | None = None) -> None:
        """Ask. A request that had to wait for a free connection counts from when it was due."""
        self._exchange = exchange
        self._received = 0
        self._tail = b""
        self.sent_at = perf_counter() if due_at is None else due_at
        self._transport.write(exchange.request)

    def close(self) -> None:
        self._exchange = None
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._on_failure(BadReplyError(f"not HTTP: {error}: {data[:200]!r}"))

    def on_body(self, body: bytes) -> None:
        if not self._received:
            self.first_byte_at = perf_counter()
        self._received += len(body)
        # Frames may be cut anywhere; 64 bytes are more than any ending we look for.
        self._tail = body if len(body) >= 64 else (self._tail + body)[-64:]

    def on_message_complete(self) -> None:
        exchange, self._exchange = self._exchange, None
        status = self._parser.get_status_code()
        if exchange is None:
            self._on_failure(BadReplyError(f"a reply that nobody asked for, status {status}"))
        elif status != 200 or self._received < exchange.body_bytes or not self._tail.endswith(exchange.ending):
            self._on_failure(BadReplyError(f"status {status}, {self._received} bytes, ending {self._tail[-200:]!r}"))
        else:
            self._on_reply(self)


class _Run(ABC):
    """What every loop shares: the two arrays, the end, the first failure."""

    def __init__(self, port: int, exchange: Exchange) -> None:
        self._port = port
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._callers: list[Caller] = []
        self._latencies = array("d")
        self._first_bytes = array("d")

    async def open(self, count: int) -> list[Caller]:
        """Connect ``count`` callers, a hundred at a time so that no accept queue overflows."""
        opened: list[Caller] = []
        while len(opened) < count:
            some = min(100, count - len(opened))
            pairs = await asyncio.gather(*(self._connect() for _ in range(some)))
            opened += [caller for _, caller in pairs]
        self._callers += opened
        return opened

    def close(self) -> None:
        for caller in self._callers:
            caller.close()

    def note(self, caller: Caller) -> None:
        self._latencies.append(perf_counter() - caller.sent_at)
        self._first_bytes.append(caller.first_byte_at - caller.sent_at)

    def fail(self, error: BadReplyError) -> None:
        if not self._finished.done():
            self._finished.set_exception(error)

    async def finish(self, began_at: float, *, within_seconds: float) -> Outcome:
        try:
            async with asyncio.timeout(within_seconds + PATIENCE_SECONDS):
                await self._finished
        except TimeoutError as error:
            raise BadReplyError(f"no reply within {PATIENCE_SECONDS:.0f} s; {len(self._latencies)} came before") from error
        return Outcome(self._latencies, self._first_bytes, perf_counter() - began_at)

    @abstractmethod
    def answered(self, caller: Caller) -> None:
        """A whole reply has come: count it, and send the next or end."""

    async def _connect(self) -> tuple[asyncio.Transport, Caller]:
        return await self._loop.create_connection(lambda: Caller(self.answered, self.fail), "127.0.0.1", self._port)


class _Closed(_Run):
    """Each caller sends its next request when it has its reply."""

    _deadline = 0.0
    _busy = 0

    async def run(self, concurrency: int, seconds: float, spread_seconds: float) -> Outcome:
        callers = await self.open(concurrency)
        began_at = perf_counter()
        self._busy = concurrency
        self._deadline = began_at + seconds
        for index, caller in enumerate(callers):
            self._loop.call_later(spread_seconds * index / concurrency, caller.send, self._exchange)
        return await self.finish(began_at, within_seconds=seconds)

    def answered(self, caller: Caller) -> None:
        self.note(caller)
        if perf_counter() < self._deadline:
            caller.send(self._exchange)
            return
        self._busy -= 1
        if not self._busy and not self._finished.done():
            self._finished.set_result(None)


class _Open(_Run):
    """Requests leave at a fixed rate whether or not the earlier ones are answered.

    One that finds every connection busy waits for the next free one, and its waiting counts.
    """

    _left = 0
    _unanswered = 0

    async def run(self, rate: float, seconds: float) -> Outcome:
        self._idle = await self.open(OPEN_LOOP_CONNECTIONS)
        self._waiting: deque[float] = deque()
        self._left = self._unanswered = int(rate * seconds)
        began_at = perf_counter()
        self._tick(began_at, rate, 0)
        return await self.finish(began_at, within_seconds=seconds)

    def answered(self, caller: Caller) -> None:
        self.note(caller)
        self._unanswered -= 1
        if self._waiting:
            caller.send(self._exchange, due_at=self._waiting.popleft())
        else:
            self._idle.append(caller)
        if not self._unanswered and not self._finished.done():
            self._finished.set_result(None)

    def _tick(self, began_at: float, rate: float, sent: int) -> None:
        # The loop's clock has milliseconds; a latency counts from the write, so a late tick is not charged to the server.
        now = perf_counter()
        due = int((now - began_at) * rate) + 1
        while sent < due and self._left:
            sent += 1
            self._left -= 1
            if self._idle:
                self._idle.pop().send(self._exchange)
            else:
                self._waiting.append(now)
        if self._left and not self._finished.done():
            self._loop.call_later(0.001, self._tick, began_at, rate, sent)


async def closed_loop(port: int, exchange: Exchange, *, concurrency: int, seconds: float, spread_seconds: float = 0.0) -> Outcome:
    """Keep ``concurrency`` requests in flight for ``seconds``, then let the last ones end.

    Args:
        port: On loopback.
        spread_seconds: Over which the first requests are spread, so that paced streams do not all tick together.

    Raises:
        BadReplyError: At the first reply that is not as promised.
    """
    run = _Closed(port, exchange)
    try:
        return await run.run(concurrency, seconds, spread_seconds)
    finally:
        run.close()


async def open_loop(port: int, exchange: Exchange, *, rate: float, seconds: float) -> Outcome:
    """Send ``rate`` requests a second, evenly spaced, however long the replies take.

    Raises:
        BadReplyError: At the first reply that is not as promised.
    """
    run = _Open(port, exchange)
    try:
        return await run.run(rate, seconds)
    finally:
        run.close()


class IdleConnections:
    """Keep-alive connections that have each had one reply and now say nothing."""

    def __init__(self, port: int, exchange: Exchange) -> None:
        self._port = port
        self._exchange = exchange
        self._callers: list[Caller] = []

    async def open(self, count: int) -> None:
        """Connect ``count`` more, each after one good reply."""
        run = _Visits(self._port, self._exchange)
        self._callers += await run.run(count)

    def held(self) -> int:
        """How many the server still keeps open."""
        return sum(not caller.is_lost for caller in self._callers)

    def close(self) -> None:
        for caller in self._callers:
            caller.close()


class _Visits(_Run):
    """Connections that ask once each and stay."""

    async def run(self, count: int) -> list[Caller]:
        opened: list[Caller] = []
        while len(opened) < count:
            callers = await self.open(min(100, count - len(opened)))
            opened += callers
            self._left, self._finished = len(callers), self._loop.create_future()
            for caller in callers:
                caller.send(self._exchange)
            await self.finish(perf_counter(), within_seconds=0)
        return opened

    def answered(self, caller: Caller) -> None:
        self.note(caller)
        self._left -= 1
        if not self._left and not self._finished.done():
            self._finished.set_result(None)
