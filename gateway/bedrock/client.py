"""A small HTTP/1.1 client: pooled connections, three timeouts and a deadline. Knows bytes and origins, not AWS.

Why our own and not a library's: docs/decisions/0003-upstream-client.md. What it promises:

- a connection is used again only after its reply was read wholly; any error, and any cancelled await, closes it at once;
- certificates are always verified, TLS 1.2 is the least; before the handshake succeeds not a byte of a request leaves;
- memory is bounded: 64 KiB of head, about 256 KiB of unread body, ``max_reply_bytes`` of a whole reply.
"""

import asyncio
import ssl
from collections import deque
from time import monotonic
from typing import NamedTuple

from gateway.bedrock.connection import Connection, ConnectionFailed, WaitExpired
from gateway.bedrock.hosts import Origin
from gateway.errors import DeadlineExceeded, UpstreamError, UpstreamTimeout

# A connection that the upstream closed while it lay idle says so within a round trip of the next request. Later than
# this, the request may have been at work, and is not sent twice by itself.
_STALE_SECONDS = 1.0


class Timeouts(NamedTuple):
    """How long one exchange may take.

    Attributes:
        connect_seconds: Name look-up, TCP and TLS together.
        first_byte_seconds: From the request's first byte to the whole head of the reply; writing the body counts.
        between_bytes_seconds: From one read to the next.
        deadline: Monotonic seconds; ``None``: none. It cuts all of the above.
    """

    connect_seconds: float
    first_byte_seconds: float
    between_bytes_seconds: float
    deadline: float | None = None

    def until(self, seconds: float) -> float:
        """``seconds`` from now, or the deadline if that comes first."""
        limit = monotonic() + seconds
        return limit if self.deadline is None else min(limit, self.deadline)

    def expired(self, what: str) -> DeadlineExceeded:
        """The error for a limit of ours that has passed: the deadline's, or only this attempt's."""
        if self.deadline is not None and monotonic() + 0.001 >= self.deadline:
            return DeadlineExceeded("The request's time ran out while waiting for the model", detail=what)
        return UpstreamTimeout("The model's service was silent for too long", detail=what)


class Client:
    """Connections to any number of origins. Made once, closed with ``aclose``; belongs to one event loop.

    Args:
        max_connections: For each origin. Beyond it callers wait in order, within their own limits.
        idle_seconds: How long an unused connection is kept.
        max_reply_bytes: The longest whole reply; a streamed one may be longer.
        ca_bundle: A file of trusted authorities, AWS_CA_BUNDLE's meaning; ``None``: the system's.
    """

    def __init__(
        self,
        *,
        max_connections: int = 512,
        idle_seconds: float = 55.0,
        max_reply_bytes: int = 33_554_432,
        ca_bundle: str | None = None,
    ) -> None:
        self.max_reply_bytes = max_reply_bytes
        self._max_connections = max_connections
        self._idle_seconds = idle_seconds
        self._ca_bundle = ca_bundle
        self._tls: ssl.SSLContext | None = None
        self._pools: dict[Origin, _Pool] = {}

    async def send(self, origin: Origin, request: bytes, timeouts: Timeouts) -> "Reply":
        """Send one whole request and wait for the head of its reply.

        Cancelling it closes the socket.

        Raises:
            UpstreamError: Nobody answered, or not in HTTP. May be tried again.
            UpstreamTimeout: A timeout passed.
            DeadlineExceeded: The deadline did.
        """
        pool = self._pool(origin)
        started = monotonic()
        connection = pool.idle() or await pool.acquire(timeouts)
        try:
            connection.write(request)
            await connection.head(timeouts.until(timeouts.first_byte_seconds))
        except BaseException as error:
            used_before, answered = connection.requests > 1, connection.answered
            pool.discard(connection)
            stale = isinstance(error, ConnectionFailed) and used_before and not answered
            if not stale or monotonic() - started > _STALE_SECONDS:
                raise _translated(error, origin, timeouts) from error
        else:
            return Reply(self, pool, connection, timeouts)
        # The upstream had hung up on an idle connection. Nothing was answered, so nothing was shown to anyone: ask
        # again, once, and on a socket that nobody has used.
        connection = await pool.acquire(timeouts, fresh=True)
        try:
            connection.write(request)
            await connection.head(timeouts.until(timeouts.first_byte_seconds))
        except BaseException as error:
            pool.discard(connection)
            raise _translated(error, origin, timeouts) from error
        return Reply(self, pool, connection, timeouts)

    async def aclose(self) -> None:
        """Close every connection, the busy ones too."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        await asyncio.sleep(0)  # the loop closes sockets on its next turn

    def _pool(self, origin: Origin) -> "_Pool":
        pool = self._pools.get(origin)
        if pool is None:
            tls = self._tls_context() if origin.scheme == "https" else None
            pool = self._pools[origin] = _Pool(origin, tls, self._max_connections, self._idle_seconds)
        return pool

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca_bundle)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._tls


class Reply:
    """A reply whose head has arrived. Ends with ``close``, which gives the connection back or breaks it.

    Attributes:
        headers: By lower-case name.
    """

    __slots__ = ("_client", "_connection", "_pool", "_timeouts", "_waited_seconds", "headers", "status")

    def __init__(self, client: Client, pool: "_Pool", connection: Connection, timeouts: Timeouts) -> None:
        self.status = connection.status
        self.headers = connection.headers
        self._client = client
        self._pool = pool
        self._connection: Connection | None = connection
        self._timeouts = timeouts
        self._waited_seconds = 0.0

    @property
    def waited_seconds(self) -> float:
        """Time spent waiting for the upstream so far: for its bytes, and for the connection if it was opened for this."""
        return self._waited_seconds if self._connection is None else self._connection.waited_seconds

    async def read(self, until: float | None = None) -> bytes:
        """What has arrived of the body since the last read; ``b""`` at its end, when the connection is given back.

        Args:
            until: Monotonic limit; ``None``: ``between_bytes_seconds`` from now. A caller that knows what progress is
                keeps it still while only crumbs arrive.

        Raises:
            UpstreamError: The body was cut.
            UpstreamTimeout, DeadlineExceeded: Nothing came in time.
        """
        connection = self._connection
        if connection is None:
            return b""
        limit = self._timeouts.until(self._timeouts.between_bytes_seconds) if until is None else until
        try:
            body = await connection.read(limit)
        except BaseException as error:
            self.close()
            raise _translated(error, self._pool.origin, self._timeouts) from error
        if not body or connection.complete:
            self.close()
        return body

    async def whole(self) -> bytes:
        """The whole body.

        Raises:
            UpstreamError: It was cut, or is longer than ``max_reply_bytes``.
            UpstreamTimeout, DeadlineExceeded: It stopped on its way.
        """
        connection = self._connection
        if connection is not None and connection.complete and connection.is_open:  # all of it came with its head
            body = connection.take()
            self.close()
            return body
        body = await self.read()
        if self._connection is None:
            return body
        pieces, size = [body], len(body)
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > self._client.max_reply_bytes:
                self.close()
                raise UpstreamError("The model's reply is too long to pass on", detail=f"more than {size} bytes")
        return b"".join(pieces)

    def close(self) -> None:
        """Give the connection back if the reply was read wholly, else break it. Does no harm twice."""
        connection = self._connection
        if connection is not None:
            self._waited_seconds = connection.waited_seconds
            self._connection = None
            self._pool.release(connection)


def _translated(error: BaseException, origin: Origin, timeouts: Timeouts) -> BaseException:
    """Our own error for one of the transport's; cancellation passes as it is."""
    if isinstance(error, WaitExpired | TimeoutError):
        return timeouts.expired(f"{origin.host} did not answer")
    if isinstance(error, ConnectionFailed | OSError):
        return UpstreamError("The model's service could not be reached", detail=f"{origin.host}: {error}")
    return error


class _Pool:
    """The connections to one origin, never more than ``max_connections``.

    The last used is used next, so that the others grow old and are closed. A place is a right to hold a connection:
    it is idle, busy, free, or handed to the first in line.
    """

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None, max_connections: int, idle_seconds: float) -> None:
        self.origin = origin
        self._tls = tls
        self._free = max_connections
        self._idle_seconds = idle_seconds
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._line: deque[asyncio.Future[Connection | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None

    def idle(self) -> Connection | None:
        """A connection for one exchange, if one lies idle and is open still."""
        if self._idle and self._idle[-1].is_open:
            return self._take_idle()
        return None

    async def acquire(self, timeouts: Timeouts, *, fresh: bool = False) -> Connection:
        """A connection for one exchange: an idle one unless ``fresh``, a new one, or what the line brings."""
        connection = self._take_idle()
        if connection is None and self._free == 0:
            connection = await self._stand_in_line(timeouts)
        elif connection is None:
            self._free -= 1
        if connection is not None and (fresh or not connection.is_open):
            # Its place is used for a new one.
            self._busy.discard(connection)
            connection.abort()
            connection = None
        return connection or await self._open(timeouts)

    def release(self, connection: Connection) -> None:
        """Take back a connection: for the next exchange if its reply was read wholly, else to be closed."""
        if not connection.is_reusable:
            self.discard(connection)
            return
        connection.rest()
        self._offer(connection)

    def discard(self, connection: Connection) -> None:
        """Close a connection and give up its place."""
        self._busy.discard(connection)
        connection.abort()
        self._leave_place()

    def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in (*self._idle, *self._busy):
            connection.abort()
        self._idle.clear()

    def _take_idle(self) -> Connection | None:
        if not self._idle:
            return None
        connection = self._idle.pop()
        self._busy.add(connection)
        return connection

    def _offer(self, connection: Connection) -> None:
        turn = self._next_in_line()
        if turn is not None:
            turn.set_result(connection)
            return
        self._busy.discard(connection)
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._idle_seconds, self._sweep)

    def _leave_place(self) -> None:
        turn = self._next_in_line()
        if turn is not None:
            turn.set_result(None)
        else:
            self._free += 1

    def _next_in_line(self) -> "asyncio.Future[Connection | None] | None":
        while self._line:
            turn = self._line.popleft()
            if not turn.done():  # a cancelled caller leaves the line only on the loop's next turn
                return turn
        return None

    async def _open(self, timeouts: Timeouts) -> Connection:
        """Open a connection in a place that the caller holds; the place is given up if that fails."""
        loop = asyncio.get_running_loop()
        connection = Connection(loop)
        origin = self.origin
        self._busy.add(connection)
        started = monotonic()
        try:
            async with asyncio.timeout(timeouts.until(timeouts.connect_seconds) - monotonic()):
                await loop.create_connection(
                    lambda: connection,
                    origin.host,
                    origin.port,
                    ssl=self._tls,
                    server_hostname=origin.host if self._tls else None,
                )
        except BaseException as error:
            self.discard(connection)
            raise _translated(error, origin, timeouts) from error
        connection.waited_seconds = monotonic() - started
        return connection

    async def _stand_in_line(self, timeouts: Timeouts) -> Connection | None:
        """Wait for another caller's connection, or for its place: ``None``. No longer than for a first byte."""
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout(timeouts.until(timeouts.first_byte_seconds) - monotonic()):
                return await turn
        except BaseException as error:
            self._pass_on(turn)
            if isinstance(error, TimeoutError):
                raise timeouts.expired(f"{self.origin.host}: every connection is busy") from error
            raise

    def _pass_on(self, turn: "asyncio.Future[Connection | None]") -> None:
        """Whoever leaves the line just when the turn came gives it to the next."""
        if turn.cancelled() or not turn.done():
            turn.cancel()  # the line skips it
        elif (connection := turn.result()) is not None:
            self._offer(connection)
        else:
            self._leave_place()

    def _sweep(self) -> None:
        """Close what has been idle too long, and what the upstream has closed."""
        self._sweeper = None
        oldest = monotonic() - self._idle_seconds
        kept = [connection for connection in self._idle if connection.is_open and connection.idle_since > oldest]
        for connection in set(self._idle).difference(kept):
            self.discard(connection)
        self._idle = kept
        if kept:
            wait = kept[0].idle_since - oldest
            self._sweeper = asyncio.get_running_loop().call_later(wait, self._sweep)
