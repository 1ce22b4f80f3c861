"""A dialect behind a real socket, with no path below it: it answers whatever it is asked with prepared deltas."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import openai
import uvicorn

from adapters.deltas import Delta
from gateway.call import Call
from gateway.keys.model import Key
from gateway.surface.answering import Arrival, Dialect

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)


class Surface:
    """The surface without a path: parses what it is sent, and answers it with prepared deltas."""

    def __init__(self, dialect: Dialect, deltas: Sequence[Delta], error: Exception | None = None) -> None:
        self.dialect = dialect
        self.deltas = deltas
        self.error = error
        self.calls: list[Call] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        call = self.dialect.parse(body, Arrival("req-1", KEY, 0.0))
        self.calls.append(call)
        kind = b"text/event-stream" if call.stream else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        for piece in self.pieces(call):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def pieces(self, call: Call) -> list[bytes]:
        """What is sent, write by write; a stream's writes end in the middle of events."""
        if not call.stream:
            return [self.dialect.whole(call, [self.deltas] * call.choices, 1_700_000_000)]
        events = self.dialect.events(call, 1_700_000_000)
        data = b"".join(events.events(choice, [delta]) for delta in self.deltas for choice in range(call.choices))
        data += events.error(self.error) if self.error else events.end()
        return [data[at : at + 97] for at in range(0, len(data), 97)]


@asynccontextmanager
async def client_of(surface: Surface) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client of a surface on a real socket."""
    server = uvicorn.Server(uvicorn.Config(surface, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="k", max_retries=0) as client:
            yield client
    finally:
        server.should_exit = True
        await task
