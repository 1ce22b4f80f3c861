"""Processes under measurement: started on one core, watched through /proc, ended by their own id. Linux only."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 10.0


class NotStartedError(Exception):
    """A process ended, or did not answer, before it was ready; carries the end of its log."""


class Cores:
    """Which core carries the system under test and which the stub and the load.

    With a single core there is nothing to separate: both are ``None`` and the figures say less.
    """

    def __init__(self) -> None:
        allowed = sorted(os.sched_getaffinity(0))
        self.measured: int | None = allowed[0] if len(allowed) > 1 else None
        self.rest: int | None = allowed[1] if len(allowed) > 1 else None


class Process:
    """A child process as a context: leaving it ends the child, whatever happened inside."""

    def __init__(
        self, command: Sequence[str], *, log: Path, core: int | None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = " ".join(command)
        self._log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                # Before exec, so that whatever it forks is born on the same core.
                preexec_fn=lambda: pin(core),  # noqa: PLW1509 # no thread runs here before or while we start
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        if self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def wait_until_ready(self, port: int, path: str, *, seconds: float) -> None:
        """Ask ``path`` on loopback until it says 200.

        Raises:
            NotStartedError: The process ended first, or the time is over.
        """
        give_up_at = time.monotonic() + seconds
        while not _answers(port, path):
            if self._child.poll() is not None:
                raise NotStartedError(f"{self._command} ended with {self._child.returncode}:\n{self._last_words()}")
            if time.monotonic() > give_up_at:
                raise NotStartedError(f"{path} on port {port} did not answer 200 within {seconds:.0f} s:\n{self._last_words()}")
            time.sleep(0.05)

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree since each was born, ended children included."""
        return sum(_own_seconds(pid) + _buried_seconds(pid) for pid in tree(self.pid))

    def resident_bytes(self) -> int:
        """Resident memory of the whole tree; a page shared by two of its processes counts twice."""
        return sum(_resident_bytes(pid) for pid in tree(self.pid))

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]


def pin(core: int | None) -> None:
    """Keep this process, and what it will fork, on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def busy_seconds(cores: Sequence[int]) -> float:
    """Time that these cores have worked, for whomever, since the machine began; time stolen by a hypervisor counts as work."""
    lines = (line.split() for line in Path("/proc/stat").read_text().splitlines())
    counters = {fields[0]: [int(field) for field in fields[1:9]] for fields in lines if fields[0].startswith("cpu")}
    # user, nice, system, idle, iowait, irq, softirq, steal: all but the fourth and the fifth are work.
    return sum(sum(counters[f"cpu{core}"]) - sum(counters[f"cpu{core}"][3:5]) for core in cores) / TICKS_PER_SECOND


def free_port() -> int:
    """A port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tree(root: int) -> list[int]:
    """The process and its living descendants."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/<pid>/stat`` from the third on; ``None`` when the process has gone meanwhile."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in brackets and may itself hold spaces and brackets.
    return text[text.rindex(")") + 2 :].split()


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _own_seconds(pid: int) -> float:
    # clock_getcpuclockid(3) by hand: the kernel's own sum in nanoseconds, where /proc/<pid>/stat has ticks of 10 ms.
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def _buried_seconds(pid: int) -> float:
    # cutime and cstime, what ended children had used: fields 16 and 17 of proc(5), counted with the two cut off above.
    fields = _stat(pid)
    return sum(map(int, fields[13:15])) / TICKS_PER_SECOND if fields else 0.0


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
