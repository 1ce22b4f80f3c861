"""The process in which strangers' programs run: one job after the other, each within its bounds, and nothing else.

It starts with an empty environment, imports what it needs, and then takes from itself what it needs no more: files, sockets,
other processes, most of the memory. What still goes wrong here ends here: whoever asked sees the pipe close, and starts
another. Time is the processor's, not the clock's, so that a busy machine kills nobody.
"""

import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from adapters.errors import RequestRefused
from adapters.prompts.checkpoint import Checkpoint
from adapters.prompts.jinja import TooLong, Unusable, Writer
from gateway.templating.jobs import (
    HEAD_BYTES,
    LEAST_OUTPUT_CHARACTERS,
    OUTPUT_PER_BYTE,
    Answer,
    Count,
    Counted,
    Failed,
    Job,
    Learn,
    Learned,
    Prepare,
    Prepared,
    Ready,
    Refused,
    Unknown,
    Write,
    Written,
    job,
    packed,
)

MEGABYTE = 1_048_576
MOST_KEPT = 64  # templates; of tokenizers, which are larger, an eighth
HARD_MEMORY_BYTES = 4096 * MEGABYTE

# Seconds of the processor, and memory beyond what the process has: for any job, and for each byte of it. A template that
# is what it seems takes some milliseconds, whatever the length of the conversation.
BOUNDS: dict[str, tuple[float, float, int, int]] = {
    "prompts": (0.5, 0.5 / MEGABYTE, 128 * MEGABYTE, 24),
    "tokens": (2.0, 3.0 / MEGABYTE, 128 * MEGABYTE, 96),
}

# Jinja imports some of its parts when they are first used, and the time zone is a file: both while files can still be opened.
_REHEARSAL = (
    "{% macro m() %}{% endmacro %}{% for m in messages %}{{ m.content }}{% endfor %}{{ strftime_now('%Z') ~ lipsum(1) ~ m() }}"
    "{{ messages | pprint | striptags | wordwrap | urlize | urlencode ~ ([1] | tojson | truncate(9)) ~ ([1] | random) }}"
    "{% if messages[1] is defined %}{{ nothing.at_all }}{% endif %}"
)


class Prompts:
    """Chat templates, compiled."""

    def __init__(self) -> None:
        self._writers: dict[str, Writer] = {}
        Writer(Checkpoint({"default": _REHEARSAL}), _now)

    def do(self, asked: Job, job_bytes: int) -> Answer:
        """Do one job. Raises what a template makes it raise."""
        match asked:
            case Prepare():
                _keep(self._writers, asked.key, Writer(asked.checkpoint, _now), MOST_KEPT)
                return Prepared()
            case Write() if asked.key in self._writers:
                most = LEAST_OUTPUT_CHARACTERS + OUTPUT_PER_BYTE * job_bytes
                return Written(self._writers[asked.key].write(asked.request, most_characters=most))
            case _:
                return Unknown()


class Tokens:
    """Tokenizers."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - only this kind of process has a use for its memory

        self._read: Callable[[bytes], Any] = Tokenizer.from_buffer
        self._tokenizers: dict[str, Any] = {}

    def do(self, asked: Job, _job_bytes: int) -> Answer:
        """Do one job. Raises what a tokenizer makes it raise."""
        match asked:
            case Learn():
                tokenizer = self._read(asked.body)
                tokenizer.no_truncation()
                tokenizer.no_padding()
                _keep(self._tokenizers, asked.key, tokenizer, MOST_KEPT // 8)
                added = tokenizer.get_added_tokens_decoder().values()
                return Learned(
                    special=tuple(token.content for token in added if token.special),
                    added=tuple(token.content for token in added if not token.special),
                )
            case Count() if asked.key in self._tokenizers:
                # As transformers counts a chat: the template has written every special token itself.
                return Counted(len(self._tokenizers[asked.key].encode(asked.text, add_special_tokens=False)))
            case _:
                return Unknown()


ROOMS: dict[str, Callable[[], Prompts | Tokens]] = {"prompts": Prompts, "tokens": Tokens}


def main() -> None:
    """Answer jobs from standard input until it closes."""
    kind = sys.argv[1]
    try:
        room, bounds = ROOMS[kind](), Bounds(*BOUNDS[kind])
        bounds.take_away()
    except Exception as error:  # noqa: BLE001 - whoever started us is told, since nobody reads our standard error
        _send(Failed(f"{type(error).__name__} {error}", spent=True))
        return
    _send(Ready())
    while (body := _receive()) is not None:
        bounds.begin(len(body))
        answer = _done(room, body)
        bounds.end()
        _send(answer)
        if isinstance(answer, Failed) and answer.spent:
            break


def _done(room: Prompts | Tokens, body: bytes) -> Answer:
    try:
        return room.do(job(body), len(body))
    except RequestRefused as error:
        return Refused(str(error), error.parameter)
    except (Unusable, TooLong) as error:
        return Failed(str(error))
    except MemoryError:
        return Failed("it takes more memory than it may", spent=True)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's tokenizer or template makes of it
        return Failed(f"{type(error).__name__} {' '.join(str(error).split())[:300]}", spent=True)


class Bounds:
    """What one job may use.

    Args:
        seconds, seconds_per_byte: Of the processor; beyond them the kernel ends the process, in whatever it may be.
        memory_bytes, memory_per_byte: Of address space beyond what the process has; beyond them no more is given.
    """

    def __init__(self, seconds: float, seconds_per_byte: float, memory_bytes: int, memory_per_byte: int) -> None:
        self._seconds = seconds
        self._seconds_per_byte = seconds_per_byte
        self._memory_bytes = memory_bytes
        self._memory_per_byte = memory_per_byte
        self._page_bytes = resource.getpagesize()
        self._memory = os.open("/proc/self/statm", os.O_RDONLY)

    def take_away(self) -> None:
        """Give up, for good, what is needed no more."""
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, signal.SIG_IGN)  # whoever started us decides when we end, by closing the pipe
        nothing = (
            resource.RLIMIT_FSIZE,  # no byte into a file
            resource.RLIMIT_CORE,
            resource.RLIMIT_NPROC,  # no process and no thread beside this; root is exempt
        )
        for limit in nothing:
            resource.setrlimit(limit, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._memory + 1, self._memory + 1))  # nothing more is opened, no socket
        resource.setrlimit(resource.RLIMIT_AS, (HARD_MEMORY_BYTES, HARD_MEMORY_BYTES))

    def begin(self, job_bytes: int) -> None:
        """From here on the job's processor time and memory count."""
        used = int(os.pread(self._memory, 64, 0).split()[0]) * self._page_bytes
        most = used + self._memory_bytes + self._memory_per_byte * job_bytes
        resource.setrlimit(resource.RLIMIT_AS, (min(most, HARD_MEMORY_BYTES), HARD_MEMORY_BYTES))
        signal.setitimer(signal.ITIMER_PROF, self._seconds + self._seconds_per_byte * job_bytes)

    def end(self) -> None:
        """The job is done; sending its answer costs what it costs."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (HARD_MEMORY_BYTES, HARD_MEMORY_BYTES))


def _now() -> datetime:
    """Local time without its zone, as ``transformers`` gives it to a template."""
    return datetime.now().astimezone().replace(tzinfo=None)


def _keep(kept: dict[str, Any], key: str, value: Any, most: int) -> None:
    """Keep the newest."""
    kept.pop(key, None)
    while len(kept) >= most:
        del kept[next(iter(kept))]
    kept[key] = value


def _receive() -> bytes | None:
    head = sys.stdin.buffer.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return None
    (length,) = struct.unpack(">I", head)
    return sys.stdin.buffer.read(length)


def _send(answer: Answer) -> None:
    body = packed(answer)
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
