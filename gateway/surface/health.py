"""Whether this process lives, whether it wants work, and what it counts. It decides none of the three: it is told.

``/healthz`` and ``/readyz`` are the only routes of the gateway that ask for no key; they say one word each, and answer HEAD
too, since some load balancers ask with it.
"""

from collections.abc import Callable
from typing import Any

from litestar import HttpMethod, Request, Response, get, route
from litestar.handlers import HTTPRouteHandler

from gateway.surface.guard import Guard, require

PUBLIC_PATHS = frozenset({"/healthz", "/readyz"})
"""Every path that answers without a key."""

PROBES = (HttpMethod.GET, HttpMethod.HEAD)
EXPOSITION = "text/plain; version=0.0.4"  # what every Prometheus reads; Litestar adds the charset


def routes(guard: Guard, *, is_draining: Callable[[], bool], exposition: Callable[[], bytes]) -> list[HTTPRouteHandler]:
    """The handlers.

    Args:
        is_draining: Whether new work should go elsewhere.
        exposition: The metrics of the moment in Prometheus' text format.
    """

    @route("/healthz", http_method=PROBES)
    async def alive(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _status(request, 200, b'{"status":"ok"}')

    @route("/readyz", http_method=PROBES)
    async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:
        if is_draining():
            return _status(request, 503, b'{"status":"draining"}')
        return _status(request, 200, b'{"status":"ready"}')

    @get("/metrics")
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        require(guard.key(request.scope["headers"]), "metrics")
        return Response(exposition(), media_type=EXPOSITION)

    return [alive, ready, metrics]


def _status(request: Request[Any, Any, Any], status: int, body: bytes) -> Response[bytes]:
    shown = b"" if request.method == HttpMethod.HEAD else body  # Litestar calls a body in answer to HEAD a mistake
    return Response(shown, status_code=status, media_type="application/json", headers={"cache-control": "no-store"})
