"""Processes from outside: reused, replaced, bounded, and never in the way."""

import asyncio
import os
import signal
import sys

import pytest

from gateway.errors import Overloaded
from gateway.templating.jobs import Failed, Prepared, Ready, Write, Written, packed
from gateway.templating.processes import Broken, NotStarted, Process, Processes, worker
from tests.gateway.templating.conftest import SAID, asking, model, when_asked

LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


async def write(prompts, found, text="hello"):
    return await prompts.ask(found.key, Write(found.key, asking(text)), prepare=found.prepare)


def pids(prompts):
    return [process._process.pid for process in prompts._idle]


async def test_one_process_is_enough(prompts):
    """It is started when first needed, and then reused; what it needs is prepared once."""
    fine, calls = model(SAID), []

    def prepare():
        calls.append(1)
        return fine.prepare()

    assert pids(prompts) == []
    for _ in range(5):
        found = await prompts.ask("k", Write("k", asking("hello")), prepare=prepare)

        assert found == Written("<|user|>hello<|end|><|assistant|>")
    assert len(pids(prompts)) == len(calls) == 1


async def test_one_that_oversteps_is_replaced(prompts):
    """It is killed; the next request gets another, which is taught again."""
    trap = model(when_asked(LOOP))
    assert isinstance(await write(prompts, trap, "fine"), Written)
    (first,) = pids(prompts)

    with pytest.raises(Broken, match="processor's time"):
        await write(prompts, trap, "hi")
    assert isinstance(await write(prompts, trap, "fine"), Written)
    assert pids(prompts) != [first]


async def test_one_that_has_spent_its_memory_is_replaced(prompts):
    """It says so itself, and ends."""
    trap = model(when_asked("{{ 'a' * 10 ** 10 }}"))

    assert isinstance(await write(prompts, trap, "hi"), Failed)
    assert pids(prompts) == []
    assert isinstance(await write(prompts, trap, "fine"), Written)


async def test_one_that_dies_is_replaced(prompts):
    """Between two requests, killed by somebody else: nobody notices."""
    fine = model(SAID)
    await write(prompts, fine)
    (first,) = pids(prompts)
    os.kill(first, signal.SIGKILL)
    await prompts._idle[0]._process.wait()

    assert isinstance(await write(prompts, fine), Written)
    assert pids(prompts) != [first]


async def test_a_hostile_template_holds_up_nobody_else(prompts):
    """It has one process at most, however often it is asked; the others are written beside it."""
    trap, fine = model(when_asked(LOOP), key="trap"), model(SAID, key="fine")
    await write(prompts, fine)
    hostile = [asyncio.create_task(write(prompts, trap, "hi")) for _ in range(4)]

    for _ in range(20):
        assert isinstance(await write(prompts, fine), Written)
    assert sum(task.done() for task in hostile) < 4
    assert all(isinstance(result, Broken | Overloaded) for result in await asyncio.gather(*hostile, return_exceptions=True))


async def test_the_loop_goes_on(prompts):
    """While a template runs in circles, the event loop turns."""
    trap, turns = model(when_asked(LOOP)), 0
    task = asyncio.create_task(write(prompts, trap, "hi"))
    while not task.done():
        turns += 1
        await asyncio.sleep(0.001)

    assert turns > 20
    assert isinstance(task.exception(), Broken)


async def test_a_caller_who_leaves_takes_nothing_along(prompts):
    """The process does its job to the end and is there for the next."""
    fine = model(SAID)
    await write(prompts, fine)
    before = pids(prompts)
    leaving = asyncio.create_task(write(prompts, fine))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    assert isinstance(await write(prompts, fine), Written)
    assert pids(prompts) == before


@pytest.fixture
async def narrow():
    processes = Processes("prompts", most_waiting=3, longest_wait_seconds=0.05)
    yield processes
    await processes.aclose()


async def test_the_line_has_an_end(narrow):
    """Beyond so many waiting, a request is refused at once with 503."""
    trap = model(when_asked(LOOP))
    waiting = [asyncio.create_task(write(narrow, trap, "hi")) for _ in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded) as refused:
        await write(narrow, trap, "hi")
    assert refused.value.retry_after_seconds
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_nobody_waits_for_ever(narrow):
    """Whose turn does not come in time is refused."""
    trap = model(when_asked(LOOP))
    first = asyncio.create_task(write(narrow, trap, "hi"))
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await write(narrow, trap, "hi")
    await asyncio.gather(first, return_exceptions=True)


async def test_silence_has_an_end():
    """A process that is stopped, and so uses no processor, is killed by the clock."""
    process = await Process.start("prompts", answer_seconds=0.2)
    os.kill(process._process.pid, signal.SIGSTOP)

    with pytest.raises(Broken, match="more time"):
        await process.ask(packed(model(SAID).prepare()))
    assert not process.is_alive


def python(code):
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (python("raise SystemExit(3)"), "did not start"),
        (python("import sys; sys.stdout.buffer.write(b'x' * 100)"), "did not start"),
        (python("import sys; sys.stdout.buffer.write(b'\\0\\0\\0\\1x')"), "did not start"),
        (python("import time; time.sleep(60)"), "did not start"),
        ([*worker("prompts")[:-2], "nothing", worker("prompts")[-1]], "KeyError"),
        (["/nonexistent/python"], "No such file"),
    ],
    ids=["dies", "shouts", "babbles", "sleeps", "fails", "is not there"],
)
async def test_a_process_that_does_not_start(command, reason):
    """It is told as such, and nothing is left running."""
    with pytest.raises(NotStarted, match=reason):
        await Process.start("prompts", command=command, start_seconds=2.0 if "sleep" in command[-1] else 20.0)


@pytest.mark.parametrize("said", [b"\xff\xff\xff\xff", b"\0\0\0\5xxxxx"], ids=["too long", "nonsense"])
async def test_a_process_that_was_taken_over_is_not_believed(said):
    """An answer beyond all bounds, or none that we know, ends it."""
    ready = packed(Ready())
    greeting = len(ready).to_bytes(4, "big") + ready
    code = (
        f"import sys, time; out = sys.stdout.buffer; out.write({greeting!r}); out.flush(); "
        f"sys.stdin.buffer.read(4); out.write({said!r}); out.flush(); time.sleep(60)"
    )
    process = await Process.start("prompts", command=python(code))

    with pytest.raises(Broken, match="answers"):
        await process.ask(packed(model(SAID).prepare()))
    assert not process.is_alive


async def test_closing_ends_every_process():
    """Also one that is at work."""
    prompts = Processes("prompts")
    await write(prompts, model(SAID))
    (idle,) = prompts._idle
    working = asyncio.create_task(write(prompts, model(when_asked(LOOP), key="trap"), "hi"))
    await asyncio.sleep(0.05)
    await prompts.aclose()

    assert not idle.is_alive
    assert pids(prompts) == []
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_jobs_of_one_key_keep_their_order(prompts):
    """One after the other, as they came."""
    fine, done = model(SAID), []

    async def one(number):
        assert isinstance(await write(prompts, fine, str(number)), Written)
        done.append(number)

    await asyncio.gather(*(one(number) for number in range(10)))

    assert done == list(range(10))
    assert len(pids(prompts)) == 1


async def test_a_preparation_that_fails_is_the_answer(prompts):
    """Nothing is asked of what could not be prepared."""
    broken = model("{% if %}")

    assert isinstance(await write(prompts, broken), Failed)
    assert isinstance(await prompts.ask("k", model(SAID).prepare(), prepare=broken.prepare), Prepared)
