"""What two shortcuts save on each request: sums of our own beside prometheus-client's counters, a way past Litestar's router.

In process, no socket: CPU microseconds of a single call, the least of five rounds. Behind docs/decisions/0005 and 0006.
"""

import time
from collections.abc import Awaitable, Callable

import uvloop
from litestar import Litestar, asgi
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram
from rich.console import Console
from rich.table import Table

from gateway.app import front
from gateway.usage.metrics import OVERHEAD, SECONDS, Metrics

PATH = "/v1/chat/completions"
ROUNDS = 5
CALLS = 20_000


def counters(*, kept: bool) -> Callable[[], None]:
    """One whole reply counted by prometheus-client; ``kept``: its labelled children are looked up once, not each time."""
    registry = CollectorRegistry()
    requests = Counter("requests", "Requests.", ("model", "target", "outcome"), registry=registry)
    tokens = Counter("tokens", "Tokens.", ("model", "target", "direction"), registry=registry)
    duration = Histogram("duration", "Duration.", ("model",), registry=registry, buckets=SECONDS)
    overhead = Histogram("overhead", "Overhead.", ("model",), registry=registry, buckets=OVERHEAD)

    def look_up() -> tuple[Counter, Counter, Counter, Histogram, Histogram]:
        return (
            requests.labels("m", "t", "complete"),
            tokens.labels("m", "t", "input"),
            tokens.labels("m", "t", "output"),
            duration.labels("m"),
            overhead.labels("m"),
        )

    known = look_up()

    def count() -> None:
        request, read, written, took, ours = known if kept else look_up()
        request.inc()
        read.inc(212)
        written.inc(118)
        took.observe(0.3)
        ours.observe(0.0004)

    return count


def sums() -> Callable[[], None]:
    """The same, counted as ``gateway.usage`` does."""
    metrics = Metrics()

    def count() -> None:
        route = metrics.route("m", "t")
        route.requests["complete"] += 1
        route.input_tokens += 212
        route.output_tokens += 118
        route.model.duration.observe(0.3)
        route.model.overhead.observe(0.0004)

    return count


@asgi(PATH, copy_scope=False)
async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """The chat route without its work."""


def routed() -> tuple[ASGIApp, ASGIApp]:
    """The route behind Litestar's router, and behind ours."""
    litestar = Litestar([nothing], openapi_config=None, logging_config=None)
    return litestar, front([nothing], litestar)


async def asked(application: ASGIApp) -> None:
    """One request by ASGI's shapes; nobody reads or writes."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "root_path": "",
        "state": {},
    }
    await application(scope, _nothing_comes, _nobody_hears)  # type: ignore[arg-type] # the parts of a scope that are read


async def _nothing_comes() -> dict[str, object]:
    return {"type": "http.disconnect"}


async def _nobody_hears(_message: object) -> None: ...


def least(call: Callable[[], None]) -> float:
    """CPU microseconds of one call."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            call()
        found.append((time.process_time() - began) / CALLS * 1e6)
    return min(found)


async def least_awaited(call: Callable[[], Awaitable[None]]) -> float:
    """The same for a call that awaits."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            await call()
        found.append((time.process_time() - began) / CALLS * 1e6)
    return min(found)


def main() -> None:
    """Measure and print."""
    litestar, ours = routed()
    table = Table("what", "CPU us")
    table.add_row("prometheus-client, labels looked up", f"{least(counters(kept=False)):.1f}")
    table.add_row("prometheus-client, children kept", f"{least(counters(kept=True)):.1f}")
    table.add_row("sums of our own", f"{least(sums()):.1f}")
    table.add_row("chat route behind Litestar's router", f"{uvloop.run(least_awaited(lambda: asked(litestar))):.1f}")
    table.add_row("chat route behind ours", f"{uvloop.run(least_awaited(lambda: asked(ours))):.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
