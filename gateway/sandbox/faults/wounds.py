"""Faults inside a stream, after HTTP 200. Each lets ``after_chunks`` whole chunks through first."""

from collections.abc import AsyncIterator, Callable
from typing import ClassVar

import msgspec

from gateway.bedrock.frames import encode
from gateway.sandbox.caller import Caller, Dropped
from gateway.sandbox.faults.fault import Chunks, Fault


class _Wound(Fault, frozen=True):
    """A fault of a stream.

    Attributes:
        after_chunks: Whole chunks before it strikes. A stream that is shorter is struck at its last chunk.
    """

    after_chunks: Chunks = 1

    streams_only: ClassVar[bool] = True


async def _struck(
    pieces: AsyncIterator[bytes], after_chunks: int, strike: Callable[[bytes], bytes | None]
) -> AsyncIterator[bytes]:
    """The pieces up to the one after ``after_chunks``, or the last of fewer; ``strike`` says what is sent in its place."""
    position = 0
    held: bytes | None = None
    async for piece in pieces:
        if held is not None:
            if position == after_chunks:
                break
            yield held
            position += 1
        held = piece
    if (last := strike(held or b"")) is not None:
        yield last


class CloseWithoutEnd(_Wound, frozen=True):
    """The body ends in good order, but the chunk that ends the reply never came."""

    def wrap(self, pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:  # noqa: ARG002 - as its base
        return _struck(pieces, self.after_chunks, lambda _: None)


class CutMidFrame(_Wound, frozen=True):
    """Half a frame, then the end.

    Attributes:
        clean: End the HTTP body in good order, which botocore takes for a success; else close the connection.
    """

    clean: bool = True

    async def wrap(self, pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:  # noqa: ARG002 - as its base
        async for piece in _struck(pieces, self.after_chunks, lambda frame: frame[: len(frame) // 2]):
            yield piece
        if not self.clean:
            raise Dropped(reset=False)


class BadCrc(_Wound, frozen=True):
    """A frame whose checksum is wrong, and then nothing."""

    def wrap(self, pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:  # noqa: ARG002 - as its base
        return _struck(pieces, self.after_chunks, lambda frame: frame[:-1] + bytes((frame[-1] ^ 0xFF,)))


class ExceptionFrame(_Wound, frozen=True):
    """An exception inside the stream, as AWS reports what goes wrong after HTTP 200.

    Attributes:
        name: The stream's member: ``modelStreamErrorException``, ``throttlingException``, ``modelTimeoutException``, …
        message: AWS's words.
        original_status_code: What the model said, for ``modelStreamErrorException``.
    """

    name: str = "modelStreamErrorException"
    message: str = "The system encountered an unexpected error during processing. Try your request again."
    original_status_code: int | None = None

    def wrap(self, pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:  # noqa: ARG002 - as its base
        return _struck(pieces, self.after_chunks, lambda _: self._frame())

    def _frame(self) -> bytes:
        headers = {":message-type": "exception", ":exception-type": self.name, ":content-type": "application/json"}
        body: dict[str, str | int] = {"message": self.message}
        if self.original_status_code is not None:
            body |= {"originalStatusCode": self.original_status_code, "originalMessage": self.message}
        return encode(headers, msgspec.json.encode(body))
