"""A request's bytes off the wire, never more of them than allowed, and its id. It reads no meaning into either."""

import itertools
import os
import re
import time
from collections.abc import Iterable

from litestar.types import Receive, Scope

from gateway.errors import BodyTooLarge, InvalidRequest, UnsupportedEncoding

WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

# Unique over the replicas and their restarts; the counter makes it unique within one.
_BIRTH = f"req-{time.time_ns() // 1_000_000:x}{os.urandom(3).hex()}-"
_count = itertools.count(1)


class CallerGone(Exception):
    """The caller left before its request had arrived whole; there is nobody to answer."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body.

    Args:
        limit: The most bytes to accept. What is beyond them is neither kept nor waited for.

    Raises:
        BodyTooLarge: It is declared, or turns out, to be larger.
        UnsupportedEncoding: It is compressed.
        CallerGone: It never came whole.
    """
    for name, value in scope["headers"]:
        if name == b"content-length":
            _refuse_declared(value, limit)
        elif name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
            coding = value[:32].decode("latin-1")
            raise UnsupportedEncoding(f'Content-Encoding "{coding}" is not accepted: send the body uncompressed')
    body, more = await _receive(receive)
    if not more and len(body) <= limit:
        return body
    chunks, size = [body], len(body)
    while more and size <= limit:
        body, more = await _receive(receive)
        chunks.append(body)
        size += len(body)
    if size > limit:
        raise BodyTooLarge(f"The body has more than {limit} bytes")
    return b"".join(chunks)


async def _receive(receive: Receive) -> tuple[bytes, bool]:
    """The next piece of the body, and whether there are more."""
    message = await receive()
    if message["type"] != "http.request":
        raise CallerGone
    return message.get("body", b""), message.get("more_body", False)


def _refuse_declared(value: bytes, limit: int) -> None:
    if not value.isdigit():
        raise InvalidRequest("Content-Length is not a number")
    # A number too long to convert is too large whatever it says.
    if len(value) > 18 or int(value) > limit:
        raise BodyTooLarge(f"The body is declared as {value[:20].decode()} bytes; at most {limit} are accepted")


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's own ``x-request-id`` where it is well formed, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and WELL_FORMED_ID.fullmatch(value):
            return value.decode()
    return mint_id()


def mint_id() -> str:
    """A request id that no other request of any replica has."""
    return f"{_BIRTH}{next(_count):x}"
