"""Deltas joined into a reply."""

from adapters.deltas import (
    AssembledCall,
    Finish,
    Logprobs,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Reply,
    Text,
    Thought,
    TokenLogprob,
    ToolCallArguments,
    ToolCallStart,
    Usage,
    assemble,
)


def test_a_reply_is_its_deltas_joined():
    """Texts, thoughts and arguments are joined each by its kind, calls in the order of their indexes."""
    token = TokenLogprob("a", -0.5)
    deltas = [
        Reasoning("Think"),
        Text("a"),
        ToolCallStart(1, "call_2", "g"),
        ToolCallStart(0, "call_1", "f"),
        ToolCallArguments(0, '{"a":'),
        ToolCallArguments(1, "{}"),
        Reasoning("ing"),
        ToolCallArguments(0, " 1}"),
        Logprobs((token,)),
        Text("b"),
        Usage(1, 2),
        Finish("tool_calls", "tool_use"),
    ]

    assert Reply(
        text="ab",
        thoughts=(Thought("Thinking"),),
        tool_calls=(AssembledCall("call_1", "f", '{"a": 1}'), AssembledCall("call_2", "g", "{}")),
        logprobs=(token,),
        finish=Finish("tool_calls", "tool_use"),
        usage=Usage(1, 2),
    ) == assemble(deltas)


def test_a_call_without_arguments_has_an_empty_object():
    """Arguments are always the JSON text of one object."""
    assert (AssembledCall("call_1", "f", "{}"),) == assemble([ToolCallStart(0, "call_1", "f")]).tool_calls


def test_nothing_is_a_reply_without_an_end():
    """No deltas: no text, no reason, no count."""
    assert Reply("", (), (), (), None, None) == assemble([])


def test_thoughts_keep_their_seals_apart():
    """A later turn sends each thought back with its own signature, and the sealed ones as they came."""
    deltas = [Reasoning("a"), Reasoning("b"), ReasoningSignature("sealed"), RedactedReasoning("xyz"), Reasoning("c")]

    reply = assemble(deltas)

    assert (Thought("ab", "sealed"), Thought(redacted="xyz"), Thought("c")) == reply.thoughts
    assert reply.reasoning == "abc"
