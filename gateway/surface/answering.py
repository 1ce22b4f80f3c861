"""The handler that all chat endpoints share: who asks, what for, down the path, and the answer in the caller's dialect.

An ``@asgi`` route: Litestar's request object, dependencies and response classes would cost more than all of our own work
on a request. It knows no dialect's fields; each endpoint is a ``Dialect`` handed to ``route``.
"""

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from gateway.call import Call
from gateway.completion import Path, complete
from gateway.keys.model import Key
from gateway.surface import problems
from gateway.surface.body import CallerGone, read_body, request_id
from gateway.surface.guard import Guard, require
from gateway.surface.leaving import UntilGone
from gateway.surface.reply_headers import Headers, reply_headers
from gateway.usage.meter import Meter
from gateway.usage.record import Outcome

Batches = AsyncGenerator[tuple[int, list[Any]], None]
"""What a path yields: which of the caller's choices, and what came for it. Deltas, but for ``relay``: bytes."""

OpenMeter = Callable[[str, float], Meter]
"""Opens the meter of one request: its id, and its arrival in monotonic seconds."""

CLIENT_GONE = 499  # nginx's word for a caller who left; it is in the log, nobody receives it
EVENT_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # a proxy that gathers events would undo streaming
]


class Arrival(NamedTuple):
    """What is known of a request beside its body.

    Attributes:
        id: As the caller will see it.
        received_at: Monotonic seconds.
        path: As it was sent, percent-encoding and all; some dialects name the model there.
        headers: As ASGI gives them, names in lower case.
    """

    id: str
    key: Key
    received_at: float
    path: bytes = b""
    headers: Iterable[tuple[bytes, bytes]] = ()


class Events(Protocol):
    """The events of one streamed reply. Fed what comes for each choice, then ``end`` once, or ``error`` once."""

    def events(self, choice: int, deltas: Sequence[Any]) -> bytes:
        """Every event of one batch, joined for one send; empty when the batch has nothing to say to the caller."""
        ...

    def end(self) -> bytes:
        """The last events of a reply that is complete; an error's, should it not be complete after all."""
        ...

    def error(self, error: Exception) -> bytes:
        """The last event of a reply that failed."""
        ...


class Dialect(NamedTuple):
    """A client protocol's side of one endpoint: everything in which the chat endpoints differ.

    Attributes:
        parse: A body into a call. Raises nothing but ``GatewayError``.
        whole: The body of a whole reply: the call, what came for each choice, Unix seconds.
        events: The events of a streamed one: the call, Unix seconds.
        envelope: The status, body and headers that answer an error; it is told the request's id, which some bodies repeat.
        whole_headers: Of a whole reply.
        stream_headers: Of a streamed one.
        headers: Those that every reply carries.
        ask: The path that a call takes.
        signed: Whether a request may be signed instead of carrying its key.
        as_sent: An error in the words of this call, where the protocol has several for one parameter.
    """

    parse: Callable[[bytes, Arrival], Call]
    whole: Callable[[Call, Sequence[Sequence[Any]], int], bytes]
    events: Callable[[Call, int], Events]
    envelope: Callable[[Exception, str], tuple[int, bytes, Headers]] = problems.envelope
    whole_headers: Headers = [problems.JSON]  # noqa: RUF012 - a NamedTuple's default, and nobody changes it
    stream_headers: Headers = EVENT_STREAM
    headers: Callable[[Meter], Headers] = reply_headers
    ask: Callable[[Call, Meter, Path], Batches] = complete
    signed: bool = False
    as_sent: Callable[[Exception, Call], Exception] | None = None


class Rooms(NamedTuple):
    """What every endpoint needs to answer."""

    guard: Guard
    path: Path
    open_meter: OpenMeter
    max_body_bytes: int


def route(path: str, dialect: Dialect, rooms: Rooms) -> ASGIRouteHandler:
    """The handler of one endpoint."""
    guard, way, open_meter, max_body_bytes = rooms

    @asgi(path, copy_scope=False)
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        received_at, headers = time.monotonic(), scope["headers"]
        meter = open_meter(request_id(headers), received_at)
        reply = Reply(send, meter, dialect)
        try:
            only_post(scope)
            seal = guard.seal(scope) if dialect.signed else None
            key = guard.key(headers) if seal is None else seal.key
            require(key, "invoke")
            authenticated_at = time.monotonic()
            body = await read_body(scope, receive, max_body_bytes)
            if seal is not None:
                seal.check(body)
            call = dialect.parse(body, Arrival(meter.request_id, key, received_at, scope["raw_path"], headers))
            call.trail.auth_seconds = authenticated_at - received_at
            meter.call = call
            with UntilGone(scope):
                await reply.answer(call, dialect.ask(call, meter, way))
        except CallerGone:
            pass  # nobody to answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an envelope and the log its line
            await reply.problem(error)
        finally:
            meter.close("client_gone", status=CLIENT_GONE)  # only if nothing else ended it

    return answer


def only_post(scope: Scope) -> None:
    """An ``@asgi`` route is asked for every method; these have a single verb."""
    if scope.get("method") != "POST":
        raise problems.MethodNotAllowed("POST")


class Reply:
    """One answer going out: whole, as a stream, or as a problem."""

    def __init__(self, send: Send, meter: Meter, dialect: Dialect) -> None:
        self._send = send
        self._meter = meter
        self._dialect = dialect
        self._events: Events | None = None  # once the status is gone

    async def answer(self, call: Call, batches: Batches) -> None:
        """Send what the path yields. Leaves no upstream open, however it ends."""
        async with aclosing(batches):
            if call.stream:
                await self._stream(call, batches)
            else:
                await self._whole(call, batches)

    async def problem(self, error: Exception) -> None:
        """Send an error envelope with its true status; once that is gone, an error event, and nothing after it."""
        shown, call = error, self._meter.call
        if call is not None and self._dialect.as_sent is not None:
            shown = self._dialect.as_sent(error, call)
        if self._events is not None:
            await self._body(self._events.error(shown), more=False)
            self._meter.close("cut", status=200, error=error)
            return
        status, body, headers = self._dialect.envelope(shown, self._meter.request_id)
        # Whose fault it was is the error's own to say: a dialect's status may tell an SDK something else.
        outcome: Outcome = "refused" if problems.presentable(error).status < 500 else "failed"
        self._meter.close(outcome, status=status, error=error)
        await self._send_all(status, headers, body)

    async def _whole(self, call: Call, batches: Batches) -> None:
        choices: list[list[Any]] = [[] for _ in range(call.choices)]
        async for choice, deltas in batches:
            choices[choice] += deltas
        body = self._dialect.whole(call, choices, int(time.time()))
        await self._send_all(200, self._dialect.whole_headers, body)
        self._meter.close("complete", status=200)

    async def _stream(self, call: Call, batches: Batches) -> None:
        events = self._dialect.events(call, int(time.time()))
        first = await anext(batches)  # until here a failure keeps its true status; from here it is an event
        await self._start(200, self._dialect.stream_headers)
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
        headers = headers + self._dialect.headers(self._meter)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
