"""Faults of time. All are in real seconds, not on the sandbox's clock, because sockets time out in real seconds."""

from collections.abc import AsyncIterator

from gateway.sandbox.caller import Caller
from gateway.sandbox.faults.fault import Chunks, Count, Fault, Seconds


class SlowFirstToken(Fault, frozen=True):
    """Nothing at all, not even the status line, for some seconds; then the reply as usual."""

    seconds: Seconds = 5.0

    async def hold(self, caller: Caller) -> None:
        await caller.pause(self.seconds)


class Stall(Fault, frozen=True):
    """Silence in the middle of a stream, then the rest. A whole reply stalls between its headers and its body.

    Attributes:
        after_chunks: Chunks before the silence; 0 is right after the headers.
        seconds: How long it lasts.
    """

    after_chunks: Chunks = 1
    seconds: Seconds = 60.0

    async def wrap(self, pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:
        position = 0
        async for piece in pieces:
            # A whole reply has one piece only: it stalls in front of that.
            if position == self.after_chunks or (position == 0 and not caller.streams):
                await caller.pause(self.seconds)
            yield piece
            position += 1


class Drip(Fault, frozen=True):
    """The body a few bytes at a time, so that frames and characters are split anywhere.

    Attributes:
        body_bytes: How many bytes each write carries.
        seconds: The pause between two writes.
    """

    body_bytes: Count = 7
    seconds: Seconds = 0.0

    async def wrap(self, pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:
        async for piece in pieces:
            for start in range(0, len(piece), self.body_bytes):
                await caller.pause(self.seconds)
                yield piece[start : start + self.body_bytes]
