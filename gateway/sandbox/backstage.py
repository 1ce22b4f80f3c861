"""The sandbox's own HTTP API under ``/_sandbox``: look at it, push its clock, plant faults. Apart from AWS's; no signatures."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from gateway.sandbox import reply
from gateway.sandbox.faults import AnyFault
from gateway.sandbox.faults.planted import Planted
from gateway.sandbox.models import Model
from gateway.sandbox.reply import Reply, Request
from gateway.sandbox.world import World

PREFIX = "_sandbox"


class Refused(Exception):
    """A request to this API that cannot be done; the message says what to change."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class ClockChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /_sandbox/clock``.

    Attributes:
        advance_seconds: Push the clock forward by so much.
        rate: Sandbox seconds per real second from now on; 0 stops the clock.
    """

    advance_seconds: Annotated[float, Meta(ge=0)] = 0.0
    rate: Annotated[float, Meta(ge=0)] | None = None


class WarmthChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``PUT /_sandbox/models/{name}/warmth``."""

    state: Literal["cold", "warm"]


def answer(world: World, request: Request) -> Reply:
    """Answer one request; errors are ``{"message": …}``."""
    try:
        return _dispatched(world, request)
    except Refused as refusal:
        return reply.whole(refusal.status, {"message": str(refusal)})
    except msgspec.MsgspecError as problem:
        return reply.whole(HTTPStatus.BAD_REQUEST, {"message": str(problem)})


def _dispatched(world: World, request: Request) -> Reply:
    path = request.segments[1:]
    shapes = {(method, shape) for method, shape in _ROUTES if _matches(shape, path)}
    found = next((route for route in shapes if route[0] == request.method), None)
    if found:
        return _ROUTES[found](world, request, path)
    if shapes:
        allowed = ", ".join(sorted(method for method, _ in shapes))
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not allowed here: {allowed}")
    raise Refused(HTTPStatus.NOT_FOUND, "not here; see models, requests, faults, clock, reset under /_sandbox")


def _matches(shape: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(shape) == len(path) and all(part in {"{}", given} for part, given in zip(shape, path, strict=True))


def _model(world: World, model: Model) -> dict[str, Any]:
    imported = model.kind == "imported-model"
    return {
        "name": model.name,
        "family": model.family,
        "kind": model.kind,
        "arn": model.arn,
        "base_model_id": model.base.model_id,
        "warmth": world.warmth.state(model.arn) if imported else "warm",
    }


def _models(world: World, _request: Request, _path: tuple[str, ...]) -> Reply:
    return reply.whole(200, {"models": [_model(world, model) for model in world.shelf.entries]})


def _set_warmth(world: World, request: Request, path: tuple[str, ...]) -> Reply:
    model = world.shelf.find(path[1])
    if model is None or model.kind != "imported-model":
        raise Refused(HTTPStatus.NOT_FOUND, f"no imported model {path[1]!r}")
    state = msgspec.json.decode(request.body, type=WarmthChange).state
    (world.warmth.heat if state == "warm" else world.warmth.cool)(model.arn)
    return reply.whole(200, _model(world, model))


def _requests(world: World, request: Request, _path: tuple[str, ...]) -> Reply:
    wanted = request.parameters
    limit = wanted.get("limit", "10000")
    if not limit.isdecimal():
        raise Refused(HTTPStatus.BAD_REQUEST, f"limit {limit!r} is not a whole number")
    records = [
        record
        for record in world.log
        if wanted.get("operation", record.operation) == record.operation and wanted.get("arn", record.arn) == record.arn
    ]
    return reply.whole(200, {"requests": records[max(0, len(records) - int(limit)) :]})


def _shown(name: str, planted: Planted) -> dict[str, Any]:
    fault = msgspec.to_builtins(planted.fault)
    return {"name": name, **fault, "remaining": planted.remaining, "hits": planted.hits}


def _faults(world: World, _request: Request, _path: tuple[str, ...]) -> Reply:
    return reply.whole(200, {"faults": [_shown(name, planted) for name, planted in world.faults]})


def _plant(world: World, request: Request, path: tuple[str, ...]) -> Reply:
    fault = msgspec.json.decode(request.body, type=AnyFault)
    return reply.whole(200, _shown(path[1], world.faults.plant(path[1], fault)))


def _lift(world: World, _request: Request, path: tuple[str, ...]) -> Reply:
    if not world.faults.remove(path[1]):
        raise Refused(HTTPStatus.NOT_FOUND, f"no fault {path[1]!r}")
    return reply.whole(200, {"removed": path[1]})


def _lift_all(world: World, _request: Request, _path: tuple[str, ...]) -> Reply:
    world.faults.clear()
    return reply.whole(200, {"faults": []})


def _clock(world: World, _request: Request, _path: tuple[str, ...]) -> Reply:
    return reply.whole(200, {"now": world.clock.now(), "rate": world.clock.rate})


def _set_clock(world: World, request: Request, path: tuple[str, ...]) -> Reply:
    change = msgspec.json.decode(request.body, type=ClockChange)
    world.clock.advance(change.advance_seconds)
    if change.rate is not None:
        world.clock.run_at(change.rate)
    return _clock(world, request, path)


def _reset(world: World, _request: Request, _path: tuple[str, ...]) -> Reply:
    world.reset()
    return reply.whole(200, {"reset": True})


_ROUTES: dict[tuple[str, tuple[str, ...]], Callable[[World, Request, tuple[str, ...]], Reply]] = {
    ("GET", ("models",)): _models,
    ("PUT", ("models", "{}", "warmth")): _set_warmth,
    ("GET", ("requests",)): _requests,
    ("GET", ("faults",)): _faults,
    ("PUT", ("faults", "{}")): _plant,
    ("DELETE", ("faults", "{}")): _lift,
    ("DELETE", ("faults",)): _lift_all,
    ("GET", ("clock",)): _clock,
    ("POST", ("clock",)): _set_clock,
    ("POST", ("reset",)): _reset,
}
