"""Chunks to frames: padding, metrics and pace. Knows no family."""

import base64
import time
from collections.abc import AsyncIterator, Sequence
from string import ascii_letters, digits
from typing import NamedTuple

import msgspec

from gateway.bedrock.frames import encode
from gateway.sandbox.caller import Caller
from gateway.sandbox.dialects.dialect import Json

_CHUNK = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


class Event(NamedTuple):
    """One frame to be: its headers, its payload without padding, and the tokens that it brings."""

    headers: dict[str, str]
    payload: Json
    tokens: int


def chunk_event(native: Json, tokens: int) -> Event:
    """An Invoke stream's frame around one native JSON object."""
    return Event(_CHUNK, {"bytes": base64.b64encode(msgspec.json.encode(native)).decode()}, tokens)


def typed_event(name: str, payload: Json, tokens: int) -> Event:
    """A Converse stream's frame: the event is the payload itself."""
    return Event(_CHUNK | {":event-type": name}, payload, tokens)


def padding(seed: str, position: int) -> str:
    """``p``: 1 to 62 characters of a fixed alphabet, against guessing tokens from lengths. Random at AWS, fixed here."""
    alphabet = ascii_letters + digits
    return alphabet[: (int(seed[:8], 16) + position * 37) % len(alphabet) + 1]


class Meter:
    """How many output tokens have gone out. Shared by the stream and the request's record."""

    def __init__(self) -> None:
        self.tokens = 0
        self.is_complete = False


async def frames(events: Sequence[Event], *, seed: str, pace: float, caller: Caller, meter: Meter) -> AsyncIterator[bytes]:
    """The frames of a stream, each when its tokens are due.

    Args:
        pace: Tokens per second, counted from the first frame; 0 is without waiting.

    Raises:
        CallerLeft: The caller is gone; no further token is made.
    """
    started = time.monotonic()
    for position, event in enumerate(events):
        due = started + (meter.tokens + event.tokens) / pace if pace else 0.0
        await caller.pause(due - time.monotonic() if pace else 0.0)
        meter.tokens += event.tokens
        yield encode(event.headers, msgspec.json.encode(event.payload | {"p": padding(seed, position)}))
    meter.is_complete = True
