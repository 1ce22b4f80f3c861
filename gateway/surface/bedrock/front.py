"""Everything below ``/bedrock/``: which operation a request is for. Answers by itself only what no operation does."""

from collections.abc import Mapping

from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.surface.answering import Dialect, Rooms, route
from gateway.surface.bedrock import converse, invoke
from gateway.surface.bedrock.place import PREFIX, place_of
from gateway.surface.bedrock.problems import envelope
from gateway.surface.body import request_id
from gateway.surface.problems import LONGEST_PATH, UnknownPath

OPERATIONS: Mapping[str, Dialect] = {
    "invoke": invoke.WHOLE,
    "invoke-with-response-stream": invoke.STREAM,
    "converse": converse.WHOLE,
    "converse-stream": converse.STREAM,
}
"""The last segment of the path to dialect."""


def front(rooms: Rooms) -> ASGIApp:
    """The application for every path that begins with ``PREFIX``."""
    handlers = {name: route(f"{PREFIX}{name}", dialect, rooms).fn for name, dialect in OPERATIONS.items()}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        place = place_of(scope["raw_path"])
        handle = handlers.get(place.operation) if place is not None else None
        if handle is None:
            await _unknown(scope, send)
        else:
            await handle(scope, receive, send)

    return application


async def _unknown(scope: Scope, send: Send) -> None:
    """What AWS calls an unknown operation: CountTokens, ApplyGuardrail and the asynchronous ones among them."""
    path = scope["path"][:LONGEST_PATH]
    status, body, headers = envelope(UnknownPath(f"No operation answers {scope.get('method')} {path}"))
    own = request_id(scope["headers"]).encode()
    headers += [(b"x-request-id", own), (b"x-amzn-requestid", own), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
