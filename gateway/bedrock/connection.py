"""One socket that speaks HTTP/1.1: a request written, one reply read. Knows nothing of pools, AWS or models.

Times are absolute and monotonic (``time.monotonic``; uvloop's own clock only knows milliseconds): a caller says *until
when* it waits, so that an upstream which drips bytes cannot push its limit ahead of itself.
"""

import asyncio
import socket
from time import monotonic
from typing import Any, cast

import httptools

MAX_HEAD_BYTES = 65_536
MAX_UNREAD_BYTES = 262_144  # beyond it the socket is not read: the upstream waits, memory does not grow
_KEEPALIVE = (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))  # NAT and VPC endpoints forget after 350 s


class ConnectionFailed(Exception):
    """The upstream, or the way to it, broke: refused, reset, cut or not speaking HTTP."""


class WaitExpired(Exception):
    """The limit of a wait has passed."""


class Connection(asyncio.Protocol):
    """A socket and the reply that is being read from it.

    Attributes:
        status, headers: Of the reply, once ``head`` has returned. Header names in lower case.
        complete: The whole reply has arrived (not: has been read).
        answered: At least one byte of the reply has arrived.
        waited_seconds: Time spent waiting for this reply's bytes, up to their arrival: what our loop adds is not in it.
        idle_since: When it was put back into its pool.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.idle_since = 0.0
        self.requests = 0
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._limit = 0.0
        self._fires_at = 0.0
        self._woken_at = 0.0
        self._begin()

    def _begin(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        self.answered = False
        self.waited_seconds = 0.0
        self._failure: Exception | None = None
        self._head_read = False
        self._head_bytes = 0
        self._pieces: list[bytes] = []
        self._unread_bytes = 0
        self._paused = False
        self._keep_alive = False
        self._until_close = False
        self._parser: Any = None

    # What the pool calls.

    def write(self, request: bytes) -> None:
        """Send a whole request. The reply to the one before must have been read wholly.

        Raises:
            ConnectionFailed: The socket has died meanwhile.
        """
        if self.requests:
            self._begin()
        self.requests += 1
        if self._transport is None or self._transport.is_closing():
            raise ConnectionFailed("the connection was closed")
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)

    async def head(self, limit: float) -> None:
        """Wait until the reply's head has arrived.

        Raises:
            ConnectionFailed: The connection broke, or what came is not HTTP.
            WaitExpired: Not before ``limit``.
        """
        while not self._head_read:
            await self._wait(limit)

    async def read(self, limit: float) -> bytes:
        """What has arrived of the body; ``b""`` at its end.

        Raises:
            ConnectionFailed: The body was cut.
            WaitExpired: Nothing came before ``limit``.
        """
        while not self._pieces:
            if self.complete:
                return b""
            await self._wait(limit)
        return self.take()

    def take(self) -> bytes:
        """What has arrived of the body and was not read yet, perhaps nothing."""
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._unread_bytes = 0
        if self._paused:
            self._paused = False
            if self._transport is not None:
                self._transport.resume_reading()
        return body

    @property
    def is_reusable(self) -> bool:
        """Whether the reply was read wholly and both sides mean to go on."""
        transport = self._transport
        return (
            self.complete
            and self._keep_alive
            and not self._pieces
            and self._failure is None
            and transport is not None
            and not transport.is_closing()
            # An answer that came before the request was written leaves the rest of the request in the way of the next.
            and transport.get_write_buffer_size() == 0
        )

    @property
    def is_open(self) -> bool:
        return self._failure is None and self._transport is not None and not self._transport.is_closing()

    def rest(self) -> None:
        """Lie idle between two requests. Anything that arrives meanwhile closes the connection; a timer that rings finds
        nobody waiting, and is there for the next request until then.
        """
        self.idle_since = monotonic()

    def abort(self) -> None:
        """Close at once, without flushing: the upstream learns that nobody listens."""
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):  # Linux; elsewhere the system's own timing
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            self._fail(ConnectionFailed("the upstream spoke unasked"))
            return
        self.answered = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # Bytes after a complete reply spoil the connection, not the reply.
            if self.complete:
                self._keep_alive = False
            else:
                self._fail(ConnectionFailed(f"the reply is not HTTP: {error}"))
                return
        if not self._head_read:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._fail(ConnectionFailed(f"the reply's head is longer than {MAX_HEAD_BYTES} bytes"))
            return
        if self._unread_bytes > MAX_UNREAD_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The upstream closes: the end of a body that has no other, a cut for any other."""
        if self._until_close and not self.complete:
            self.complete = True
            self._wake()
        self._lose(None)

    def connection_lost(self, error: Exception | None) -> None:
        if error is None and self._until_close and not self.complete:
            self.complete = True
        self._lose(error)
        self._transport = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            raise ConnectionFailed("a second reply to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            # "100 Continue" and its like announce a reply, they are none.
            self.headers = {}
            return
        self.status = status
        self._head_read = True
        self._keep_alive = self._parser.should_keep_alive()
        headers = self.headers
        self._until_close = b"content-length" not in headers and b"chunked" not in headers.get(b"transfer-encoding", b"").lower()

    def on_body(self, data: bytes) -> None:
        self._pieces.append(data)
        self._unread_bytes += len(data)

    def on_message_complete(self) -> None:
        if self._head_read:
            self.complete = True
            self._parser = None  # more bytes are nobody's

    # Waiting.

    async def _wait(self, limit: float) -> None:
        if self._failure is None:
            started = monotonic()
            self._waiter = self._loop.create_future()
            self._woken_at = 0.0
            self._start_timer(limit)
            try:
                await self._waiter
            finally:
                self._waiter = None
                self.waited_seconds += (self._woken_at or monotonic()) - started
        if self._failure is not None:
            raise self._failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._woken_at = monotonic()
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Nothing more can be read, save what has arrived already."""
        if self._failure is None:
            self._failure = error
        self._wake()
        self.abort()

    def _lose(self, error: Exception | None) -> None:
        self._keep_alive = False
        if self.complete:
            self._stop_timer()
            return
        self._fail(ConnectionFailed(f"the connection was lost: {error or 'closed by the upstream'}"))

    # One timer serves all the waits of a connection: it looks again when it fires, instead of being set anew for each read.

    def _start_timer(self, limit: float) -> None:
        self._limit = limit
        if self._timer is not None and self._fires_at > limit:
            self._stop_timer()
        if self._timer is None:
            self._fires_at = limit
            self._timer = self._loop.call_later(max(0.0, limit - monotonic()), self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        # A loop's timers are good to a millisecond, and may ring that much early.
        if monotonic() + 0.001 >= self._limit:
            self._fail(WaitExpired())
        else:
            self._start_timer(self._limit)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
