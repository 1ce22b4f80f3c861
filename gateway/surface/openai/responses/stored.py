"""``/v1/responses/{id}`` and what is below it: nothing is stored here, and whoever asks for it is told so."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from gateway.errors import InvalidRequest
from gateway.surface.guard import Guard, require
from gateway.surface.problems import LONGEST_PATH, UnknownPath


class ResponseNotFound(InvalidRequest):
    """No response is stored: each is returned once, to whoever asked."""

    status = 404
    code = "response_not_found"
    word = "response_not_found"


def routes(guard: Guard) -> list[HTTPRouteHandler]:
    """The handlers of reading, deleting and cancelling."""

    def refuse(request: Request[Any, Any, Any]) -> Response[bytes]:
        require(guard.key(request.scope["headers"]), "invoke")
        raise ResponseNotFound(
            "Quarry stores no responses (store is always false): keep the reply, and send its items back in input"
        )

    @get("/v1/responses/{response:path}")
    async def read_response(request: Request[Any, Any, Any]) -> Response[bytes]:
        return refuse(request)

    @delete("/v1/responses/{response:path}", status_code=200)
    async def delete_response(request: Request[Any, Any, Any]) -> Response[bytes]:
        return refuse(request)

    @post("/v1/responses/{response:path}")
    async def cancel_response(request: Request[Any, Any, Any]) -> Response[bytes]:
        if request.scope["path"].endswith("/cancel"):
            return refuse(request)
        raise UnknownPath(f"Nothing answers POST {request.scope['path'][:LONGEST_PATH]}")

    return [read_response, delete_response, cancel_response]
