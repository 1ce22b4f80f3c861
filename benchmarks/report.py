"""Samples in, figures out: a table for people, JSON for machines, and a verdict for each line of the budget. Measures nothing.

A verdict compares two systems inside one round, then takes the median over the rounds: on a shared machine a round's clock may drift
by a third, its ratios do not.
"""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import bodies
from benchmarks.measure import Memory, Sample

MEGABYTE = 1e6
JUDGED = "quarry"


class Budget(NamedTuple):
    """A promise: a figure of ours, alone or over a yardstick's, stays at or below ``limit``."""

    name: str
    yardstick: str | None
    limit: float
    unit: str
    figure: Callable[["Results", str], list[float]]


class Verdict(msgspec.Struct, frozen=True):
    """A budget line and what was found; ``value`` is ``None`` where the yardstick did not run."""

    name: str
    yardstick: str | None
    limit: float
    unit: str
    value: float | None

    @property
    def word(self) -> str:
        if self.value is None:
            return "not measured"
        return "within" if self.value <= self.limit else "OVER"


class Results(msgspec.Struct, frozen=True):
    """One run of the benchmark.

    Attributes:
        machine: What it ran on, in words.
        versions: Of each system.
        notes: What is missing, and why.
    """

    machine: dict[str, str]
    versions: dict[str, str]
    notes: list[str]
    samples: list[Sample]
    memory: list[Memory]

    def of(self, system: str, cell: str) -> list[Sample]:
        """The samples of one system under one load, by round."""
        return sorted((s for s in self.samples if (s.system, s.cell) == (system, cell)), key=lambda sample: sample.round)

    def systems(self) -> list[str]:
        return list(dict.fromkeys(sample.system for sample in self.samples))

    def cells(self) -> list[str]:
        return list(dict.fromkeys(sample.cell for sample in self.samples))


def cpu(cell: str) -> Callable[[Results, str], list[float]]:
    """CPU microseconds per request under one load, a value a round."""
    return lambda results, system: [sample.cpu_microseconds for sample in results.of(system, cell)]


def added(cell: str, moment: str) -> Callable[[Results, str], list[float]]:
    """Seconds that a system adds to the stub's own, at one percentile, a value a round.

    Args:
        moment: A field of ``Sample``: ``latency_p50``, ``latency_p99``, ``first_byte_p50``.
    """

    def figure(results: Results, system: str) -> list[float]:
        pairs = zip(results.of(system, cell), results.of("direct", cell), strict=False)
        return [getattr(ours, moment) - getattr(floor, moment) for ours, floor in pairs]

    return figure


def peak_megabytes(cell: str) -> Callable[[Results, str], list[float]]:
    """The most resident memory under one load."""
    return lambda results, system: [sample.peak_resident_bytes / MEGABYTE for sample in results.of(system, cell)]


def weight(field: str, unit_bytes: float) -> Callable[[Results, str], list[float]]:
    """A field of ``Memory`` in a larger unit."""
    return lambda results, system: [getattr(held, field) / unit_bytes for held in results.memory if held.system == system]


BUDGETS = (
    Budget("json c=32, CPU", "nginx", 9.0, "x", cpu("json c=32")),
    Budget("stream c=32, CPU", "nginx", 7.0, "x", cpu("stream c=32")),
    Budget("paced c=32, CPU", "nginx", 3.5, "x", cpu("paced c=32")),
    Budget("paced c=256, CPU", "nginx", 2.6, "x", cpu("paced c=256")),
    Budget("json c=1, added p50", "nginx", 3.5, "x", added("json c=1", "latency_p50")),
    Budget("stream c=1, added first byte", "nginx", 4.5, "x", added("stream c=1", "first_byte_p50")),
    Budget("json c=32, CPU", "litellm", 1 / 55, "x", cpu("json c=32")),
    Budget("stream c=32, CPU", "litellm", 1 / 100, "x", cpu("stream c=32")),
    Budget("resident, idle", None, 60.0, "MB", weight("idle_bytes", MEGABYTE)),
    Budget("resident, 256 live streams", None, 120.0, "MB", peak_megabytes("paced c=256")),
    Budget("silent connection", None, 32.0, "KB", weight("bytes_each", 1e3)),
)


def judge(results: Results) -> list[Verdict]:
    """Every budget line against what was found; lines of a yardstick that nobody asked for are left out."""
    return [_verdict(results, budget) for budget in BUDGETS if budget.yardstick != "litellm" or "litellm" in results.versions]


def show(results: Results, console: Console) -> None:
    """Print the table, the memory, the verdicts."""
    console.print(_line(results.machine), highlight=False, soft_wrap=True)
    for table in (_cells_table(results), _memory_table(results), _verdict_table(judge(results))):
        console.print(table)
    for note in results.notes:
        console.print(note, highlight=False, soft_wrap=True)


def document(results: Results) -> bytes:
    """The run as indented JSON: samples, the figures drawn from them, verdicts."""
    whole: dict[str, Any] = msgspec.to_builtins(results)
    whole["figures"] = [_figures(results, system, cell) for cell in results.cells() for system in results.systems()]
    whole["verdicts"] = [{**msgspec.to_builtins(verdict), "verdict": verdict.word} for verdict in judge(results)]
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def _verdict(results: Results, budget: Budget) -> Verdict:
    ours = budget.figure(results, JUDGED)
    if budget.yardstick:
        theirs = budget.figure(results, budget.yardstick)
        # A yardstick that adds less than the clock can tell would make any ratio; such a round says nothing.
        ours = [our / their for our, their in zip(ours, theirs, strict=False) if their > 0]
    value = median(ours) if ours else None
    return Verdict(name=budget.name, yardstick=budget.yardstick, limit=budget.limit, unit=budget.unit, value=value)


def _figures(results: Results, system: str, cell: str) -> dict[str, Any]:
    samples = results.of(system, cell)
    if not samples:
        return {"system": system, "cell": cell}
    cpu_us = [sample.cpu_microseconds for sample in samples]
    return {
        "system": system,
        "cell": cell,
        "rounds": len(samples),
        "requests_per_second": median(sample.requests_per_second for sample in samples),
        "busy": median(sample.busy for sample in samples),
        "cpu_us_min": min(cpu_us),
        "cpu_us_median": median(cpu_us),
        "cpu_us_per_frame": median(cpu_us) / bodies.FRAMES if not cell.startswith("json") else None,
        "added_p50_ms": _milliseconds(added(cell, "latency_p50")(results, system)),
        "added_p99_ms": _milliseconds(added(cell, "latency_p99")(results, system)),
        "added_first_byte_p50_ms": _milliseconds(added(cell, "first_byte_p50")(results, system)),
    }


def _milliseconds(values: Sequence[float]) -> float | None:
    return median(values) * 1e3 if values else None


_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("req/s", "requests_per_second", ",.0f"),
    ("busy", "busy", ".0%"),
    ("CPU us min", "cpu_us_min", ",.0f"),
    ("CPU us median", "cpu_us_median", ",.0f"),
    ("us/frame", "cpu_us_per_frame", ".1f"),
    ("added p50 ms", "added_p50_ms", ".2f"),
    ("added p99 ms", "added_p99_ms", ".2f"),
    ("added first byte ms", "added_first_byte_p50_ms", ".2f"),
)


def _cells_table(results: Results) -> Table:
    table = Table("load", "system", *(title for title, _, _ in _COLUMNS), title="One worker on one core")
    for cell in results.cells():
        for system in results.systems():
            figures = _figures(results, system, cell)
            if system != "direct" and "rounds" in figures:
                table.add_row(cell, system, *(_cell(figures[name], shape) for _, name, shape in _COLUMNS))
        table.add_section()
    return table


def _memory_table(results: Results) -> Table:
    table = Table("system", "idle MB", "256 streams MB", "silent connections", "KB each", title="Resident memory")
    for held in results.memory:
        peaks = peak_megabytes("paced c=256")(results, held.system)
        each = _cell(held.bytes_each / 1e3, ".1f") if held.connections else ""
        table.add_row(
            held.system,
            f"{held.idle_bytes / MEGABYTE:.0f}",
            _cell(max(peaks, default=None), ".0f"),
            f"{held.connections:,}",
            each,
        )
    return table


def _verdict_table(verdicts: Iterable[Verdict]) -> Table:
    table = Table("budget", "against", "found", "limit", "verdict", title="Budget")
    for verdict in verdicts:
        shape = ".3f" if verdict.limit < 1 else ".1f"
        found = _cell(verdict.value, shape)
        table.add_row(verdict.name, verdict.yardstick or "", found, f"{verdict.limit:{shape}} {verdict.unit}", verdict.word)
    return table


def _cell(value: float | None, shape: str) -> str:
    return "" if value is None else format(value, shape)


def _line(machine: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())
