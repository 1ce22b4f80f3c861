"""Whether the process lives, wants work, and what it counts."""

import hashlib
import http.client
from asyncio import to_thread
from types import SimpleNamespace
from typing import Any

import pytest
from litestar import Litestar

from gateway.keys.model import Key
from gateway.surface.guard import Guard
from gateway.surface.health import PUBLIC_PATHS, routes
from gateway.surface.problems import answer


def key_of(secret: str, *scopes: str) -> Key:
    return Key(id=secret, name=secret, owner="o", hash=hashlib.sha256(secret.encode()).hexdigest(), scopes=frozenset(scopes))


@pytest.fixture
def process() -> SimpleNamespace:
    """What the process would say of itself."""
    return SimpleNamespace(draining=False)


@pytest.fixture
def app(process: SimpleNamespace) -> Litestar:
    guard = Guard(
        [key_of("data", "invoke"), key_of("scraper", "metrics"), key_of("reader", "admin:read"), key_of("admin", "admin")]
    )
    handlers = routes(guard, is_draining=lambda: process.draining, exposition=lambda: b"quarry_requests_total 1.0\n")
    return Litestar(handlers, openapi_config=None, logging_config=None, exception_handlers={Exception: answer})


async def fetch(url: str, path: str, secret: str | None = None) -> tuple[int, str, str]:
    """Status, content type and body, over a socket of its own."""

    def ask() -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {secret}"} if secret else {})
            response = connection.getresponse()
            return response.status, response.headers["content-type"], response.read().decode()
        finally:
            connection.close()

    return await to_thread(ask)


async def test_alive(served: Any, app: Litestar, process: SimpleNamespace) -> None:
    """A living process says so to anyone, also while it drains."""
    async with served(app) as url:
        before = await fetch(url, "/healthz")
        process.draining = True
        after = await fetch(url, "/healthz")

    assert before == after == (200, "application/json", '{"status":"ok"}')


async def test_ready(served: Any, app: Litestar, process: SimpleNamespace) -> None:
    """A process that drains turns work away before it stops taking it."""
    async with served(app) as url:
        before = await fetch(url, "/readyz")
        process.draining = True
        after = await fetch(url, "/readyz")

    assert before == (200, "application/json", '{"status":"ready"}')
    assert after == (503, "application/json", '{"status":"draining"}')


@pytest.mark.parametrize(
    ("secret", "status"), [(None, 401), ("guess", 401), ("data", 403), ("scraper", 200), ("reader", 200), ("admin", 200)]
)
async def test_metrics(served: Any, app: Litestar, secret: str | None, status: int) -> None:
    """Metrics are for the scopes that read them, and for nobody else (S22)."""
    async with served(app) as url:
        found, kind, body = await fetch(url, "/metrics", secret)

    assert found == status
    if status == 200:
        assert (kind, body) == ("text/plain; version=0.0.4; charset=utf-8", "quarry_requests_total 1.0\n")
    else:
        assert "quarry_requests_total" not in body


LOOKALIKES = [
    "/metrics/",
    "//metrics",
    "/Metrics",
    "/metrics;/healthz",
    "/healthz/../metrics",
    "/metrics?/healthz",
    "/healthz/metrics",
]


async def test_lookalikes(served: Any, app: Litestar) -> None:
    """No spelling of a path gets past the guard (S1): every one of them is refused or unknown."""
    async with served(app) as url:
        answers = [await fetch(url, path) for path in LOOKALIKES]

    assert {status for status, _, _ in answers} <= {401, 404}
    assert all("quarry_requests_total" not in body for _, _, body in answers)


def test_public_paths(app: Litestar) -> None:
    """The paths that ask for no key are an exact set, and they exist."""
    assert frozenset({"/healthz", "/readyz"}) == PUBLIC_PATHS
    assert {route.path for route in app.routes} >= PUBLIC_PATHS
