"""What a caller reads back: OpenAI's completions, chunks, models and errors, field for field. Knows no request.

``prompt_tokens`` and ``completion_tokens`` are words of this file and of ``render`` alone.

Source: https://platform.openai.com/docs/api-reference/chat/object and /chat/streaming
"""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from gateway.surface.openai.wire.requests import ReasoningDetail


class TopLogprob(Struct, frozen=True):
    """One of the likeliest tokens at a place."""

    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(Struct, frozen=True):
    """An output token, its natural-log probability (-9999 when it was next to impossible), and the likeliest others."""

    token: str
    logprob: float
    bytes: list[int] | None
    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(Struct, frozen=True):
    """Log probabilities of the output tokens, in order."""

    content: list[TokenLogprob] | None
    refusal: None = None


class ReplyFunction(Struct, frozen=True):
    """The function to call; ``arguments`` is always the JSON text of one object."""

    name: str
    arguments: str


class ReplyToolCall(Struct, frozen=True):
    """A call the model wants made."""

    id: str
    function: ReplyFunction
    type: Literal["function"] = "function"


class ReplyMessage(Struct, frozen=True):
    """The answer. ``content`` is null when there are only tool calls.

    A model that thinks aloud has its thoughts in ``reasoning_content``; those that a later turn has to send back, so that
    the model can go on from them, are in ``reasoning_details``.
    """

    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    reasoning_content: str | UnsetType = UNSET
    reasoning_details: list[ReasoningDetail] | UnsetType = UNSET
    tool_calls: list[ReplyToolCall] | UnsetType = UNSET


FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Choice(Struct, frozen=True):
    """One of the ``n`` answers."""

    index: int
    message: ReplyMessage
    finish_reason: FinishReason
    logprobs: ChoiceLogprobs | None = None


class PromptTokensDetails(Struct, frozen=True):
    """Of the prompt: tokens read from a cache, and tokens written to one."""

    cached_tokens: int
    cache_write_tokens: int


class CompletionTokensDetails(Struct, frozen=True):
    """Of the answer: tokens of reasoning."""

    reasoning_tokens: int


class CompletionUsage(Struct, frozen=True):
    """Tokens, summed over the choices. The prompt counts once per choice, cache reads and writes included.

    ``completion_tokens_details`` is left out when the model reasoned: Bedrock does not say how many tokens that took.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails | UnsetType = UNSET


class ChatCompletion(Struct, frozen=True):
    """A whole reply. ``model`` is the alias that was asked for; ``created`` is in Unix seconds."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: CompletionUsage | UnsetType = UNSET
    object: Literal["chat.completion"] = "chat.completion"


class FunctionDelta(Struct, frozen=True, omit_defaults=True):
    """``name`` only in a call's first chunk; ``arguments`` to be joined."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Struct, frozen=True, omit_defaults=True):
    """More of a tool call. ``index`` counts calls from 0; ``id`` and ``type`` only in a call's first chunk."""

    index: int
    function: FunctionDelta
    id: str | None = None
    type: Literal["function"] | None = None


class ChoiceDelta(Struct, frozen=True, omit_defaults=True):
    """More of an answer. ``role`` only in the first chunk of a choice."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    refusal: None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Struct, frozen=True):
    """A choice inside a chunk; ``finish_reason`` is null but in its last chunk."""

    index: int
    delta: ChoiceDelta
    logprobs: ChoiceLogprobs | None
    finish_reason: FinishReason | None


class ChatCompletionChunk(Struct, frozen=True):
    """One event of a streamed reply. ``id``, ``created`` and ``model`` are the same in all of them.

    ``usage`` is there only with ``stream_options.include_usage``: null, but in the last chunk, whose ``choices`` is empty.
    """

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | UnsetType | None = UNSET
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"


class Model(Struct, frozen=True):
    """An alias that the key may use. ``created`` is when this gateway took the alias into service, in Unix seconds."""

    id: str
    created: int
    owned_by: str
    object: Literal["model"] = "model"


class ModelList(Struct, frozen=True):
    """Every alias that the key may use."""

    data: list[Model]
    object: Literal["list"] = "list"


class Error(Struct, frozen=True):
    """What went wrong. ``param`` names the field of the request to change, where there is one."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(Struct, frozen=True):
    """Every error, also inside a stream: there it is the last event."""

    error: Error
