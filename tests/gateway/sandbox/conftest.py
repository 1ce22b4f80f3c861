"""A fresh sandbox for every test, and a way to it without any SDK: bearer keys over plain sockets."""

import asyncio
import json
from urllib.parse import quote, urlsplit

import pytest

from gateway.sandbox.serve import background
from gateway.sandbox.world import World


class Wire:
    """One HTTP/1.1 connection per request, read as raw bytes."""

    def __init__(self, url):
        self.url = url
        self.address = urlsplit(url)

    async def open(self, method, path, body=b"", headers=()):
        """Send a request; give the reader and the writer, nothing read yet."""
        reader, writer = await asyncio.open_connection(self.address.hostname, self.address.port)
        lines = [f"{method} {path} HTTP/1.1", "host: sandbox", f"content-length: {len(body)}", "authorization: Bearer key"]
        lines += [f"{name}: {value}" for name, value in headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        return reader, writer

    async def raw(self, method, path, body=b"", headers=()):
        """The whole of what comes back until the server closes; raises ``ConnectionResetError`` after RST."""
        reader, writer = await self.open(method, path, body, (*headers, ("connection", "close")))
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()

    async def ask(self, method, path, value=None, headers=()):
        """Status, headers and decoded body of one request."""
        raw = await self.raw(method, path, b"" if value is None else json.dumps(value).encode(), headers)
        head, _, body = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        return int(status.split(" ")[1]), fields, json.loads(body)

    async def own(self, method, path, value=None):
        """The body of a request to the sandbox's own API."""
        _, _, body = await self.ask(method, f"/_sandbox/{path}", value)
        return body

    def invoke_path(self, arn, operation="invoke"):
        return f"/model/{quote(arn, safe='')}/{operation}"

    def stream_path(self, arn):
        return self.invoke_path(arn, "invoke-with-response-stream")


async def wait_until(holds):
    """Return once ``holds()`` is true; fail after ten seconds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is awaited is a value of the sandbox's, which has no event
            await asyncio.sleep(0.002)


@pytest.fixture
def until():
    return wait_until


@pytest.fixture(scope="module")
def served():
    """A world and its address, shared by a module's tests."""
    shared = World()
    with background(shared) as url:
        yield shared, url


@pytest.fixture
def world(served):
    """The world as on its first day."""
    served[0].reset()
    return served[0]


@pytest.fixture
def wire(world, served):
    return Wire(served[1])


@pytest.fixture
def llama(world):
    """The ARN of the Llama 2 model."""
    return world.shelf.find("llama2-support").arn
