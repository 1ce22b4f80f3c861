"""Structured lines: one JSON object each, whatever is in them."""

import asyncio
import io
import json
import logging
import socket
import threading

from gateway.usage.logs import BUFFER_LINES, FLUSH_SECONDS, Log, LogHandler
from gateway.usage.record import Record
from gateway.usage.writer import WAITING_BATCHES


def record(**facts: object) -> Record:
    return Record(
        **{"time": 1.0, "event": "request", "request_id": "r1", "outcome": "complete", "status": 200, "duration_seconds": 0.5}
        | facts
    )


async def test_a_request_is_one_line() -> None:
    """Lines are written together a moment later, each a JSON object, facts that are absent left out."""
    stream = io.BytesIO()
    log = Log(stream)

    log.request(record(request_id="r1"))
    log.request(record(request_id="r2", target="haiku-a"))
    await asyncio.sleep(FLUSH_SECONDS * 4)
    log.drain()

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["request_id"] for line in lines] == ["r1", "r2"]
    assert "target" not in lines[0]
    assert lines[1]["target"] == "haiku-a"


async def test_a_full_buffer_is_handed_on_at_once() -> None:
    """No timer is waited for when lines come fast."""
    stream = io.BytesIO()
    log = Log(stream)

    for _ in range(BUFFER_LINES):
        log.request(record())

    log._writer.drain(5)
    assert stream.getvalue().count(b"\n") == BUFFER_LINES


def test_text_cannot_break_out_of_its_line() -> None:
    """CR, LF, ANSI and quotes in a fact stay inside one JSON string."""
    stream = io.BytesIO()

    log = Log(stream)
    log.event("warning", message='a\r\nb\x1b[31m"}\n{"event":"forged"}')
    log.close()

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["message"].startswith("a\r\nb")


def test_a_library_error_is_logged_by_type_and_place_alone() -> None:
    """An exception's message may quote a caller: it is not written."""
    stream = io.BytesIO()
    logger = logging.getLogger("quarry.test")
    logger.propagate = False
    log = Log(stream)
    logger.addHandler(LogHandler(log))
    try:
        raise ValueError("the caller's secret prompt")
    except ValueError:
        logger.exception("Unhandled")
    log.close()

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["exception"].startswith("ValueError at ")
    assert b"secret prompt" not in line


def test_a_reader_that_has_gone_away_is_survived() -> None:
    """A closed standard output drops lines; it fails no request."""
    stream = io.BytesIO()
    log = Log(stream)
    stream.close()

    log.event("started")
    log.close()

    assert stream.closed


async def test_a_reader_that_has_stopped_holds_up_nothing() -> None:
    """A pipe that nobody reads fills; from then on lines are dropped and counted, and said so once it is read again."""
    ours, theirs = socket.socketpair()
    log = Log(ours.makefile("wb"))
    for _ in range(4 * WAITING_BATCHES):
        for _ in range(100):
            log.request(record(detail="x" * 500))
        log.flush()

    read = threading.Thread(target=lambda: lines.extend(theirs.makefile("rb")), daemon=True)
    lines: list[bytes] = []
    read.start()
    await asyncio.to_thread(log.drain, 10)
    log.event("after")
    log.close()
    ours.shutdown(socket.SHUT_WR)
    read.join(10)
    ours.close()
    theirs.close()

    events = [json.loads(line) for line in lines]
    dropped = sum(event["lines"] for event in events if event["event"] == "log_lines_dropped")
    assert dropped > 0
    assert len([event for event in events if event["event"] == "request"]) + dropped == 4 * WAITING_BATCHES * 100
