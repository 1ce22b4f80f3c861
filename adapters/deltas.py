"""The reply side: a whole reply and a stream are both a sequence of deltas.

``Text* / Reasoning* / ToolCall* … Finish, Usage``. A reply has exactly one ``Finish`` and at most one ``Usage``;
``Usage`` may come before or after ``Finish``, since families disagree.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Text(Struct, frozen=True, tag="text"):
    """Some more of the answer."""

    text: str


class Reasoning(Struct, frozen=True, tag="reasoning"):
    """Some more of the model's thinking, for families that show it."""

    text: str


class ReasoningSignature(Struct, frozen=True, tag="reasoning_signature"):
    """The upstream's seal over the thinking before it. The caller sends it back with that thinking, or it is refused."""

    signature: str


class RedactedReasoning(Struct, frozen=True, tag="redacted_reasoning"):
    """A whole thought that only the upstream can read, to be sent back as it is."""

    data: str


class ToolCallStart(Struct, frozen=True, tag="tool_call_start"):
    """A tool call begins. ``index`` is dense over the reply's tool calls: 0, 1, 2; other blocks do not count."""

    index: int
    id: str
    name: str


class ToolCallArguments(Struct, frozen=True, tag="tool_call_arguments"):
    """Some more of the JSON text of a call's arguments. Joined over the reply they are one JSON object."""

    index: int
    arguments: str


class TokenLogprob(Struct, frozen=True):
    """One output token with its natural-log probability, and the likeliest others at that place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Logprobs(Struct, frozen=True, tag="logprobs"):
    """Log probabilities of the output tokens, in order."""

    tokens: tuple[TokenLogprob, ...]


class Finish(Struct, frozen=True, tag="finish"):
    """The model has ended, and why.

    Attributes:
        reason: OpenAI's word. A native word that no table knows becomes ``stop``: a paid reply is never thrown away.
        native: The family's own word, ``None`` when it gave none.
        known: False when no table maps the native word, so that it can be counted and the table mended.
        stop: Which of the caller's stop strings ended it, where that is known.
    """

    reason: FinishReason
    native: str | None = None
    known: bool = True
    stop: str | None = None


class Usage(Struct, frozen=True, tag="usage"):
    """What was consumed, in tokens.

    Attributes:
        input_tokens: The whole prompt, tokens read from or written to a cache included (Bedrock's own figure excludes them).
        source: Where the figures come from; an ``estimate`` is ours and only stands in when the upstream says nothing.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    source: Literal["body", "metrics", "headers", "estimate"] = "body"


Delta = Text | Reasoning | ReasoningSignature | RedactedReasoning | ToolCallStart | ToolCallArguments | Logprobs | Finish | Usage


class AssembledCall(Struct, frozen=True):
    """A tool call with its arguments joined; ``arguments`` is ``{}`` when the model sent none."""

    id: str
    name: str
    arguments: str


class Thought(Struct, frozen=True):
    """One block of thinking: readable and perhaps signed, or ``redacted``."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class Reply(Struct, frozen=True):
    """A whole reply, joined from its deltas.

    Attributes:
        thoughts: Block by block, with what a later turn must send back.
    """

    text: str
    thoughts: tuple[Thought, ...]
    tool_calls: tuple[AssembledCall, ...]
    logprobs: tuple[TokenLogprob, ...]
    finish: Finish | None
    usage: Usage | None

    @property
    def reasoning(self) -> str:
        """All readable thinking in one text."""
        return "".join(thought.text for thought in self.thoughts)


def joined(deltas: list[Delta]) -> list[Delta]:
    """The same deltas with neighbouring texts as one: what arrived together need not be told apart on its way out."""
    if len(deltas) < 2:
        return deltas
    told: list[Delta] = []
    texts: list[str] = []
    for delta in deltas:
        if type(delta) is Text:
            texts.append(delta.text)
        else:
            if texts:
                told.append(Text("".join(texts)))
                texts = []
            told.append(delta)
    if texts:
        told.append(Text("".join(texts)))
    return told


def assemble(deltas: Sequence[Delta]) -> Reply:
    """Join deltas into the reply they describe. A later ``Usage`` or ``Finish`` replaces an earlier one."""
    text: list[str] = []
    calls: dict[int, ToolCallStart] = {}
    arguments: dict[int, list[str]] = {}
    logprobs: list[TokenLogprob] = []
    finish: Finish | None = None
    usage: Usage | None = None
    thoughtful = False
    for delta in deltas:
        match delta:
            case Text():
                text.append(delta.text)
            case Finish():
                finish = delta
            case Usage():
                usage = delta
            case ToolCallStart():
                calls[delta.index] = delta
                arguments[delta.index] = []
            case ToolCallArguments():
                arguments[delta.index].append(delta.arguments)
            case Logprobs():
                logprobs.extend(delta.tokens)
            case _:
                thoughtful = True
    return Reply(
        text="".join(text),
        thoughts=tuple(_thoughts(deltas)) if thoughtful else (),
        tool_calls=tuple(
            AssembledCall(call.id, call.name, "".join(arguments[index]) or "{}") for index, call in sorted(calls.items())
        ),
        logprobs=tuple(logprobs),
        finish=finish,
        usage=usage,
    )


def _thoughts(deltas: Sequence[Delta]) -> Iterator[Thought]:
    """A signature ends the thought before it; what is never signed is one thought."""
    thinking: list[str] = []
    for delta in deltas:
        match delta:
            case Reasoning():
                thinking.append(delta.text)
            case ReasoningSignature():
                yield Thought("".join(thinking), delta.signature)
                thinking = []
            case RedactedReasoning():
                yield Thought(redacted=delta.data)
    if thinking:
        yield Thought("".join(thinking))
