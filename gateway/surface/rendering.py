"""``POST /v1/render``: the exact body that a chat request would become, target by target. Nothing is sent to any model.

Callers see what they may know: no ARN, no region, no account. So what an alias's guardrail adds is not shown: it names the
guardrail, often by its ARN.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from adapters.chat import ChatRequest
from adapters.errors import RequestRefused
from gateway.completion import Path
from gateway.registry.model import Route, Target
from gateway.surface.answering import Arrival, Rooms
from gateway.surface.body import read_body, request_id
from gateway.surface.guard import require
from gateway.surface.openai.parse import parse_chat
from gateway.translation import fitted

PATH = "/v1/render"


class Step(Struct, frozen=True, omit_defaults=True):
    """One target that could be asked, in the order in which they would be.

    Attributes:
        alias: The one that was asked for, or a fallback of it.
        body: The native body, byte for byte as the family writes it.
        prompt: The prompt inside it, where the family reads one and it was written by the alias's or the model's own format.
        ignored: What ``x-quarry-ignored-parameters`` would name.
        refused: What the caller would read instead of an answer, with status 400; ``parameter`` is the field to change.
    """

    alias: str
    target: str
    family: str
    operation: str = ""
    body: msgspec.Raw | None = None
    prompt: str | None = None
    ignored: tuple[str, ...] = ()
    refused: str | None = None
    parameter: str | None = None


class Rendering(Struct, frozen=True, kw_only=True):
    """What a request would become."""

    object: str = "quarry.rendering"
    model: str
    stream: bool
    steps: tuple[Step, ...]


def route(rooms: Rooms) -> HTTPRouteHandler:
    """The handler over its rooms."""

    @post(PATH, status_code=200)
    async def render(request: Request[Any, Any, Any]) -> Response[bytes]:
        headers = request.scope["headers"]
        key = rooms.guard.key(headers)
        require(key, "invoke")
        body = await read_body(request.scope, request.receive, rooms.max_body_bytes)
        call = parse_chat(body, Arrival(request_id(headers), key, rooms.path.now()))
        routes = rooms.path.registry.resolve(call.alias, key)
        steps = [step async for step in _steps(routes, call.request, rooms.path, stream=call.stream)]
        found = Rendering(model=call.alias, stream=call.stream, steps=tuple(steps))
        return Response(msgspec.json.encode(found), media_type="application/json")

    return render


async def _steps(routes: tuple[Route, ...], asked: ChatRequest, path: Path, *, stream: bool) -> AsyncIterator[Step]:
    for way in routes:
        asked_at_all = [target for target in way.targets if target.weight > 0]
        for target in sorted(asked_at_all, key=lambda target: (target.priority, -target.weight)):
            yield await _step(way, target, asked, path, stream=stream)


async def _step(way: Route, target: Target, asked: ChatRequest, path: Path, *, stream: bool) -> Step:
    try:
        family, request, ignored = fitted(asked, way, target)
        request, _ = await path.templates.applied(target, family, request)
        body = family.encode(request, stream)
    except RequestRefused as error:
        return Step(way.alias, target.name, target.family, refused=str(error), parameter=error.parameter)
    return Step(way.alias, target.name, family.name, family.operation, msgspec.Raw(body), request.prompt, ignored)
