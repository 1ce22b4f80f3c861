"""Worker processes from outside: started when first needed, asked, and replaced when one oversteps. Knows no template.

Nothing here blocks the event loop, and nothing grows: so many processes, so many callers in line, answers so long.
"""

import asyncio
import contextlib
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, Self

import msgspec

from gateway.errors import Overloaded
from gateway.templating.jobs import (
    HEAD_BYTES,
    LEAST_OUTPUT_CHARACTERS,
    OUTPUT_PER_BYTE,
    Answer,
    Failed,
    Job,
    Ready,
    Refused,
    Unknown,
    answer,
    packed,
)

Kind = Literal["prompts", "tokens"]

MOST_PROCESSES = 4
MOST_WAITING = 256
LONGEST_WAIT_SECONDS = 5.0  # for a turn
START_SECONDS = 20.0  # a process needs a quarter of a second, on a machine that has one to give
ANSWER_SECONDS = 5.0  # by the clock, beside the processor's time that a process allows itself
SECONDS_PER_BYTE = 20.0 / 1_048_576
BYTES_PER_CHARACTER = 4  # of UTF-8, at most

# The child finds its modules where this process finds them, and is told nothing else: not its credentials, not its settings.
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from gateway.templating.worker import main; main()"
_TOLD = ("LD_LIBRARY_PATH", "TZ", "LC_ALL", "LANG")


def worker(kind: Kind) -> list[str]:
    """The command that runs a worker."""
    return [sys.executable, "-I", "-c", _BOOT, kind, json.dumps(sys.path)]


def _most_bytes(asked_bytes: int) -> int:
    """How long the answer to a job of so many bytes can be."""
    return 1024 + BYTES_PER_CHARACTER * (LEAST_OUTPUT_CHARACTERS + OUTPUT_PER_BYTE * asked_bytes)


class Broken(Exception):
    """A process overstepped its bounds, or cannot be started; it is gone. The message says what is known of it."""


class NotStarted(Broken):
    """No process could be started: that says nothing of what it should have done."""


class Process:
    """One worker process, from ``start`` to ``stop``."""

    def __init__(self, process: asyncio.subprocess.Process, answer_seconds: float) -> None:
        self._process = process
        self._answer_seconds = answer_seconds

    @classmethod
    async def start(
        cls,
        kind: Kind,
        *,
        command: Sequence[str] = (),
        start_seconds: float = START_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> Self:
        """Start one and wait until it has bound itself.

        Args:
            command: What to run instead of a worker of this kind.
            answer_seconds: How long a job may take by the clock, beside what its size adds.

        Raises:
            NotStarted: It did not come up.
        """
        environ = {name: os.environ[name] for name in _TOLD if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *(command or worker(kind)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environ | {"TOKENIZERS_PARALLELISM": "false"},
                start_new_session=True,  # a Ctrl-C in the terminal is not meant for it: requests under way still need it
            )
        except OSError as error:
            raise NotStarted(f"no worker process can be started: {error.strerror or error}") from error
        started = cls(process, answer_seconds)
        try:
            async with asyncio.timeout(start_seconds):
                ready = await started._read(_most_bytes(0))
        except (Broken, TimeoutError) as error:
            await started.stop()
            raise NotStarted("a worker process did not start") from error
        except BaseException:
            await started.stop()
            raise
        if not isinstance(ready, Ready):
            await started.stop()
            raise NotStarted(f"a worker process did not start: {ready.message if isinstance(ready, Failed) else ready}")
        return started

    async def ask(self, asked: bytes) -> Answer:
        """Have one job done.

        Raises:
            Broken: The process is gone.
        """
        try:
            async with asyncio.timeout(self._answer_seconds + SECONDS_PER_BYTE * len(asked)):
                return await self._asked(asked)
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                raise Broken("it takes more time than it may") from error
            raise

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def stop(self) -> None:
        """End it, whatever it is at. Does no harm twice."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    async def _asked(self, asked: bytes) -> Answer:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(struct.pack(">I", len(asked)) + asked)
            await self._process.stdin.drain()
        except (ConnectionError, OSError) as error:
            raise Broken(await self._last_words()) from error
        return await self._read(_most_bytes(len(asked)))

    async def _read(self, most_bytes: int) -> Answer:
        assert self._process.stdout is not None
        try:
            (length,) = struct.unpack(">I", await self._process.stdout.readexactly(HEAD_BYTES))
            if length > most_bytes:
                raise Broken(f"it answers more than {most_bytes} bytes")
            return answer(await self._process.stdout.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise Broken(await self._last_words()) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Broken("it answers nonsense") from error

    async def _last_words(self) -> str:
        """Why the process has ended, as far as its exit tells."""
        code = await self._process.wait()
        if code == -signal.SIGPROF:
            return "it takes more of the processor's time than it may"
        return f"its process ended by {signal.Signals(-code).name}" if code < 0 else f"its process ended with code {code}"


class Processes:
    """A few processes of one kind. Belongs to one event loop.

    Jobs under one key are done one after the other, so that a template which keeps its process busy keeps no more than one.

    Args:
        most_waiting: Jobs at once, those that are being done included; more are refused.
        longest_wait_seconds: Until a job's turn; then it is refused.
    """

    def __init__(
        self, kind: Kind, *, most_waiting: int = MOST_WAITING, longest_wait_seconds: float = LONGEST_WAIT_SECONDS
    ) -> None:
        self._kind: Kind = kind
        self._most_waiting = most_waiting
        self._longest_wait_seconds = longest_wait_seconds
        self._places = asyncio.Semaphore(MOST_PROCESSES)
        self._idle: list[Process] = []
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[Answer]] = set()

    async def ask(self, key: str, asked: Job, *, prepare: Callable[[], Job]) -> Answer:
        """Have a job done, and what it needs prepared first where that is not known.

        Args:
            key: What the job is for.
            prepare: The job that makes the key known to a process.

        Returns:
            What came of it; of ``prepare``, where that failed.

        Raises:
            Overloaded: Too many are waiting, or it has taken too long until the turn came.
            Broken: The process overstepped its bounds, and is gone.
        """
        if len(self._tasks) >= self._most_waiting:
            raise Overloaded("This gateway is busy writing prompts; try again in a moment", retry_after_seconds=1.0)
        # Shielded: a caller who leaves would leave a process in the middle of its job, and a new one costs more than the rest.
        return await asyncio.shield(self._begun(self._done(key, packed(asked), prepare)))

    async def aclose(self) -> None:
        """End every process."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._idle:
            await self._idle.pop().stop()

    def _begun(self, work: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Answer]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it is told to whoever waits; that nobody does any more is no news

    async def _done(self, key: str, asked: bytes, prepare: Callable[[], Job]) -> Answer:
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._longest_wait_seconds):
                    await held.enter_async_context(turn)
                    await held.enter_async_context(self._places)
            except TimeoutError as error:
                raise Overloaded(
                    "This gateway is busy writing prompts; try again in a moment", retry_after_seconds=1.0
                ) from error
            process = await self._process()
            found = await process.ask(asked)
            if isinstance(found, Unknown):
                found = await process.ask(packed(prepare()))
                if not isinstance(found, Failed | Refused):
                    found = await process.ask(asked)
            if isinstance(found, Failed) and found.spent:
                await process.stop()
            else:
                self._idle.append(process)
            return found

    async def _process(self) -> Process:
        while self._idle:
            process = self._idle.pop()
            if process.is_alive:
                return process
            await process.stop()
        return await Process.start(self._kind)
