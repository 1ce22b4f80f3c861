"""``GET /v1/models`` and ``/v1/models/{model}``: the aliases that a key may use, and nothing of what stands behind them."""

from typing import Any, Protocol
from urllib.parse import unquote

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.errors import ModelNotFound
from gateway.keys.model import Key
from gateway.registry.model import Snapshot
from gateway.surface.guard import Guard, require
from gateway.surface.openai import wire
from gateway.surface.openai.complaints import quoted

OWNER = "quarry"


class Registry(Protocol):
    """Where the aliases of the moment are."""

    @property
    def snapshot(self) -> Snapshot:
        """What exists now."""
        ...


def routes(guard: Guard, registry: Registry) -> list[HTTPRouteHandler]:
    """The two handlers over who is asking and what exists."""

    @get("/v1/models")
    async def list_models(request: Request[Any, Any, Any]) -> Response[bytes]:
        key = _caller(guard, request)
        return _json(listing(registry.snapshot, key))

    @get("/v1/models/{model:path}")
    async def read_model(request: Request[Any, Any, Any]) -> Response[bytes]:
        key = _caller(guard, request)
        return _json(entry(registry.snapshot, key, alias_of(request.scope["raw_path"])))

    return [list_models, read_model]


def listing(snapshot: Snapshot, key: Key) -> wire.ModelList:
    """Every alias that the key may use, by name."""
    return wire.ModelList([_model(alias, snapshot) for alias in sorted(snapshot.routes) if key.may_use(alias)])


def entry(snapshot: Snapshot, key: Key, alias: str) -> wire.Model:
    """One alias.

    Raises:
        ModelNotFound: It does not exist, or not for this key: the caller cannot tell which.
    """
    if alias not in snapshot.routes or not key.may_use(alias):
        raise ModelNotFound(
            f"There is no model {quoted(alias)} for this key; GET /v1/models lists those there are", parameter="model"
        )
    return _model(alias, snapshot)


def alias_of(raw_path: bytes) -> str:
    """The alias in ``/v1/models/{model}``, as it was sent: aliases may hold "/", which the framework's own reading tidies away."""
    return unquote(raw_path.partition(b"/models/")[2])


def _caller(guard: Guard, request: Request[Any, Any, Any]) -> Key:
    key = guard.key(request.scope["headers"])
    require(key, "invoke")
    return key


def _model(alias: str, snapshot: Snapshot) -> wire.Model:
    return wire.Model(id=alias, created=snapshot.created_at, owned_by=OWNER)


def _json(body: wire.ModelList | wire.Model) -> Response[bytes]:
    return Response(msgspec.json.encode(body), media_type="application/json")
