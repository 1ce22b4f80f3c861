"""Requests and replies between the router and the rooms behind it. Values; knows ASGI's shapes and nothing of AWS."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec

from gateway.sandbox.signature import Headers, Signed


class Request(NamedTuple):
    """One request, read to its end.

    Attributes:
        raw_path: As on the request line, percent-encoding untouched.
        query: The raw query string.
        headers: Names in lower case.
    """

    method: str
    raw_path: str
    query: str
    headers: Headers
    body: bytes

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's labels, decoded after splitting: an encoded ``/`` stays inside its label."""
        return tuple(unquote(segment) for segment in self.raw_path.lstrip("/").split("/"))

    @property
    def parameters(self) -> dict[str, str]:
        """The query, decoded; of a name given twice the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def signed(self) -> Signed:
        return Signed(self.method, self.raw_path, self.query, self.headers, self.body)


async def _one(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


class Reply(NamedTuple):
    """One reply.

    Attributes:
        pieces: The body; frames one by one, or everything at once.
        body_bytes: Its length, if known before it is made.
    """

    status: int
    headers: list[tuple[str, str]]
    pieces: AsyncIterator[bytes]
    body_bytes: int | None = None


def whole(status: int, value: Any, *headers: tuple[str, str]) -> Reply:
    """A JSON reply of known length; ``value`` is encoded unless it is bytes already."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Reply(status, [("Content-Type", "application/json"), *headers], _one(body), len(body))
