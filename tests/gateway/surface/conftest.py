"""What the surface's tests share: keys, calls, and a real server on a real socket."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from adapters.chat import ChatRequest, Message, Sampling, Text
from gateway.call import Call
from gateway.keys.model import Key

SECRET = "qk_search_0123456789abcdef0123456789abcdef"


@pytest.fixture
def key() -> Key:
    """The key whose secret is ``SECRET``, allowed to use ``support-*``."""
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    return Key(id="search", name="search-backend", owner="team-search", hash=digest, models=("support-*",))


@pytest.fixture
def secret() -> str:
    """The secret of ``key``."""
    return SECRET


@pytest.fixture
def call_with(key: Key) -> Callable[..., Call]:
    """Makes a call of the wanted kind to ``support-haiku``."""

    def make(sampling: Sampling = Sampling(), **fields: Any) -> Call:  # noqa: B008 - frozen
        request = ChatRequest(messages=(Message("user", (Text("hi"),)),), sampling=sampling)
        return Call(id="req-7", key=key, alias="support-haiku", request=request, received_at=0.0, **fields)

    return make


@pytest.fixture
def served() -> Callable[[Any], Any]:
    """Serves an ASGI application on a loopback port: ``async with served(app) as url``."""

    @asynccontextmanager
    async def serve(app: Any) -> AsyncIterator[str]:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            await task

    return serve
