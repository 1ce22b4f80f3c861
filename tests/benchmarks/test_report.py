"""Figures are drawn from samples as the documentation says."""

from io import StringIO

import msgspec
import pytest
from rich.console import Console

from benchmarks import report
from benchmarks.measure import Memory, Sample, percentile


def sample(system, cell, round_number, **figures):
    """A sample of a hundred replies in a second, but for what is given."""
    rest = {"latency_p50": 0.001, "latency_p99": 0.002, "first_byte_p50": 0.001, "first_byte_p99": 0.002}
    base = {"replies": 100, "seconds": 1.0, "cpu_seconds": 0.0, "peak_resident_bytes": 0}
    return Sample(system=system, cell=cell, round=round_number, **{**rest, **base, **figures})


def results(samples, memory=(), versions=None):
    """A run with these samples."""
    return report.Results(
        machine={"cpu": "2 x test"}, versions=versions or {}, notes=["a note"], samples=list(samples), memory=list(memory)
    )


def verdict(found, name, yardstick="nginx"):
    return next(verdict for verdict in report.judge(found) if (verdict.name, verdict.yardstick) == (name, yardstick))


def test_a_ratio_is_taken_inside_each_round():
    """A machine that slows down for a whole round changes no ratio."""
    ours = [sample("quarry", "json c=32", 1, cpu_seconds=0.02), sample("quarry", "json c=32", 2, cpu_seconds=0.2)]
    theirs = [sample("nginx", "json c=32", 1, cpu_seconds=0.004), sample("nginx", "json c=32", 2, cpu_seconds=0.04)]

    found = verdict(results(ours + theirs), "json c=32, CPU")

    assert found.value == pytest.approx(5.0)
    assert found.word == "within"


def test_over_the_limit_is_said():
    """Ten times nginx is more than nine."""
    samples = [sample("quarry", "json c=32", 1, cpu_seconds=0.2), sample("nginx", "json c=32", 1, cpu_seconds=0.02)]

    assert verdict(results(samples), "json c=32, CPU").word == "OVER"


def test_a_missing_yardstick_is_no_verdict():
    """Without nginx there is no ratio, and without a peer not even its line."""
    found = results([sample("quarry", "json c=32", 1, cpu_seconds=0.2)])

    assert verdict(found, "json c=32, CPU").word == "not measured"
    assert all(verdict.yardstick != "litellm" for verdict in report.judge(found))


def test_added_latency_is_above_the_stubs_own():
    """What the stub needs by itself is charged to nobody."""
    samples = [
        sample("direct", "json c=1", 1, latency_p50=0.0001),
        sample("nginx", "json c=1", 1, latency_p50=0.0003),
        sample("quarry", "json c=1", 1, latency_p50=0.0007),
    ]

    assert verdict(results(samples), "json c=1, added p50").value == pytest.approx(3.0)


def test_memory_is_judged_by_itself():
    """Resident memory has no yardstick but its limit."""
    held = Memory("quarry", idle_bytes=61_000_000, connections=10_000, bytes_each=20_000.0)
    found = results([sample("quarry", "paced c=256", 1, peak_resident_bytes=90_000_000)], [held])

    assert verdict(found, "resident, idle", None).word == "OVER"
    assert verdict(found, "resident, 256 live streams", None).value == 90.0
    assert verdict(found, "silent connection", None).word == "within"


def test_the_document_and_the_table_hold_the_figures():
    """Machines read the samples and what was drawn from them; people read the same in a table."""
    samples = [sample("quarry", "stream c=32", 1, cpu_seconds=0.064), sample("nginx", "stream c=32", 1, cpu_seconds=0.016)]
    found = results(samples, versions={"quarry": "0.1.0"})
    console = Console(file=StringIO(), width=200)

    read = msgspec.json.decode(report.document(found))
    report.show(found, console)

    assert read["samples"][0]["cpu_seconds"] == 0.064
    assert read["figures"][0]["cpu_us_per_frame"] == pytest.approx(10.0)
    assert next(line for line in read["verdicts"] if line["name"] == "stream c=32, CPU")["value"] == pytest.approx(4.0)
    printed = console.file.getvalue()
    assert all(word in printed for word in ("stream c=32", "640", "within", "not measured", "a note"))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share, expected):
    """Half of a hundred do not exceed the fiftieth."""
    assert percentile(range(100, 0, -1), share) == expected
