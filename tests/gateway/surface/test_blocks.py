"""Deltas as numbered blocks."""

from collections.abc import Sequence

import pytest

from adapters.deltas import (
    Delta,
    Finish,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Text,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from gateway.surface.blocks import Blocks, Closed, Grown, Opened, Step

ONE, TWO = ToolCallStart(0, "c1", "f"), ToolCallStart(1, "c2", "g")
CASES: dict[str, tuple[Sequence[Delta], Sequence[Step]]] = {
    "nothing": ([], []),
    "text": (
        [Text("a"), Text(""), Text("b")],
        [Opened(0, "text"), Grown(0, "text", "a"), Grown(0, "text", "b"), Closed(0)],
    ),
    "a sealed thought, then text": (
        [Reasoning("hm"), ReasoningSignature("s"), Text("a")],
        [
            Opened(0, "thought"),
            Grown(0, "thought", "hm"),
            Grown(0, "signature", "s"),
            Closed(0),
            Opened(1, "text"),
            Grown(1, "text", "a"),
            Closed(1),
        ],
    ),
    "two sealed thoughts are two": (
        [Reasoning("a"), ReasoningSignature("s"), Reasoning("b"), ReasoningSignature("t")],
        [
            *(Opened(0, "thought"), Grown(0, "thought", "a"), Grown(0, "signature", "s"), Closed(0)),
            *(Opened(1, "thought"), Grown(1, "thought", "b"), Grown(1, "signature", "t"), Closed(1)),
        ],
    ),
    "a redacted thought": ([RedactedReasoning("x")], [Opened(0, "redacted", sealed="x"), Closed(0)]),
    "two calls, one without arguments": (
        [Text("a"), ONE, TWO, ToolCallArguments(1, '{"b":'), ToolCallArguments(1, "1}")],
        [
            *(Opened(0, "text"), Grown(0, "text", "a"), Closed(0)),
            *(Opened(1, "call", ONE), Grown(1, "arguments", "{}"), Closed(1)),
            *(Opened(2, "call", TWO), Grown(2, "arguments", '{"b":'), Grown(2, "arguments", "1}"), Closed(2)),
        ],
    ),
    "text after a call": (
        [ONE, ToolCallArguments(0, "{}"), Text("a")],
        [
            *(Opened(0, "call", ONE), Grown(0, "arguments", "{}"), Closed(0)),
            *(Opened(1, "text"), Grown(1, "text", "a"), Closed(1)),
        ],
    ),
}


@pytest.mark.parametrize(("deltas", "steps"), CASES.values(), ids=CASES.keys())
def test_steps(deltas: Sequence[Delta], steps: Sequence[Step]) -> None:
    """Blocks open, grow and close one after the other, however the deltas change."""
    blocks = Blocks()

    told = [step for delta in deltas for step in blocks.tell(delta)]

    assert [*told, *blocks.close()] == steps


def test_what_is_held() -> None:
    """The reason and the counts are told by nobody's block, in whichever order they come."""
    blocks = Blocks()

    assert [*blocks.tell(Usage(1, 2)), *blocks.tell(Finish("stop"))] == []
    assert (blocks.usage, blocks.finish) == (Usage(1, 2), Finish("stop"))
