"""What is below ``/v1/messages/`` and not answered: batches above all. Refused in Anthropic's envelope, so that SDKs read it."""

from typing import Any

from litestar import HttpMethod, Request, Response, route
from litestar.handlers import HTTPRouteHandler

from gateway.errors import NotAuthenticated
from gateway.surface.anthropic.problems import envelope
from gateway.surface.body import request_id
from gateway.surface.guard import Guard
from gateway.surface.problems import LONGEST_PATH, UnknownPath

_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE]


def routes(guard: Guard) -> list[HTTPRouteHandler]:
    """The handler of every path there."""

    @route("/v1/messages/{rest:path}", http_method=_METHODS, status_code=404)
    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        own = request_id(request.scope["headers"])
        status, body, headers = envelope(_refusal(guard, request), own)
        told = {name.decode(): value.decode() for name, value in headers if name != b"content-type"}
        told |= {"x-request-id": own, "request-id": own}
        return Response(body, status_code=status, media_type="application/json", headers=told)

    return [answer]


def _refusal(guard: Guard, request: Request[Any, Any, Any]) -> Exception:
    """A stranger is told no more than that."""
    try:
        guard.key(request.scope["headers"])
    except NotAuthenticated as error:
        return error
    path = request.scope["path"][:LONGEST_PATH]
    return UnknownPath(f"Nothing answers {request.scope['method']} {path}: Quarry runs no batches of messages")
