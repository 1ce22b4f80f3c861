"""Thoughts out of text: every form, whole and streamed, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import ChatRequest, Message, Text
from adapters.deltas import Delta, Finish, Usage, assemble
from adapters.deltas import Reasoning as ReasoningDelta
from adapters.deltas import Text as TextDelta
from adapters.thinking import ThinkingReader, Thoughts, thinking, thought

REQUEST = ChatRequest((Message("user", (Text("Hi"),)),))
STOP = Finish("stop", "stop")


def whole(text: str, request: ChatRequest = REQUEST) -> tuple[str, str]:
    reply = assemble(thought([TextDelta(text), STOP], request))
    return reply.reasoning, reply.text


def streamed(pieces: list[str], request: ChatRequest = REQUEST) -> tuple[str, str]:
    thoughts = Thoughts(request)
    deltas = [delta for piece in pieces for delta in thoughts.through([TextDelta(piece)])]
    reply = assemble([*deltas, *thoughts.through([STOP])])
    return reply.reasoning, reply.text


CASES = [
    pytest.param("<think>\nHm.\n</think>\n\nHello!", "Hm.", "Hello!", id="think"),
    pytest.param(" <think>a <b> c</think>x</think>", "a <b> c", "x</think>", id="only the first closing counts"),
    pytest.param("<think>\n\n</think>\n\nHello!", "", "Hello!", id="nothing thought"),
    pytest.param("<think>cut </thi", "cut </thi", "", id="cut off in the thought"),
    pytest.param("<reasoning>Hm.</reasoning>Hello!", "Hm.", "Hello!", id="reasoning"),
    pytest.param(
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hello!<|return|>",
        "Hm.",
        "Hello!",
        id="harmony",
    ),
    pytest.param("<|start|>assistant<|channel|>final<|message|>Hello!", "", "Hello!", id="harmony, no thought"),
    pytest.param("<|channel|>analysis<|message|>Hm", "Hm", "", id="harmony, cut off"),
    pytest.param(
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json"
        "<|message|>{}<|call|>",
        "Hm.",
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
        id="harmony, a call for others to find",
    ),
    pytest.param(
        "analysisThe user greets.assistantfinalHello!", "The user greets.", "Hello!", id="harmony, its tokens swallowed"
    ),
    pytest.param("analysis of the data", "", "analysis of the data", id="the word itself"),
    pytest.param("analysis", "", "analysis", id="the word alone"),
    pytest.param("A <think>tag</think> in the middle", "", "A <think>tag</think> in the middle", id="in the middle"),
    pytest.param("<thin", "", "<thin", id="the beginning of a tag"),
    pytest.param(
        "<|channel|>" + "x" * 300 + "<|message|>y", "", "<|channel|>" + "x" * 300 + "<|message|>y", id="no header at all"
    ),
    pytest.param(" \n", "", " \n", id="white space"),
    pytest.param("Hello!", "", "Hello!", id="no thought"),
]


@pytest.mark.parametrize(("text", "reasoning", "answer"), CASES)
def test_thoughts_and_answer_part(text, reasoning, answer):
    """What was thought and what was answered, without the marks; everything else is the answer, to the letter."""
    assert (reasoning, answer) == whole(text)
    assert (reasoning, answer) == streamed(list(text))


FRAGMENTS = st.sampled_from([
    "<think>", "</think>", "<reasoning>", "</reasoning>", "<|channel|>", "analysis", "final", "<|message|>", "<|end|>", "<|start|>",
    "assistant", "<|return|>", "<|call|>", "commentary to=functions.f ", " ", "\n", "Hm", "The", "<", "x" * 190,
])  # fmt: skip


@given(text=st.lists(FRAGMENTS, max_size=10).map("".join), data=st.data())
def test_however_the_text_is_cut_the_same_comes_out(text, data):
    """Streamed equals whole, for any cut of anything."""
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    assert whole(text) == streamed(pieces)


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["Hel", "lo"], [("", "Hel"), ("", "lo")]),
        (["<th", "ink>", "a", "b </", "think>", "c"], [("", ""), ("", ""), ("a", ""), ("b", ""), ("", ""), ("", "c")]),
        (["<|chan", "ge"], [("", ""), ("", "<|change")]),
    ],
)
def test_nothing_is_held_longer_than_needed(pieces, shown):
    """Thoughts stream as they come, and an answer without any at once."""
    thoughts = Thoughts(REQUEST)
    told = [assemble(thoughts.through([TextDelta(piece)])) for piece in pieces]

    assert shown == [(reply.reasoning, reply.text) for reply in told]


class Script:
    """A reader whose chunks are numbers: each says what the script holds at that place."""

    cut = False

    def __init__(self, *script: list[Delta]) -> None:
        self.script = script

    def read(self, chunk: bytes) -> list[Delta]:
        return self.script[int(chunk)]

    def end(self) -> list[Delta]:
        return [Usage(1, 9)]

    def counted(self) -> Usage | None:
        return Usage(1, 2)


def test_the_reader_steps_out_of_the_way():
    """After the thought chunks are read by the inner reader itself; counts and the end pass through."""
    inner = Script([TextDelta("<think>a</think>")], [TextDelta("b")], [STOP])
    reader = ThinkingReader(inner, REQUEST)

    assert [ReasoningDelta("a")] == reader.read(b"0")
    assert [TextDelta("b")] == reader.read(b"1")
    assert reader.read == inner.read
    assert reader.end() == [Usage(1, 9)]
    assert (reader.cut, reader.counted()) == (False, Usage(1, 2))


def test_a_template_may_open_the_thought():
    """Where the prompt ends with the tag the reply begins inside; the model never writes it."""
    opened = ChatRequest((Message("user", (Text("Hi"),)),), prompt="User: Hi\nAssistant: <think>\n")

    assert whole("Hm.\n</think>\n\nHello!", opened) == ("Hm.", "Hello!")


def test_a_raw_prompt_has_a_raw_answer():
    """Whoever wrote the prompt to the letter gets the text to the letter."""
    raw = ChatRequest((Message("user", (Text("<think>"),)),), prompt="<think>")
    reader = Script()

    assert whole("<think>Hm.</think>Hello!", raw) == ("", "<think>Hm.</think>Hello!")
    assert thinking(reader, raw) is reader
    assert thinking(reader, REQUEST) is not reader
