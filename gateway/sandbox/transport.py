"""uvicorn's HTTP protocol with one thing more: the application may close or reset the connection. Knows no Bedrock."""

import asyncio
import os
import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "quarry.connection"

_LINGER_NONE = struct.pack("ii", 1, 0)  # SO_LINGER on with zero seconds: closing sends RST


class TransportConnection:
    """A ``caller.Connection`` over asyncio's transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        # A duplicate, because the loop's own socket object does not admit options under uvloop.
        descriptor = os.dup(self._transport.get_extra_info("socket").fileno())
        with socket.socket(fileno=descriptor) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self._transport.abort()


class SandboxProtocol(HttpToolsProtocol):
    """Puts the connection into every request's ``scope["extensions"]``."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: TransportConnection(self.transport)}  # type: ignore[dict-item]
