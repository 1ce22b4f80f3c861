"""The sandbox as an ASGI application: who asks, for what, what goes wrong on purpose, and the bytes of the reply."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from gateway.sandbox import backstage, reply
from gateway.sandbox.caller import Caller, CallerLeft, Dropped, Receive
from gateway.sandbox.errors import AwsError
from gateway.sandbox.faults import CoralReply, Fault
from gateway.sandbox.log import Record
from gateway.sandbox.operations import Operation, operation_of
from gateway.sandbox.reply import Reply, Request
from gateway.sandbox.runtime import parsed_or_none
from gateway.sandbox.signature import check
from gateway.sandbox.transport import EXTENSION
from gateway.sandbox.world import World

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LARGEST_BODY = 25_000_000  # botocore's model: the body of InvokeModel

# What AWS answers, with status 200, where it has no operation.
_UNKNOWN_OPERATION = {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}


def create(world: World) -> Application:
    """The application over one world. Serve it with ``serve.running``: faults need its protocol class."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        if request is None:
            return
        if request.segments[0] == backstage.PREFIX:
            await _start(backstage.answer(world, request), send, ())
        else:
            await _bedrock(world, request, scope, receive, send)

    return application


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The whole request; ``None`` if the caller left while it was sending."""
    body = bytearray()
    is_open = True
    while is_open:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        is_open = message.get("more_body", False)
    return Request(
        scope["method"],
        scope["raw_path"].decode("ascii"),
        scope["query_string"].decode("ascii"),
        tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        bytes(body),
    )


async def _bedrock(world: World, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
    """One request to AWS's side: noted, answered, and its end noted too."""
    operation, identifier = operation_of(request) or (None, None)
    name = operation.name if operation else "Unknown"
    body = parsed_or_none(request.body)
    record = world.log.open(name, identifier or None, request, body, world.clock.now())
    streams = operation.streams if operation else False
    caller = Caller(receive, scope["extensions"][EXTENSION], streams=streams)
    async with caller.watched():
        try:
            made, faults = await _answer(world, request, operation, identifier or "", record=record, caller=caller)
            await _deliver(made, faults, record, caller, send)
        except Dropped as dropped:
            await caller.drop(reset=dropped.reset)
        except CallerLeft:
            pass
        finally:
            record.close(caller.left_at)


async def _answer(
    world: World, request: Request, operation: Operation | None, identifier: str, *, record: Record, caller: Caller
) -> tuple[Reply, list[Fault]]:
    """The reply, and the faults that are still to act on it."""
    if operation is None:
        return reply.whole(200, _UNKNOWN_OPERATION), []
    try:
        _admit(world, request)
        faults = _met(world, operation, identifier, record)
        for fault in faults:
            fault.refuse()
        made = await operation.handler(world, identifier, request, record, caller)
        for fault in faults:
            await fault.hold(caller)
    except CoralReply:
        return reply.whole(200, _UNKNOWN_OPERATION), []
    except AwsError as error:
        record.error = error.name
        told = {"message": error.message} | error.fields
        return reply.whole(error.status, told, ("x-amzn-ErrorType", error.type_header())), []
    return made, faults


def _admit(world: World, request: Request) -> None:
    """Let in who may come and what is not too large.

    Raises:
        AwsError: 403 or 413.
    """
    if len(request.body) > _LARGEST_BODY:
        raise AwsError("RequestEntityTooLargeException")
    check(request.signed(), world.credentials, datetime.now(UTC))


def _met(world: World, operation: Operation, identifier: str, record: Record) -> list[Fault]:
    model = world.shelf.find(identifier)
    identifiers = (identifier, model.arn) if model else (identifier,)
    met = world.faults.meet(operation.name, identifiers, streams=operation.streams)
    record.faults = list(met)
    return list(met.values())


async def _deliver(made: Reply, faults: list[Fault], record: Record, caller: Caller, send: Send) -> None:
    """Write the reply, its body through the faults, and stop as soon as the caller leaves."""
    pieces = made.pieces
    for fault in faults:
        pieces = fault.wrap(pieces, caller)
    record.status = made.status
    await _start(made._replace(pieces=_watched(pieces, caller)), send, (("x-amzn-RequestId", record.id),), caller)


async def _watched(pieces: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[bytes]:
    async for piece in pieces:
        await caller.pause(0)
        yield piece


async def _start(made: Reply, send: Send, headers: tuple[tuple[str, str], ...], caller: Caller | None = None) -> None:
    """Send a reply in ASGI's two kinds of message."""
    length = () if made.body_bytes is None else (("Content-Length", str(made.body_bytes)),)
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*headers, *made.headers, *length)]
    await send({"type": "http.response.start", "status": made.status, "headers": encoded})
    async with aclosing(made.pieces) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    if caller:
        caller.answered()
    await send({"type": "http.response.body", "body": b"", "more_body": False})
