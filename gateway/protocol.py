"""uvicorn's HTTP/1.1 protocol with what it lacks. Knows connections; no route, no body.

- A handler is told at once when its caller leaves. ASGI only lets it ask, which takes a task per request:
  docs/decisions/0006-short-way-to-chat.md.
- A request's head must be whole within ``HEAD_SECONDS``, or the connection is closed: a thousand half-sent heads cost
  nothing for longer than that.
- A head of more than ``HEAD_BYTES`` or ``HEAD_FIELDS`` is refused with 431, and a body that goes on for more than
  ``UNREAD_BYTES`` after it has been answered is cut off.
- A reply's head leaves together with the first of its body: a write is the dearest thing that a small reply does.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn._types import ASGI3Application, ASGISendEvent, HTTPResponseStartEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.surface.leaving import EXTENSION

HEAD_SECONDS = 10.0
HEAD_BYTES = 32_768
HEAD_FIELDS = 100
GOODBYE_SECONDS = 0.5  # for an idle caller to answer the end of TLS; a client's pool reads nothing while it is idle
UNREAD_BYTES = 33_554_432  # generous: whoever closes earlier loses the 413 that an honest client has yet to read

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_OFFER = (b"connection", b"upgrade", b"http2-settings")  # nothing but the offer stands in such a Connection field
_NO_BODY = (204, 304)


class HeadTooLargeError(Exception):
    """Stops the parser; the connection is answered and closed by whoever catches it."""


class Protocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        on_leaving: Called once when the caller's connection is lost; set and taken back by the handler of a request.
        is_lost: Whether it was.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.on_leaving: Callable[[], None] | None = None
        self.is_lost = False
        self._extensions = {EXTENSION: self}
        self._in_head = True
        self._head_bytes = 0
        self._head_due: asyncio.TimerHandle | None = None
        self._unread_bytes = 0  # of bodies that were answered before they had come
        self._method = b""
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_due = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        leaving, self.on_leaving = self.on_leaving, None
        if leaving is not None:
            leaving()
        self._head_is_whole()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End the connection: now if nothing is asked, else with the reply.

        Over TLS closing waits for the caller to close, too, half a minute long, and a drain would wait with it.
        """
        super().shutdown()
        if self.transport.is_closing() and self.scheme == "https":
            self.loop.call_later(GOODBYE_SECONDS, self._end_without_goodbye)

    def _end_without_goodbye(self) -> None:
        if self.is_lost:
            return
        if self.transport.get_write_buffer_size():  # the last of a reply is still on its way
            self.loop.call_later(GOODBYE_SECONDS, self._end_without_goodbye)
        else:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
            return
        # A head that came in one read, as nearly all do, never starts a timer.
        if self._in_head and self._head_due is None and not self.transport.is_closing():
            self._head_due = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]

    # One timer for all the pauses of a connection: it looks again when it rings, instead of being set anew for each reply.

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for long enough."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # a request is under way: its reply looks again
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if rest <= 0:
            self.transport.close()
        else:
            self._look_again(rest)

    def _look_again(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _stay(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 with a request that offered to change to another protocol, as RFC 9110 7.8 allows.

        Java's HttpClient offers h2c with every first request, and httptools would take its body for the new protocol's bytes.
        """
        fields = [b"%s: %s\r\n" % field for field in self.headers if field[0] not in _OFFER]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"%s %s HTTP/1.1\r\n%s\r\n" % (self._method, self.url, b"".join(fields)))
        if rest:
            self.data_received(rest)

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            self._unread_bytes += len(body)
            if self._unread_bytes > UNREAD_BYTES:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._method = self.parser.get_method()
            return
        self._head_is_whole()
        if len(self.headers) > HEAD_FIELDS or (self._head_bytes > HEAD_BYTES and self._measured() > HEAD_BYTES):
            raise HeadTooLargeError
        self._head_bytes = 0
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.__class__ = Cycle  # uvicorn makes its cycles itself and asks nobody of which class
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers when the parser stops: 400, but for a head that we stopped."""
        if self._head_bytes > HEAD_BYTES or len(self.headers or ()) > HEAD_FIELDS:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _measured(self) -> int:
        """The head's own bytes: what was read together with it may be body."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _head_is_whole(self) -> None:
        self._in_head = False
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _give_up(self) -> None:
        self._head_due = None
        self.transport.close()


class Cycle(RequestResponseCycle):
    """One request and its reply. Sends what uvicorn's own would, byte for byte, in fewer writes."""

    _head = b""

    async def send(self, message: ASGISendEvent) -> None:
        """Take one ASGI message; the start of a reply waits for the first of its body.

        Raises:
            RuntimeError: A message out of order, a header that would break out of its line, or another length than declared.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] != "http.response.body" or not self.response_started or self.response_complete:
            raise RuntimeError(f"unexpected ASGI message {message['type']}")
        else:
            more = message.get("more_body", False)
            head, self._head = self._head, b""
            if data := head + self._framed(message.get("body", b""), last=not more):
                self.transport.write(data)
            if not more:
                self._finish()

    def _start(self, message: HTTPResponseStartEvent) -> None:
        if self.response_started:
            raise RuntimeError("a reply was begun twice")
        self.response_started = True
        self.waiting_for_100_continue = False
        status, lines = message["status"], []
        for name, value in (*self.default_headers, *message.get("headers", ())):
            lines.append(b"%s: %s\r\n" % (name, value))
            if name == b"content-length":
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"connection" and value.lower() == b"close":
                self.keep_alive = False
        if not self.keep_alive and b"connection: close\r\n" not in lines:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and status not in _NO_BODY and self.scope["method"] != "HEAD":
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            raise RuntimeError("a header holds a line break")
        self._head = b"%s%s\r\n" % (STATUS_LINE[status], head)

    def _framed(self, body: bytes, *, last: bool) -> bytes:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            return b""
        if self.chunked_encoding:
            piece = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            return piece + b"0\r\n\r\n" if last else piece
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (last and self.expected_content_length):
            raise RuntimeError("a reply of another length than its Content-Length")
        return body

    def _finish(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
