"""What a hostile template or tokenizer can do to the process that it runs in: nothing that lasts, and nothing outside."""

from pathlib import Path

import pytest

from adapters.chat import Message, Text
from gateway.templating.jobs import (
    Count,
    Counted,
    Failed,
    Learn,
    Learned,
    Prepare,
    Refused,
    Unknown,
    Write,
    Written,
    packed,
)
from gateway.templating.processes import Broken, Process
from tests.gateway.templating.conftest import SAID, asking, model, when_asked

CPU = (Broken, "it takes more of the processor's time than it may")
MEMORY = (Failed, "it takes more memory than it may")
SANDBOX = (Failed, "reaches for what no template may touch")
OUTPUT = (Failed, "more than")
RECURSION = (Refused, "RecursionError")
NESTED = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}"
DOUBLING = "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"

HOSTILE = {
    "nested loops": (NESTED, CPU),
    "a filter over a product": ("{% for a in range(99999) %}{{ range(99999) | map('string') | list | length }}{% endfor %}", CPU),
    "a huge power": ("{{ (9 * messages | length) ** (9 ** 9) }}", CPU),
    "a slow pattern": ("{{ ('<a' * 30000) | striptags | striptags | urlize | length }}{% for i in range(999) %}" + NESTED + "{% endfor %}", CPU),
    "a long string": ("{{ 'a' * 10 ** 10 }}", MEMORY),
    "doubling": (DOUBLING, MEMORY),
    "a wide format": ("{{ '%1000000000d' % 1 }}", MEMORY),
    "a wide format of its own": ("{{ '{:>1000000000}'.format(1) }}", MEMORY),
    "padding": ("{{ 'a'.ljust(10 ** 10) }}", MEMORY),
    "replacing": ("{{ ('a' * 10 ** 6).replace('a', 'b' * 10 ** 6) }}", MEMORY),
    "a list of lists": ("{{ [range(99999) | list] * 10 ** 9 }}", MEMORY),
    "indents": ("{{ {'a': {'b': [1]}} | tojson(indent=10 ** 9) }}", MEMORY),
    "endless output": ("{% for a in range(99999) %}{{ 'x' * 99 }}{% endfor %}", OUTPUT),
    "output in one piece": ("{{ 'x' * 10 ** 6 }}", OUTPUT),
    "recursion": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", RECURSION),
    "recursion in a loop": ("{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}", RECURSION),
    "attributes": ("{{ messages.__class__.__mro__[1].__subclasses__() }}", SANDBOX),
    "globals": ("{{ raise_exception.__globals__['__builtins__']() }}", SANDBOX),
    "a file": ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", SANDBOX),
    "a format string": ("{{ '{0.__class__.__init__.__globals__[x]}'.format(messages)() }}", SANDBOX),
}  # fmt: skip


@pytest.fixture
async def process():
    started = await Process.start("prompts")
    yield started
    await started.stop()


async def outcome(process, job):
    """The answer, or why there is none."""
    try:
        return await process.ask(packed(job))
    except Broken as broken:
        return broken


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_template_is_refused(process, name):
    """It writes for whoever does not set it off; for the others it fails in a known way, and soon."""
    hostile, (kind, words) = HOSTILE[name]
    trap = model(when_asked(hostile))
    await process.ask(packed(trap.prepare()))
    assert isinstance(await process.ask(packed(Write("k", asking("all is well")))), Written)

    found = await outcome(process, Write("k", asking()))

    assert isinstance(found, kind)
    assert words in str(getattr(found, "message", found))


@pytest.mark.parametrize(
    "template",
    [SAID + NESTED, SAID + DOUBLING, "{{ 'a' * 10 ** 10 }}" + SAID, "{{ 9 ** (9 ** 9) }}" + SAID],
    ids=["loops", "doubling", "folded constant", "folded power"],
)
async def test_a_template_that_is_always_hostile_never_gets_in(process, template):
    """It is tried when it is read, with its constants folded by Jinja already."""
    found = await outcome(process, model(template).prepare())

    assert str(getattr(found, "message", found)) in {CPU[1], MEMORY[1]}


@pytest.mark.parametrize(
    "template",
    ["{{" + "(" * 100_000 + "1" + ")" * 100_000 + "}}", "{% if 1 %}" * 20_000, "{{ " + "-" * 200_000 + "1 }}", "{{ [" * 50_000],
    ids=["parentheses", "blocks", "signs", "lists"],
)
async def test_a_template_that_breaks_the_compiler(process, template):
    """Nesting beyond reason is refused, in whatever way the compiler takes it."""
    assert isinstance(await outcome(process, model(template + SAID).prepare()), Failed | Broken)


async def test_the_process_has_nothing_to_lose(process):
    """No credentials, no settings, no files, no sockets, no other processes."""
    place = Path("/proc") / str(process._process.pid)
    environ = {entry.partition(b"=")[0].decode() for entry in (place / "environ").read_bytes().split(b"\0") if entry}
    limits = {line[:26].strip(): line[26:].split()[:2] for line in (place / "limits").read_text().splitlines()}
    opened = sorted(int(entry.name) for entry in (place / "fd").iterdir())

    assert environ <= {"TOKENIZERS_PARALLELISM", "LD_LIBRARY_PATH", "TZ", "LC_ALL", "LANG"}
    assert opened == list(range(len(opened)))
    assert limits["Max open files"] == [str(len(opened))] * 2
    assert limits["Max file size"] == limits["Max core file size"] == limits["Max processes"] == ["0", "0"]
    assert int(limits["Max address space"][1]) <= 4 * 2**30


async def test_a_long_conversation_is_no_attack(process):
    """Bounds grow with what was asked: four megabytes in two thousand turns are written."""
    turns = tuple(Message("user" if number % 2 == 0 else "assistant", (Text("word " * 400),)) for number in range(2000))
    await process.ask(packed(model(SAID).prepare()))

    found = await process.ask(packed(Write("k", asking().__class__(messages=turns))))

    assert len(found.prompt) > 4_000_000


async def test_what_is_not_known_is_said(process):
    """A key that nobody prepared, and a job of another kind."""
    assert await process.ask(packed(Write("none", asking()))) == Unknown()
    assert await process.ask(packed(Count("none", "text"))) == Unknown()


async def test_the_oldest_is_forgotten(process):
    """So many templates are kept, and no more."""
    for number in range(65):
        await process.ask(packed(model(SAID, key=str(number)).prepare()))

    assert await process.ask(packed(Write("0", asking()))) == Unknown()
    assert isinstance(await process.ask(packed(Write("64", asking()))), Written)


@pytest.fixture
async def counting():
    started = await Process.start("tokens")
    yield started
    await started.stop()


async def test_tokens_are_counted(counting, tokenizer_json):
    """Special tokens are one each; the others are the tokenizer's business."""
    assert await counting.ask(packed(Learn("t", tokenizer_json))) == Learned(
        special=("<|user|>", "<|assistant|>", "<|end|>"), added=("<tool_call>",)
    )
    assert await counting.ask(packed(Count("t", "<|user|><|end|><tool_call>"))) == Counted(3)
    assert await counting.ask(packed(Count("t", ""))) == Counted(0)
    assert await counting.ask(packed(Count("none", ""))) == Unknown()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 1_000_000,
        b'{"model": {"type": "BPE"}}',
        b'{"version":"1.0","model":{"type":"WordLevel","vocab":{},"unk_token":"?"}',
    ],
    ids=["empty", "no model", "no text", "nested", "no vocabulary", "cut"],
)
async def test_a_tokenizer_that_is_none(counting, body):
    """It is refused with its reason."""
    found = await counting.ask(packed(Learn("t", body)))

    assert isinstance(found, Failed)
    assert found.message


async def test_a_template_is_no_job_for_a_tokenizer(counting):
    """Each kind of process does its own."""
    assert await counting.ask(packed(Prepare("k", model(SAID).checkpoint))) == Unknown()


async def test_nonsense_ends_the_process(process):
    """What is no job ends it: nobody but us writes into its pipe."""
    found = await process.ask(b"\xc1nonsense")

    assert isinstance(found, Failed)
    assert found.spent
