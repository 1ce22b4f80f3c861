"""Serves a world over HTTP: inside a running event loop for tests and ``quarry serve --sandbox``, or until Ctrl-C."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from gateway.sandbox.app import create
from gateway.sandbox.transport import SandboxProtocol
from gateway.sandbox.world import World


def _config(world: World) -> uvicorn.Config:
    return uvicorn.Config(
        create(world),
        http=SandboxProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is; with it on, a reply written in
    # two parts waits 40 ms for the caller's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running(world: World, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve a world in this event loop and give its base URL; it answers from the first line of the block on.

    Args:
        port: 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """
    with _listener(host, port) as listener:
        server = _Server(_config(world))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            await serving


@contextmanager
def background(world: World, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve a world from a thread of its own and give its base URL, for tests whose own code blocks, as boto3's does.

    Raises:
        OSError: The port is taken.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="quarry-sandbox", daemon=True)
    thread.start()
    served = running(world, host, port)
    try:
        url = asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result()
        try:
            yield url
        finally:
            asyncio.run_coroutine_threadsafe(served.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run(world: World, host: str = "127.0.0.1", port: int = 9000) -> None:
    """Serve a world until Ctrl-C or SIGTERM.

    Raises:
        OSError: The port is taken.
    """
    with _listener(host, port) as listener:
        uvicorn.Server(_config(world)).run([listener])
