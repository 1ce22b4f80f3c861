"""The far end of one request: notices when it leaves, waits without missing that, and can cut the connection.

Knows ASGI and nothing of Bedrock.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Connection(Protocol):
    """The way to the socket that ASGI lacks; ``transport.py`` puts one into ``scope["extensions"]``."""

    def close(self) -> None:
        """Write what is buffered, then close: the caller sees an orderly end."""

    def reset(self) -> None:
        """Throw away what is buffered and send RST."""


class CallerLeft(Exception):
    """The caller closed its side before the reply was whole."""


class Dropped(Exception):
    """The sandbox cuts the connection on purpose.

    Attributes:
        reset: With RST; else with an orderly close in the middle of the body.
    """

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "close")
        self.reset = reset


class Caller:
    """Who waits for the reply.

    Attributes:
        left_at: When it was seen to leave, on ``time.monotonic()``; ``None`` while it is there.
        streams: Whether it gets its reply in pieces.
    """

    def __init__(self, receive: Receive, connection: Connection, *, streams: bool = False) -> None:
        self.streams = streams
        self.left_at: float | None = None
        self._receive = receive
        self._connection = connection
        self._gone = asyncio.Event()
        self._answered = False

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Watch the connection while the reply is made; the request's body must have been read."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        # The server says "disconnect" also when a reply is whole; only an earlier one means that the caller left.
        if not self._answered:
            self.left_at = time.monotonic()
        self._gone.set()

    def answered(self) -> None:
        """The last byte is about to be written: whoever leaves from now on misses nothing."""
        self._answered = True

    async def pause(self, seconds: float) -> None:
        """Wait, at least one turn of the event loop.

        Raises:
            CallerLeft: The caller left before or meanwhile; at once, not at the end of the pause.
        """
        if seconds <= 0:
            await asyncio.sleep(0)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), seconds)
        if self._gone.is_set():
            raise CallerLeft

    async def drop(self, *, reset: bool) -> None:
        """Cut the connection and wait until it is down."""
        self._answered = True
        if reset:
            self._connection.reset()
        else:
            self._connection.close()
        await self._gone.wait()
