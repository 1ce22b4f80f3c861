"""``make bench``: the gateway beside its yardsticks, in turns, on one core each. Ends every process that it starts.

Verdicts are ratios inside one interleaved run, because wall times of a shared machine say little; only errors fail a run, unless
``--strict`` asks for the budget too.
"""

import argparse
import gc
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from rich.console import Console

from benchmarks import measure, report, systems
from benchmarks.load import BadReplyError
from benchmarks.processes import Cores, NotStartedError, Process, busy_seconds, free_port, pin
from benchmarks.systems import NotInstalledError, System

RESULTS_FOLDER = Path(__file__).parent / "results"
QUIET_SHARE = 0.10
PEER_CELLS = frozenset({"json c=1", "json c=32", "stream c=1", "stream c=32"})


class Bench:
    """A run in progress: the machine's cores, the stub's port, and what has been measured."""

    def __init__(self, folder: Path, *, rounds: int, hurry: float, console: Console) -> None:
        self.cores = Cores()
        self.folder = folder
        self.stub_port = free_port()
        self.results = report.Results(machine=describe_machine(self.cores), versions={}, notes=[], samples=[], memory=[])
        self._rounds = rounds
        self._hurry = hurry
        self._console = console

    def chosen(self, names: Sequence[str]) -> list[System]:
        """The systems by name, the stub itself first; one that is not installed becomes a note."""
        found = [systems.direct(self.stub_port)]
        for name in names:
            try:
                found.append(systems.MAKERS[name](self.folder, free_port(), self.stub_port))
            except NotInstalledError as error:
                self.results.notes.append(str(error))
        self.results.versions.update({system.name: system.version for system in found if system.command})
        return found

    @contextmanager
    def started(self, system: System) -> Iterator[Process | None]:
        """A system that answers; ``None`` for the stub, which runs beside whatever is measured."""
        if not system.command:
            yield None
            return
        log = self.folder / f"{system.name}.log"
        with Process(system.command, log=log, core=self.cores.measured, environment=system.environment) as process:
            process.wait_until_ready(system.port, system.ready_path, seconds=system.ready_seconds)
            measure.beside_stub(self.stub_port, measure.probe(system))
            yield process

    def weigh(self, system: System) -> None:
        """Measure memory on a process that has done nothing yet, then end it."""
        self._say(f"{system.name}: memory")
        connections = int(measure.IDLE_CONNECTIONS * self._hurry)
        with self.started(system) as process:
            if process:
                weighed = measure.beside_stub(self.stub_port, measure.memory(system, process, connections=connections))
                self.results.memory.append(weighed)

    def load(self, chosen: Sequence[System]) -> None:
        """Every cell on every system, in turns, as many times as there are rounds."""
        with ExitStack() as running:
            processes = {system.name: running.enter_context(self.started(system)) for system in chosen}
            with self._noise_noted([*filter(None, processes.values())]):
                self._rounds_of(chosen, processes)

    def _rounds_of(self, chosen: Sequence[System], processes: Mapping[str, Process | None]) -> None:
        for round_number in range(self._rounds + 1):
            for cell in measure.CELLS:
                for system in chosen:
                    if is_measured(system, cell, round_number):
                        self._run(system, processes[system.name], cell, round_number)

    @contextmanager
    def _noise_noted(self, ours: Sequence[Process]) -> Iterator[None]:
        """Say afterwards how much of the two cores went to work that is not the benchmark's."""
        cores = [core for core in (self.cores.measured, self.cores.rest) if core is not None]

        def spent() -> float:
            return time.process_time() + sum(process.cpu_seconds() for process in ours)

        began_at, busy, own = time.monotonic(), busy_seconds(cores), spent()
        yield
        if cores:
            others = busy_seconds(cores) - busy - (spent() - own)
            share = max(0.0, others / (len(cores) * (time.monotonic() - began_at)))
            self.results.machine["other work"] = f"{share:.0%} of these cores"
            if share > QUIET_SHARE:
                self.results.notes.append(
                    f"Other work took {share:.0%} of the two cores: repeat on a quieter machine before quoting."
                )

    def _run(self, system: System, process: Process | None, cell: measure.Cell, round_number: int) -> None:
        # Round nought warms caches, pools and branch predictors; it is short and not kept.
        is_kept = round_number > 0
        if is_kept:
            self._say(f"round {round_number}: {cell.name}, {system.name}")
        seconds = cell.seconds * (self._hurry if is_kept else 0.2)
        cell = cell._replace(seconds=seconds)
        sample = measure.run(system, process, cell, stub_port=self.stub_port, round_number=round_number)
        if is_kept:
            self.results.samples.append(sample)

    def _say(self, words: str) -> None:
        self._console.print(words, style="dim", highlight=False)


def is_measured(system: System, cell: measure.Cell, round_number: int) -> bool:
    """Whether a cell says anything about a system; peers that are a hundred times slower get the short list."""
    if cell.kind not in system.exchanges:
        return False
    if not system.command:
        return cell.name in measure.LATENCY_CELLS
    if system.name in systems.PEERS:
        return cell.name in PEER_CELLS
    return round_number > 0 or cell.kind != "paced"


def describe_machine(cores: Cores) -> dict[str, str]:
    """What the figures were taken on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    pinned = (
        f"system on core {cores.measured}, stub and load on core {cores.rest}"
        if cores.rest is not None
        else "a single core, shared"
    )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": f"{os.cpu_count()} x {model}",
        "kernel": platform.release(),
        "python": f"{platform.python_version()} of {Path(sys.base_prefix).name}",
        "pinning": pinned,
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--peers", default="", help="peers to install and measure too, comma-separated: litellm")
    parser.add_argument("--only", default="", help="systems to measure, comma-separated: quarry, nginx, direct (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default: 3)")
    parser.add_argument("--quick", action="store_true", help="one short round: does it run at all?")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is exceeded")
    parser.add_argument(
        "--results", type=Path, default=RESULTS_FOLDER, help="folder of the JSON files (default: benchmarks/results)"
    )
    chosen = parser.parse_args(given)
    unknown = {*_names(chosen.peers), *_names(chosen.only)} - {"direct", *systems.MAKERS}
    if unknown:
        parser.error(f"unknown system {', '.join(sorted(unknown))}; known are direct, {', '.join(systems.MAKERS)}")
    return chosen


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 done, 1 a bad reply or, with ``--strict``, a budget exceeded."""
    options = arguments(given)
    signal.signal(signal.SIGTERM, _leave)
    console = Console(width=None if sys.stdout.isatty() else 140)
    with TemporaryDirectory(prefix="quarry-bench-") as folder:
        bench = Bench(
            Path(folder), rounds=1 if options.quick else options.rounds, hurry=0.2 if options.quick else 1.0, console=console
        )
        try:
            results = measured(bench, _names(options.only) or ["quarry", "nginx"], _names(options.peers))
        except (BadReplyError, NotStartedError) as error:
            print(f"the benchmark was given up: {error}", file=sys.stderr)
            return 1
    report.show(results, console)
    _write(results, options.results, console)
    is_over = any(verdict.word == "OVER" for verdict in report.judge(results))
    return int(options.strict and is_over)


def measured(bench: Bench, names: Sequence[str], peers: Sequence[str]) -> report.Results:
    """Memory first, on fresh processes; then the loads."""
    pin(bench.cores.rest)
    gc.disable()  # the load must add no pause of its own; a run's garbage fits into memory
    chosen = bench.chosen([*(name for name in names if name != "direct"), *peers])
    for system in chosen:
        bench.weigh(system)
    bench.load(chosen)
    return bench.results


def _write(results: report.Results, folder: Path, console: Console) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_bytes(report.document(results))
    console.print(f"written to {path}", highlight=False, soft_wrap=True)


def _names(text: str) -> list[str]:
    return [name for name in text.replace(",", " ").split() if name]


def _leave(number: int, _frame: object) -> NoReturn:
    # As an exception, so that every `with` on the way out ends its process.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
