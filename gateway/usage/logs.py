"""Structured logs: one JSON object a line, written in batches, never a word of a prompt, an answer or a secret.

A line is encoded where it happens and written a moment later together with its neighbours: a slow terminal or pipe
costs one write per batch, not one per request.
"""

import asyncio
import logging
import sys
import time
from typing import Any, BinaryIO

import msgspec

from gateway.usage.record import Record

FLUSH_SECONDS = 0.05
BUFFER_LINES = 1_000  # a full buffer is written at once: memory is bounded and nothing is dropped

_encoder = msgspec.json.Encoder(decimal_format="number")


class Log:
    """Where lines go.

    Args:
        stream: Opened for bytes; standard output by default.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or sys.stdout.buffer
        self._lines: list[bytes] = []
        self._flush_due: asyncio.TimerHandle | None = None

    def request(self, record: Record) -> None:
        """Write the line of one finished request."""
        self._lines.append(_encoder.encode(record))
        if len(self._lines) >= BUFFER_LINES:
            self.flush()
        elif self._flush_due is None:
            self._flush_due = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def event(self, event: str, **facts: Any) -> None:
        """Write at once the line of something that happened to the service itself."""
        self._lines.append(_encoder.encode({"time": round(time.time(), 3), "event": event, **facts}))
        self.flush()

    def flush(self) -> None:
        """Write what waits. A reader that has gone away is not our trouble: its lines are dropped, requests go on."""
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        lines.append(b"")
        try:
            self._stream.write(b"\n".join(lines))
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            return


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
