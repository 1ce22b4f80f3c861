"""Bytes to a stream from a thread of its own: a reader who is slow, or has stopped, holds up nobody but himself."""

import queue
import threading
from typing import BinaryIO

WAITING_BATCHES = 64  # beyond it batches are dropped and counted: memory is bounded and no request waits for a log


class Writer:
    """Writes batches in order. Made once, ended with ``close``.

    Attributes:
        dropped_lines: Lines that found no place since somebody last asked, by ``take_dropped``.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.dropped_lines = 0
        self._stream = stream
        self._batches: queue.Queue[bytes | None] = queue.Queue(WAITING_BATCHES)
        threading.Thread(target=self._write, name="quarry-log", daemon=True).start()

    def put(self, batch: bytes, *, lines: int) -> None:
        """Have a batch written soon; never waits."""
        try:
            self._batches.put_nowait(batch)
        except queue.Full:
            self.dropped_lines += lines

    def take_dropped(self) -> int:
        """How many lines were dropped since the last call, now that there is room again; 0 while there is none."""
        if self._batches.full():
            return 0
        dropped, self.dropped_lines = self.dropped_lines, 0
        return dropped

    def drain(self, seconds: float) -> bool:
        """Wait until everything is written, at most so long; whether it is."""
        with self._batches.all_tasks_done:
            return self._batches.all_tasks_done.wait_for(lambda: not self._batches.unfinished_tasks, seconds)

    def close(self, seconds: float) -> None:
        """End the thread once it has written what waits. One that cannot write ends with the process."""
        if self.drain(seconds):
            self._batches.put_nowait(None)

    def _write(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                self._stream.write(batch)
                self._stream.flush()
            except (OSError, ValueError):
                pass  # the reader has gone for good; requests go on
            finally:
                self._batches.task_done()
