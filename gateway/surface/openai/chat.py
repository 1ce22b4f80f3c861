"""``POST /v1/chat/completions``: OpenAI's wire on both sides of the path.

An ``@asgi`` route, the only one: Litestar's request object, dependencies and response classes would cost more than all of
our own work on a request.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from adapters.deltas import Delta
from gateway.call import Call
from gateway.completion import Batch, Path, complete
from gateway.surface import problems
from gateway.surface.body import CallerGone, read_body, request_id
from gateway.surface.guard import Guard, require
from gateway.surface.leaving import UntilGone
from gateway.surface.openai.parse import parse_chat
from gateway.surface.openai.render import Events, whole
from gateway.surface.reply_headers import Headers, reply_headers
from gateway.usage.meter import Meter

OpenMeter = Callable[[str, float], Meter]
"""Opens the meter of one request: its id, and its arrival in monotonic seconds."""

PATH = "/v1/chat/completions"
CLIENT_GONE = 499  # nginx's word for a caller who left; it is in the log, nobody receives it
EVENT_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # a proxy that gathers events would undo streaming
]


def route(*, guard: Guard, path: Path, open_meter: OpenMeter, max_body_bytes: int) -> ASGIRouteHandler:
    """The handler over its rooms."""

    @asgi(PATH, copy_scope=False)
    async def chat(scope: Scope, receive: Receive, send: Send) -> None:
        received_at = time.monotonic()
        meter = open_meter(request_id(scope["headers"]), received_at)
        reply = Reply(send, meter)
        try:
            only_post(scope)
            key = guard.key(scope["headers"])
            require(key, "invoke")
            authenticated_at = time.monotonic()
            body = await read_body(scope, receive, max_body_bytes)
            call = parse_chat(body, id=meter.request_id, key=key, received_at=received_at)
            call.trail.auth_seconds = authenticated_at - received_at
            meter.call = call
            with UntilGone(scope):
                await reply.answer(call, complete(call, meter, path))
        except CallerGone:
            pass  # nobody to answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an envelope and the log its line
            await reply.problem(error)
        finally:
            meter.close("client_gone", status=CLIENT_GONE)  # only if nothing else ended it

    return chat


def only_post(scope: Scope) -> None:
    """An ``@asgi`` route is asked for every method; this one has a single verb."""
    if scope.get("method") != "POST":
        raise problems.MethodNotAllowed("POST")


class Reply:
    """One answer going out: whole, as a stream, or as a problem."""

    def __init__(self, send: Send, meter: Meter) -> None:
        self._send = send
        self._meter = meter
        self._events: Events | None = None  # once the status is gone

    async def answer(self, call: Call, batches: AsyncGenerator[Batch, None]) -> None:
        """Send what the path yields. Leaves no upstream open, however it ends."""
        async with aclosing(batches):
            if call.stream:
                await self._stream(call, batches)
            else:
                await self._whole(call, batches)

    async def problem(self, error: Exception) -> None:
        """Send an error envelope with its true status; once that is gone, an error event, and no ``[DONE]``."""
        if self._events is not None:
            await self._body(self._events.error(error), more=False)
            self._meter.close("cut", status=200, error=error)
            return
        status, body, headers = problems.envelope(error)
        self._meter.close("refused" if status < 500 else "failed", status=status, error=error)
        await self._send_all(status, headers, body)

    async def _whole(self, call: Call, batches: AsyncGenerator[Batch, None]) -> None:
        choices: list[list[Delta]] = [[] for _ in range(call.choices)]
        async for choice, deltas in batches:
            choices[choice] += deltas
        body = whole(call, choices, created=int(time.time()))
        await self._send_all(200, [problems.JSON], body)
        self._meter.close("complete", status=200)

    async def _stream(self, call: Call, batches: AsyncGenerator[Batch, None]) -> None:
        events = Events(call, int(time.time()))
        first = await anext(batches)  # until here a failure keeps its true status; from here it is an event
        await self._start(200, EVENT_STREAM)
        self._events = events
        await self._body(events.events(*first), more=True)
        async for choice, deltas in batches:
            if data := events.events(choice, deltas):
                await self._body(data, more=True)
        await self._body(events.end(), more=False)
        self._meter.close("complete", status=200)

    async def _send_all(self, status: int, headers: Headers, body: bytes) -> None:
        await self._start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self._body(body, more=False)

    async def _start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers + reply_headers(self._meter)})

    async def _body(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
