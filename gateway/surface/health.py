"""Whether this process lives, whether it wants work, and what it counts. It decides none of the three: it is told.

``/healthz`` and ``/readyz`` are the only routes of the gateway that ask for no key; they say one word each.
"""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.surface.guard import Guard, require

PUBLIC_PATHS = frozenset({"/healthz", "/readyz"})
"""Every path that answers without a key."""

EXPOSITION = "text/plain; version=0.0.4"  # what every Prometheus reads; Litestar adds the charset


def routes(guard: Guard, *, is_draining: Callable[[], bool], exposition: Callable[[], bytes]) -> list[HTTPRouteHandler]:
    """The handlers.

    Args:
        is_draining: Whether new work should go elsewhere.
        exposition: The metrics of the moment in Prometheus' text format.
    """

    @get("/healthz")
    async def alive() -> Response[bytes]:
        return _status(200, b'{"status":"ok"}')

    @get("/readyz")
    async def ready() -> Response[bytes]:
        return _status(503, b'{"status":"draining"}') if is_draining() else _status(200, b'{"status":"ready"}')

    @get("/metrics")
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        require(guard.key(request.scope["headers"]), "metrics")
        return Response(exposition(), media_type=EXPOSITION)

    return [alive, ready, metrics]


def _status(status: int, body: bytes) -> Response[bytes]:
    return Response(body, status_code=status, media_type="application/json", headers={"cache-control": "no-store"})
