"""A whole gateway over a whole sandbox in a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.sandbox.world import World
from tests.stack import stack_over

LONGEST_SECONDS = 20  # a bound on a hang, not a promise


@contextmanager
def serving(world: World, **settings: Any) -> Iterator[str]:
    """Serve until the block ends; its URL. ``settings`` are those of ``stack_over``."""
    urls: list[str] = []
    started, stop = threading.Event(), threading.Event()

    def ready(url: str) -> None:
        urls.append(url)
        started.set()

    thread = threading.Thread(target=_serve, args=(world, settings, ready, stop))
    thread.start()
    try:
        assert started.wait(LONGEST_SECONDS)
        yield urls[0]
    finally:
        stop.set()
        thread.join(LONGEST_SECONDS)


def _serve(world: World, settings: dict[str, Any], ready: Callable[[str], None], stop: threading.Event) -> None:
    async def serve() -> None:
        async with stack_over(world, **settings) as stack:
            ready(stack.url)
            await asyncio.to_thread(stop.wait)

    asyncio.run(serve())
