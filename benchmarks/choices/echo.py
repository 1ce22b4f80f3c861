"""The least an ASGI application can do: read the body, answer with fixed bytes. What is left is the server under it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

REPLY = b'{"object":"chat.completion","text":"' + b"x" * 760 + b'"}'
EVENT = b"data: " + b"x" * 160 + b"\n\n"
EVENTS = 64
_END = {"type": "http.response.body", "body": b"", "more_body": False}

_Message = MutableMapping[str, Any]


async def app(scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]) -> None:
    """``/stream`` answers with ``EVENTS`` small sends, every other path with one reply."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/stream":
        await _stream(send)
    else:
        await _reply(send)


async def _live(receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _reply(send: Callable[[_Message], Awaitable[None]]) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(REPLY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": REPLY})


async def _stream(send: Callable[[_Message], Awaitable[None]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for _ in range(EVENTS):
        await send({"type": "http.response.body", "body": EVENT, "more_body": True})
    await send(_END)
