"""Structured logs: one JSON object a line, in batches, never a word of a prompt, an answer or a secret.

A line is encoded where it happens and handed on a moment later together with its neighbours; writing is another thread's
work, so that neither a slow terminal nor a pipe that nobody reads holds up a request or a signal.
"""

import asyncio
import logging
import sys
import time
from typing import Any, BinaryIO

import msgspec

from gateway.usage.record import Record
from gateway.usage.writer import Writer

FLUSH_SECONDS = 0.05
BUFFER_LINES = 1_000  # a full buffer is handed on at once
LAST_LINES_SECONDS = 1.0  # what a reader has at the end to take what still waits

_encoder = msgspec.json.Encoder(decimal_format="number")


class Log:
    """Where lines go.

    Args:
        stream: Opened for bytes; standard output by default.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._writer = Writer(stream or sys.stdout.buffer)
        self._lines: list[bytes] = []
        self._flush_due: asyncio.TimerHandle | None = None

    def request(self, record: Record) -> None:
        """Write the line of one finished request, soon."""
        self._lines.append(_encoder.encode(record))
        if len(self._lines) >= BUFFER_LINES:
            self.flush()
        elif self._flush_due is None:
            self._flush_due = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def event(self, event: str, **facts: Any) -> None:
        """Write the line of something that happened to the service itself."""
        self._lines.append(_event(event, facts))
        self.flush()

    def flush(self) -> None:
        """Hand on what waits. Lines that a reader did not take in time are dropped, and told once there is room again."""
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None
        if dropped := self._writer.take_dropped():
            self._lines.append(_event("log_lines_dropped", {"lines": dropped}))
        if self._lines:
            lines, self._lines = self._lines, []
            self._writer.put(b"\n".join([*lines, b""]), lines=len(lines))

    def drain(self, seconds: float = LAST_LINES_SECONDS) -> None:
        """Flush, and wait until it is written, at most so long."""
        self.flush()
        self._writer.drain(seconds)

    def close(self) -> None:
        """Write what waits, and end."""
        self.flush()
        self._writer.close(LAST_LINES_SECONDS)


def _event(event: str, facts: dict[str, Any]) -> bytes:
    return _encoder.encode({"time": round(time.time(), 3), "event": event, **facts})


class LogHandler(logging.Handler):
    """Brings what libraries log through ``logging`` into the same lines."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one library record; a traceback becomes the type and place of the error, never its values."""
        facts: dict[str, Any] = {"level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            facts["exception"] = place_of(record.exc_info[1])
        self._log.event("library", **facts)


def place_of(error: BaseException) -> str:
    """The type of an unforeseen error and where it arose. Its message is left out: it may quote a caller."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace is not None else ""
    return type(error).__name__ + where
