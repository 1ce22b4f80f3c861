"""Processes under measurement are watched truly and always ended."""

import os
import sys
import time

import pytest

from benchmarks.processes import NotStartedError, Process, busy_seconds, free_port, tree

SPIN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint('spun', flush=True)\ntime.sleep(60)"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}])"


def wait_for(log, word):
    """Until a word stands in the log; the test's own limit ends a wait in vain."""
    for _ in range(2000):
        if log.exists() and word in log.read_text():
            return
        time.sleep(0.01)
    raise AssertionError(f"{word} never came: {log.read_text()}")


@pytest.mark.parametrize("code", [SPIN, PARENT], ids=["itself", "a child"])
def test_cpu_is_the_whole_trees(tmp_path, code):
    """0.3 s of work are found whether the process did them or its child."""
    log = tmp_path / "log"
    with Process((sys.executable, "-c", code), log=log, core=None) as process:
        wait_for(log, "spun")

        assert process.cpu_seconds() >= 0.3
        assert process.resident_bytes() > 4_000_000


def test_leaving_ends_the_process(tmp_path):
    """Whatever happens inside, nothing is left behind."""
    with (
        pytest.raises(RuntimeError, match="trouble"),
        Process((sys.executable, "-c", "import time; time.sleep(60)"), log=tmp_path / "log", core=None) as process,
    ):
        assert process.pid in tree(os.getpid())
        raise RuntimeError("trouble")

    assert process.pid not in tree(os.getpid())


def test_a_process_that_ends_early_says_why(tmp_path):
    """Its log is in the error."""
    command = (sys.executable, "-c", "print('no such setting: prot'); raise SystemExit(2)")
    with (
        Process(command, log=tmp_path / "log", core=None) as process,
        pytest.raises(NotStartedError, match=r"(?s)ended with 2.*no such setting: prot"),
    ):
        process.wait_until_ready(free_port(), "/", seconds=20)


def test_a_pinned_process_stays_on_its_core(tmp_path):
    """The system under test has a core of its own, from its first instruction on."""
    core = max(os.sched_getaffinity(0))
    log = tmp_path / "log"
    with Process((sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"), log=log, core=core):
        wait_for(log, f"{{{core}}}")


def test_work_of_a_core_is_counted(tmp_path):
    """A core that somebody keeps busy for 0.3 s has worked that long, ticks aside."""
    core = max(os.sched_getaffinity(0))
    log = tmp_path / "log"
    before = busy_seconds([core])
    with Process((sys.executable, "-c", SPIN), log=log, core=core):
        wait_for(log, "spun")

    assert busy_seconds([core]) - before >= 0.25
