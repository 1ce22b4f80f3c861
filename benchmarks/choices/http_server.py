"""Which HTTP server carries an ASGI application most cheaply? The evidence for docs/decisions/0004-http-server.md.

Every candidate serves the same echo application on one core, in turns with the others. They live in an environment of their own
under ``benchmarks/.peers``, made at the first run, because two of them are no dependency of the gateway.
"""

import argparse
import gc
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks import bodies, measure, systems
from benchmarks.choices import echo
from benchmarks.load import Exchange
from benchmarks.processes import Cores, Process, free_port, pin
from benchmarks.systems import System

REQUIREMENTS = ("uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", "h11==0.16.0", "granian==2.8.7", "hypercorn==0.18.0")
APPLICATION = "benchmarks.choices.echo:app"
CELLS = (
    measure.Cell("json c=32", "json", seconds=1.5, concurrency=32),
    measure.Cell("stream c=32", "stream", seconds=1.5, concurrency=32),
)

# Arguments after `python -m`; each server with its log of requests off, and no limit that the idle connections would reach.
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "uvicorn, uvloop, httptools": ("uvicorn", APPLICATION, "--loop=uvloop", "--http=httptools", "--no-access-log"),
    "uvicorn, asyncio, httptools": ("uvicorn", APPLICATION, "--loop=asyncio", "--http=httptools", "--no-access-log"),
    "uvicorn, uvloop, h11": ("uvicorn", APPLICATION, "--loop=uvloop", "--http=h11", "--no-access-log"),
    "granian, uvloop": ("granian", APPLICATION, "--interface=asgi", "--loop=uvloop", "--no-ws", "--backpressure=12000"),
    "hypercorn, uvloop": ("hypercorn", APPLICATION, "--worker-class=uvloop", "--backlog=4096", "--keep-alive=60"),
}
KEEP_ALIVE = {"uvicorn": ("--timeout-keep-alive=60", "--backlog=4096")}


def candidate(name: str, python: Path, port: int) -> System:
    """A server on ``port`` over the echo application."""
    module, *options = CANDIDATES[name]
    place = (f"--bind=127.0.0.1:{port}",) if module == "hypercorn" else ("--host=127.0.0.1", f"--port={port}")
    body = bodies.native()
    exchanges = {
        "json": Exchange(bodies.request("/json", body), len(echo.REPLY), echo.REPLY[-8:]),
        "stream": Exchange(bodies.request("/stream", body), len(echo.EVENT) * echo.EVENTS, echo.EVENT[-8:]),
    }
    return System(
        name=name,
        version="",
        command=(str(python), "-m", module, *options, *KEEP_ALIVE.get(module, ()), *place),
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
        port=port,
        ready_path="/",
        exchanges=exchanges,
        idle=Exchange(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", len(echo.REPLY), echo.REPLY[-8:]),
        holds=lambda kind, whole: whole == (echo.REPLY if kind == "json" else echo.EVENT * echo.EVENTS),
    )


def compare(
    names: Sequence[str], python: Path, folder: Path, *, rounds: int
) -> tuple[list[measure.Sample], list[measure.Memory]]:
    """Every candidate on every cell, in turns; then its silent connections."""
    cores = Cores()
    pin(cores.rest)
    gc.disable()
    chosen = [candidate(name, python, free_port()) for name in names]
    with ExitStack() as running:
        processes = [running.enter_context(_started(system, folder, cores)) for system in chosen]
        samples = [
            measure.run(system, process, cell, round_number=number)
            for number in range(rounds)
            for cell in CELLS
            for system, process in zip(chosen, processes, strict=True)
        ]
    memory = []
    for system in chosen:
        with _started(system, folder, cores) as process:
            memory.append(measure.memory(system, process))
    return samples, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    python = systems.environment("http-server", REQUIREMENTS) / "bin" / "python"
    with TemporaryDirectory(prefix="quarry-bench-") as folder:
        samples, memory = compare(list(CANDIDATES), python, Path(folder), rounds=rounds)
    Console(width=None if sys.stdout.isatty() else 140).print(table(samples, memory))


def table(samples: Sequence[measure.Sample], memory: Sequence[measure.Memory]) -> Table:
    """CPU per request (min, median) and memory, a row a candidate."""
    shown = Table("server", "json us", "stream us", "us/send", "json req/s", "idle MB", "KB per silent connection")
    for held in memory:
        ours = [sample for sample in samples if sample.system == held.system]
        whole, streamed = ([sample for sample in ours if sample.cell == cell.name] for cell in CELLS)
        per_send = (_median_cpu(streamed) - _median_cpu(whole)) / echo.EVENTS
        rate = median(sample.requests_per_second for sample in whole)
        weight = (f"{held.idle_bytes / 1e6:.0f}", f"{held.bytes_each / 1e3:.1f}")
        shown.add_row(held.system, _both(whole), _both(streamed), f"{per_send:.1f}", f"{rate:,.0f}", *weight)
    return shown


def _started(system: System, folder: Path, cores: Cores) -> Process:
    process = Process(system.command, log=folder / f"{system.port}.log", core=cores.measured, environment=system.environment)
    try:
        process.wait_until_ready(system.port, system.ready_path, seconds=system.ready_seconds)
        measure.probe(system)
    except BaseException:
        process.stop()
        raise
    return process


def _median_cpu(samples: Sequence[measure.Sample]) -> float:
    return median(sample.cpu_microseconds for sample in samples)


def _both(samples: Sequence[measure.Sample]) -> str:
    return f"{min(sample.cpu_microseconds for sample in samples):.0f} / {_median_cpu(samples):.0f}"


if __name__ == "__main__":
    main()
